//! Where objects lie. Nothing a caller sends becomes part of a path before it was parsed here.

use object_store::path::Path;
use uuid::Uuid;

use crate::Error;

/// The SHA-256 of a file's bytes.
pub type Digest = [u8; 32];

pub(crate) const TMP: &str = "tmp";

/// `sha256/<first two digits>/<all 64>`: two digits keep directories on a disk small.
pub(crate) fn blob(sha256: &Digest) -> Path {
    let hex = hex::encode(sha256);
    Path::from_iter(["sha256", &hex[..2], &hex])
}

#[expect(clippy::disallowed_methods, reason = "the name of a temporary object is not part of any fact")]
pub(crate) fn new_tmp() -> Path {
    Path::from_iter([TMP, &Uuid::new_v4().to_string()])
}

/// The temporary object of an id that its holder has from elsewhere.
pub(crate) fn tmp(id: Uuid) -> Path {
    Path::from_iter([TMP, &id.to_string()])
}

/// Accepts exactly what [`new_tmp`] makes.
pub(crate) fn parse_tmp(key: &str) -> Result<Path, Error> {
    let id = key.strip_prefix("tmp/").and_then(|id| Uuid::try_parse(id).ok());
    match id.map(|id| id.to_string()) {
        Some(id) if key.len() == TMP.len() + 1 + id.len() => Ok(Path::from_iter([TMP, &id])),
        _ => Err(Error::InvalidKey(key.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_lies_under_its_digest() {
        let path = blob(&[0xab; 32]);
        assert_eq!(path.to_string(), format!("sha256/ab/{}", "ab".repeat(32)));
    }

    #[test]
    fn only_what_an_upload_was_given_is_a_key() {
        let key = new_tmp().to_string();
        assert_eq!(parse_tmp(&key).unwrap().to_string(), key);
        for wrong in ["", "tmp/", "tmp/../sha256/ab", "sha256/ab/abab", "tmp/{8e4b0f6e}", &format!("{key}/x")]
        {
            assert!(parse_tmp(wrong).is_err(), "{wrong} was taken for a key");
        }
        let braced = format!("tmp/{{{}}}", &key[4..]);
        assert!(parse_tmp(&braced).is_err());
    }
}
