//! Small files that are asked for often, in memory: opening one on a disk costs several times what sending it does.
//!
//! A blob's name is its digest, so what is kept never gets old.

use blobs::Blobs;
use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use quick_cache::{Weighter, sync::Cache};

/// A larger file costs more to send than to open.
const FILE_BYTES_MAX: u64 = 256 * 1024;

/// All of them.
const BYTES_MAX: u64 = 256 * 1024 * 1024;

/// What one takes besides its bytes.
const AROUND_BYTES: u64 = 256;

/// Room for the names of as many is made at the start.
const FILES: usize = 10_000;

/// The files in memory. A file is kept at the expense of one that is asked for less often.
pub(crate) struct Hot(Cache<[u8; 32], Bytes, InBytes>);

#[derive(Clone)]
struct InBytes;

impl Weighter<[u8; 32], Bytes> for InBytes {
    fn weight(&self, _: &[u8; 32], bytes: &Bytes) -> u64 {
        bytes.len() as u64 + AROUND_BYTES
    }
}

impl Hot {
    pub(crate) fn new() -> Self {
        Self(Cache::with_weighter(FILES, BYTES_MAX, InBytes))
    }

    /// The whole file, if it is small. Whoever asks while it is read waits for that.
    pub(crate) async fn get(
        &self,
        blobs: &Blobs,
        sha256: &[u8; 32],
        size_bytes: u64,
    ) -> Result<Option<Bytes>, blobs::Error> {
        if size_bytes > FILE_BYTES_MAX {
            return Ok(None);
        }
        if let Some(bytes) = self.0.get(sha256) {
            return Ok(Some(bytes));
        }
        Box::pin(self.0.get_or_insert_async(sha256, read(blobs, sha256))).await.map(Some)
    }
}

async fn read(blobs: &Blobs, sha256: &[u8; 32]) -> Result<Bytes, blobs::Error> {
    let blob = blobs.get(sha256).await?;
    let all = blob.stream.try_fold(BytesMut::new(), |mut all, chunk| async move {
        all.extend_from_slice(&chunk);
        Ok(all)
    });
    Ok(all.await?.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;
    use sha2::{Digest, Sha256};

    async fn stored(blobs: &Blobs, bytes: usize) -> [u8; 32] {
        let content = Bytes::from(vec![7; bytes]);
        let sha256 = Sha256::digest(&content).into();
        let written = blobs.put_bytes(content).await.unwrap();
        blobs.commit(&written.key, &sha256).await.unwrap();
        sha256
    }

    #[tokio::test]
    async fn a_small_file_is_read_once_and_a_larger_one_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(folder.path().to_str().unwrap()).unwrap();
        let hot = Hot::new();
        let size = usize::try_from(FILE_BYTES_MAX).unwrap();
        let small = stored(&blobs, size).await;
        let first = hot.get(&blobs, &small, FILE_BYTES_MAX).await.unwrap().unwrap();
        assert_eq!(first.len(), size);
        drop(folder);
        assert_eq!(hot.get(&blobs, &small, FILE_BYTES_MAX).await.unwrap(), Some(first));
        assert_eq!(hot.get(&blobs, &[0; 32], FILE_BYTES_MAX + 1).await.unwrap(), None);
        assert!(hot.get(&blobs, &[0; 32], 1).await.is_err(), "what is not there is no empty file");
    }
}
