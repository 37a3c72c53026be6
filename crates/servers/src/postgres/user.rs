//! As whom Postgres runs.

use std::{path::Path, process::Command};

use anyhow::{Context as _, bail};
use nix::unistd::{Uid, User as Account, chown};

use super::succeeds;
use crate::child::with_parent;

const NAMESPACE: [&str; 3] = ["-U", "--map-user=1000", "--map-group=1000"];
const NOBODY: [&str; 5] = ["--reuid", "nobody", "--regid", "nogroup", "--clear-groups"];

/// As whom Postgres runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum User {
    /// As the caller, who is not root.
    Caller,
    /// As root outside and an ordinary user inside a user namespace: no file changes hands.
    Namespace,
    /// As nobody, where user namespaces are off. Every folder above the data must let it through.
    Nobody,
}

impl User {
    pub(super) fn choose() -> anyhow::Result<Self> {
        if !Uid::effective().is_root() {
            return Ok(Self::Caller);
        }
        if succeeds(Command::new("unshare").args(NAMESPACE).arg("true")) {
            return Ok(Self::Namespace);
        }
        if succeeds(Command::new("setpriv").args(NOBODY).arg("true")) {
            return Ok(Self::Nobody);
        }
        bail!(
            "Postgres does not run as root, and neither unshare nor setpriv works here: start this as another user"
        )
    }

    /// A command as this user. The parent-death signal is set last, as a change of user clears it.
    pub(super) fn command(self, program: &Path) -> Command {
        let inner = with_parent(program);
        let (wrapper, options) = match self {
            Self::Caller => return inner,
            Self::Namespace => ("unshare", &NAMESPACE[..]),
            Self::Nobody => ("setpriv", &NOBODY[..]),
        };
        let mut command = Command::new(wrapper);
        command.args(options).arg("--").arg(inner.get_program()).args(inner.get_args());
        command
    }

    /// Gives a file or folder to this user, where it is not root's own.
    pub(super) fn own(self, path: &Path) -> anyhow::Result<()> {
        match self {
            Self::Caller | Self::Namespace => Ok(()),
            Self::Nobody => {
                let nobody = Account::from_name("nobody")?.context("there is no user nobody")?;
                Ok(chown(path, Some(nobody.uid), Some(nobody.gid))?)
            }
        }
    }
}
