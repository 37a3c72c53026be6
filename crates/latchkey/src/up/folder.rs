//! The data folder: what lies where, and that one process at a time has it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use servers::DataFolder;

use crate::failed::{Exit, Failed};

/// A data folder that this process holds until it ends.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    _lock: DataFolder,
}

impl Folder {
    /// Makes the folder if it is not there, and takes it.
    pub fn take(path: &Path) -> Result<Self, Failed> {
        let lock =
            DataFolder::lock(path).map_err(|error| Failed::new(Exit::Conflict, format!("{error:#}")))?;
        let make = || {
            let root = path.canonicalize()?;
            for private in ["secrets", "blobs"] {
                fs::DirBuilder::new().recursive(true).mode(0o700).create(root.join(private))?;
            }
            Ok(root)
        };
        match make() {
            Ok(root) => Ok(Self { root, _lock: lock }),
            Err(error) => Err(Failed::io(format_args!("preparing {}", path.display()), &error)),
        }
    }

    /// The folder itself, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// nats-server's store, configuration and log.
    pub fn nats(&self) -> PathBuf {
        self.root.join("nats")
    }

    /// Postgres' data and log.
    pub fn postgres(&self) -> PathBuf {
        self.root.join("postgres")
    }

    /// The files of all packages, by hash.
    pub fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// Keys, credentials and the first account's password.
    pub fn secrets(&self) -> PathBuf {
        self.root.join("secrets")
    }

    /// The certificate authority and the server's certificate.
    pub fn tls(&self) -> PathBuf {
        self.root.join("tls")
    }

    /// What scripts read once everything is ready.
    pub fn record(&self) -> PathBuf {
        self.root.join("up.json")
    }
}

/// Writes a file that only its owner reads, whole or not at all.
pub fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    let _stale = fs::remove_file(&fresh);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_folder_is_held_by_one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("data");
        let first = Folder::take(&path).unwrap();
        let refused = Folder::take(&path).unwrap_err();
        assert_eq!(refused.exit, Exit::Conflict);
        assert!(!refused.to_string().contains('\n'), "one sentence: {refused}");
        drop(first);
        Folder::take(&path).unwrap();
    }

    #[test]
    fn secrets_are_for_their_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::take(dir.path()).unwrap();
        let path = folder.secrets().join("word");
        write_private(&path, "one").unwrap();
        write_private(&path, "two").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder.secrets()), mode(&path)), (0o700, 0o600));
        assert_eq!(fs::read_to_string(&path).unwrap(), "two");
    }
}
