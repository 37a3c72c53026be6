//! What `login` notes for later commands: the server's address and the session's string, for the owner's eyes only.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::args::Global;
use crate::failed::{Exit, Failed};

/// The noted session.
#[derive(Deserialize, Serialize)]
pub(crate) struct Session {
    pub(crate) url: String,
    pub(crate) login: String,
    pub(crate) token: String,
    /// The certificate authority that the server was trusted by.
    #[serde(default)]
    pub(crate) ca: Option<PathBuf>,
}

/// `$XDG_CONFIG_HOME/latchkey/session.json`, or the same under `~/.config`.
pub(crate) fn path(global: &Global) -> Result<PathBuf, Failed> {
    // The base directory specification: an empty or relative XDG_CONFIG_HOME counts as unset.
    let given = global.config_home.as_ref().filter(|dir| dir.is_absolute());
    let base = given.cloned().or_else(|| global.home.as_ref().map(|home| home.join(".config")));
    match base {
        Some(base) => Ok(base.join("latchkey").join("session.json")),
        None => Err(Failed::new(Exit::Other, "there is no place for the session")
            .hint("set HOME or XDG_CONFIG_HOME, or use LATCHKEY_URL and LATCHKEY_TOKEN")),
    }
}

/// Reads it; nothing is noted is not an error.
pub(crate) fn read(path: &Path) -> Result<Option<Session>, Failed> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failed::io(format_args!("reading {}", path.display()), &error)),
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        Failed::new(Exit::Other, format!("{} is damaged: {error}", path.display()))
            .hint("sign in again with `latchkey login`")
    })
}

/// Writes it, readable by its owner alone from the first byte on.
pub(crate) fn write(path: &Path, session: &Session) -> Result<(), Failed> {
    let write = || {
        if let Some(dir) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let fresh = path.with_extension("new");
        let _stale = fs::remove_file(&fresh);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        file.write_all(&serde_json::to_vec(session)?)?;
        fs::rename(&fresh, path)
    };
    write().map_err(|error| Failed::io(format_args!("writing {}", path.display()), &error))
}

/// Forgets it.
pub(crate) fn remove(path: &Path) -> Result<(), Failed> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failed::io(format_args!("removing {}", path.display()), &error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_noted_session_is_for_its_owner_alone_and_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("latchkey").join("session.json");
        let session =
            Session { url: "http://h".into(), login: "ada".into(), token: "lks-1".into(), ca: None };
        write(&path, &session).unwrap();
        write(&path, &session).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap().unwrap().token, "lks-1");
        remove(&path).unwrap();
        assert!(read(&path).unwrap().is_none());
    }
}
