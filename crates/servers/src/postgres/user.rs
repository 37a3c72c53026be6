//! As whom Postgres runs.

use std::{path::Path, process::Command};

use anyhow::{Context as _, bail};
use nix::unistd::{Uid, User as Account, chown};

use super::succeeds;
use crate::child::with_parent;

const NAMESPACE: [&str; 3] = ["-U", "--map-user=1000", "--map-group=1000"];
const NOBODY: [&str; 5] = ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"];
/// The secure bit keeps the capability in access(2) too, by which Postgres finds its own programs.
const SEARCHING: [&str; 8] = [
    "--reuid",
    "nobody",
    "--regid",
    "nogroup",
    "--clear-groups",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
    "--securebits=+no_setuid_fixup",
];

/// As whom Postgres runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    /// As the caller, who is not root.
    Caller,
    /// As root outside and an ordinary user inside a user namespace: no file changes hands.
    Namespace,
    /// As nobody, where user namespaces are off and every folder above programs and data lets it through.
    Nobody,
    /// As nobody with the one capability that lets it through closed folders, such as root's home, but write no file.
    Searching,
}

impl User {
    /// Whoever is not root and reaches both folders.
    pub(super) fn choose(programs: &Path, data: &Path) -> anyhow::Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self::Caller);
        }
        if succeeds(Command::new("unshare").args(NAMESPACE).arg("true")) {
            return Ok(Self::Namespace);
        }
        if let Some(user) = Self::other_than_root(programs, data) {
            return Ok(user);
        }
        bail!(
            "Postgres does not run as root, and as nobody it cannot enter {} and {}: start this as another user, or \
             from a folder that every user may enter",
            programs.display(),
            data.display()
        )
    }

    /// Without user namespaces: the one with the fewest rights that reaches both folders.
    fn other_than_root(programs: &Path, data: &Path) -> Option<Self> {
        let reaches = |user: &Self| {
            // Looked up, not asked about: access(2) leaves out what a capability adds.
            let looks =
                |folder: &Path| succeeds(user.command(Path::new("test")).arg("-d").arg(folder.join(".")));
            looks(programs) && looks(data)
        };
        [Self::Nobody, Self::Searching].into_iter().find(reaches)
    }

    /// A command as this user. The parent-death signal is set last, as a change of user clears it.
    pub(super) fn command(self, program: &Path) -> Command {
        let inner = with_parent(program);
        let (wrapper, options) = match self {
            Self::Caller => return inner,
            Self::Namespace => ("unshare", &NAMESPACE[..]),
            Self::Nobody => ("setpriv", &NOBODY[..]),
            Self::Searching => ("setpriv", &SEARCHING[..]),
        };
        let mut command = Command::new(wrapper);
        command.args(options).arg("--").arg(inner.get_program()).args(inner.get_args());
        command
    }

    /// Gives a file or folder to this user, where it is not root's own.
    pub(super) fn own(self, path: &Path) -> anyhow::Result<()> {
        match self {
            Self::Caller | Self::Namespace => Ok(()),
            Self::Nobody | Self::Searching => {
                let nobody = Account::from_name("nobody")?.context("there is no user nobody")?;
                Ok(chown(path, Some(nobody.uid), Some(nobody.gid))?)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{Permissions, create_dir, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_that_is_closed_to_others_costs_one_capability() {
        let home = tempfile::tempdir().unwrap();
        let (bin, data) = (home.path().join("bin"), home.path().join("data"));
        create_dir(&bin).unwrap();
        create_dir(&data).unwrap();
        let chosen = |mode| {
            set_permissions(home.path(), Permissions::from_mode(mode)).unwrap();
            User::other_than_root(&bin, &data)
        };
        // Nobody but root can become somebody else.
        let root = Uid::effective().is_root();
        assert_eq!(chosen(0o711), root.then_some(User::Nobody));
        assert_eq!(chosen(0o700), root.then_some(User::Searching));
    }
}
