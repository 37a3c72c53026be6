//! What a client says the bytes hash to: in headers, in the query, in form fields.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use blobs::Written;
use http::HeaderMap;

use crate::problem::Problem;

/// Each digest that was given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) sha256: Option<[u8; 32]>,
    pub(super) md5: Option<[u8; 16]>,
    /// Only catalog computes this one.
    pub(super) blake2_256: Option<[u8; 32]>,
}

impl Expected {
    /// Takes from `other` what is not said here.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            sha256: self.sha256.or(other.sha256),
            md5: self.md5.or(other.md5),
            blake2_256: self.blake2_256.or(other.blake2_256),
        }
    }

    /// Compares with what was received.
    pub(super) fn check(&self, written: &Written) -> Result<(), Problem> {
        let wrong = |which: &str| {
            Err(Problem::invalid(format!("the bytes received do not have the {which} that was sent along")))
        };
        if self.sha256.is_some_and(|sha256| sha256 != written.sha256) {
            return wrong("SHA-256");
        }
        if self.md5.is_some_and(|md5| md5 != written.md5) {
            return wrong("MD5");
        }
        Ok(())
    }
}

/// Names of headers that hold a SHA-256: rattler's own, artifactory's, the prefix service's part header.
const SHA256_HEADERS: [&str; 3] = ["x-expected-sha256", "x-checksum-sha256", "x-file-sha256"];

/// Reads the digests in a request's or a part's headers.
pub(super) fn of_headers(headers: &HeaderMap) -> Result<Expected, Problem> {
    let text =
        |name: &str| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let sha256 = SHA256_HEADERS.iter().find_map(|name| text(name)).map(|text| sha256(&text)).transpose()?;
    let md5 = text("x-checksum-md5").map(|text| md5(&text)).transpose()?;
    Ok(Expected { sha256, md5, blake2_256: None })
}

/// Reads `sha256=<hex>` in a query.
pub(super) fn of_query(query: &str) -> Result<Expected, Problem> {
    let sha256 = query.split('&').find_map(|pair| pair.strip_prefix("sha256=")).map(sha256).transpose()?;
    Ok(Expected { sha256, ..Expected::default() })
}

/// A SHA-256 or BLAKE2b-256 in hex.
pub(super) fn sha256(text: &str) -> Result<[u8; 32], Problem> {
    exactly(hex::decode(text.trim()).ok())
}

/// An MD5 in hex, as clients send it, or in base64, as the documentation has it.
pub(super) fn md5(text: &str) -> Result<[u8; 16], Problem> {
    let text = text.trim();
    let base64 = || STANDARD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).ok();
    exactly(hex::decode(text).ok().or_else(base64))
}

fn exactly<const N: usize>(bytes: Option<Vec<u8>>) -> Result<[u8; N], Problem> {
    bytes.and_then(|bytes| bytes.try_into().ok()).ok_or_else(|| {
        Problem::invalid(format!("a digest is not readable: expected {} hexadecimal digits", 2 * N))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_md5_is_read_in_both_spellings() {
        let hex = "d41d8cd98f00b204e9800998ecf8427e";
        assert_eq!(md5(hex).unwrap(), md5("1B2M2Y8AsgTpgAmY7PhCfg==").unwrap());
        assert!(md5("short").is_err());
    }

    #[test]
    fn a_digest_that_cannot_be_read_is_refused_rather_than_ignored() {
        assert!(of_query("force=true&sha256=zz").is_err());
        assert_eq!(of_query("force=true").unwrap(), Expected::default());
        assert_eq!(of_query(&format!("sha256={}", "ab".repeat(32))).unwrap().sha256, Some([0xab; 32]));
    }

    #[test]
    fn each_digest_given_must_hold() {
        let written = Written { key: "tmp/x".into(), size: 1, sha256: [1; 32], md5: [2; 16] };
        let right = Expected { sha256: Some([1; 32]), md5: Some([2; 16]), blake2_256: None };
        assert!(right.check(&written).is_ok() && Expected::default().check(&written).is_ok());
        assert!(Expected { sha256: Some([0; 32]), ..right.clone() }.check(&written).is_err());
        assert!(Expected { md5: Some([0; 16]), ..right }.check(&written).is_err());
    }
}
