//! Files by their SHA-256: a directory on a laptop, S3-compatible storage in a cluster.
//!
//! Bytes arrive under `tmp/<uuid>` and become a blob, `sha256/<2>/<64 hex>`, only by [`Blobs::commit`].
//! What a blob's name says is what it holds, so it never changes and is never written twice with
//! different bytes. What nobody commits is swept.
#![warn(missing_docs)]

mod error;
mod key;
mod open;
mod read;
mod sweep;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;

pub use error::{Error, NotOpened};
pub use key::Digest;
pub use read::Blob;
pub use write::{MAX_BLOB_BYTES, Written};

/// The store. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// Where a local store keeps its uploads, for the sweep.
    uploads: Option<PathBuf>,
}
