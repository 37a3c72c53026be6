//! Rows to bytes: every index document, as conda, pip and uv read them.
//!
//! Pure: no clock, no I/O, no client. What a document says, its ETag and its Last-Modified come from the records
//! shown in it and from nothing else, so two viewers who may see the same read the same bytes.

pub mod channeldata;
mod json;
pub mod negotiate;
pub mod notices;
pub mod record;
pub mod repodata;
pub mod run_exports;
pub mod shards;
pub mod simple;

use std::io::Write as _;
use std::time::SystemTime;

use bytes::Bytes;
use http::HeaderValue;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// `repodata.json`, `channeldata.json` and the like.
pub const JSON: &str = "application/json";
/// One zstd frame.
pub const ZSTD: &str = "application/zstd";
/// A shard or the shard index; conda's own tools name no better type.
pub const MSGPACK_ZSTD: &str = "application/octet-stream";

/// zstd's level. Higher ones buy nothing on index data until 19, which takes minutes.
const ZSTD_LEVEL: i32 = 3;

/// A document, ready to be sent. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The body.
    pub bytes: Bytes,
    /// Strong and quoted: a digest of type and body.
    pub etag: String,
    /// The newest upload in it; none in an empty document.
    pub last_modified: Option<OffsetDateTime>,
    /// `Content-Type`.
    pub content_type: &'static str,
    sealed: Sealed,
}

/// What goes into every answer's headers, written once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) etag: HeaderValue,
    pub(crate) modified: Option<HeaderValue>,
}

impl Sealed {
    /// `etag` is quoted.
    fn new(etag: &str, modified: Option<OffsetDateTime>) -> Self {
        Self { etag: visible(etag.as_bytes()), modified: modified.map(http_date) }
    }
}

impl Rendered {
    /// Seals a body: from here on it is what its ETag says.
    pub fn new(
        content_type: &'static str,
        bytes: impl Into<Bytes>,
        last_modified: Option<OffsetDateTime>,
    ) -> Self {
        let bytes = bytes.into();
        // The type is part of the representation: one page under two types is two things to a cache.
        let digest =
            Sha256::new().chain_update(content_type).chain_update([0]).chain_update(&bytes).finalize();
        Self::tagged(content_type, &digest[..16], bytes, last_modified)
    }

    /// The same where a digest of the body is known.
    pub fn tagged(
        content_type: &'static str,
        digest: &[u8],
        bytes: impl Into<Bytes>,
        last_modified: Option<OffsetDateTime>,
    ) -> Self {
        let etag = format!("\"{}\"", hex::encode(digest));
        let sealed = Sealed::new(&etag, last_modified);
        Self { bytes: bytes.into(), etag, last_modified, content_type, sealed }
    }

    pub(crate) fn sealed(&self) -> &Sealed {
        &self.sealed
    }

    /// The same document in a content coding, which is a representation of its own.
    pub(crate) fn coded(&self, coding: &str, bytes: impl Into<Bytes>) -> Self {
        let etag = format!("{}-{coding}\"", self.etag.trim_end_matches('"'));
        let sealed = Sealed::new(&etag, self.last_modified);
        Self { bytes: bytes.into(), etag, sealed, ..*self }
    }

    /// The same document compressed.
    pub fn zst(&self) -> Self {
        Self::new(ZSTD, zst(&self.bytes), self.last_modified)
    }
}

/// `ETag` of a file in the file store: strong, its digest.
pub(crate) fn file_etag(sha256: &[u8; 32]) -> HeaderValue {
    let mut etag = [b'"'; 2 * 32 + 2];
    hex::encode_to_slice(sha256, &mut etag[1..65]).expect("32 bytes are 64 digits");
    visible(&etag)
}

/// `Last-Modified`: an IMF-fixdate (RFC 9110, section 5.6.7).
pub(crate) fn http_date(at: OffsetDateTime) -> HeaderValue {
    let mut date = [0; 29];
    write!(&mut date[..], "{}", httpdate::HttpDate::from(SystemTime::from(at))).expect("each is as long");
    visible(&date)
}

fn visible(text: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(text).expect("digests and dates are visible ASCII")
}

/// Compresses into ONE frame that names its size: rattler stops after the first frame, and conda bounds a shard
/// by the size it names.
fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL)
        .expect("compressing memory into memory grows its buffer as needed")
}
