//! Uploads that were never committed are removed once nobody can still be working on them.

use std::path::PathBuf;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use time::OffsetDateTime;

use crate::key::TMP;
use crate::{Blobs, Error};

impl Blobs {
    /// Removes the temporary objects last written before `before`; says how many there were.
    ///
    /// Blobs are not touched: what refers to them is the log's to say.
    pub async fn sweep(&self, before: OffsetDateTime) -> Result<u64, Error> {
        let folder = Path::from(TMP);
        let old = self
            .store
            .list(Some(&folder))
            .try_filter(|object| {
                let old = object.last_modified.timestamp() < before.unix_timestamp();
                futures::future::ready(old)
            })
            .map_ok(|object| object.location);
        let mut old = old.boxed();
        let mut removed = 0;
        while let Some(location) = old.try_next().await.map_err(Error::Unavailable)? {
            match self.store.delete(&location).await {
                Ok(()) => removed += 1,
                // A commit or another sweep was faster.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(Error::Unavailable(error)),
            }
        }
        let halves = self.uploads.clone().map(|folder| remove_halves(folder, before));
        match halves {
            Some(work) => Ok(removed + work.await?),
            None => Ok(removed),
        }
    }
}

/// The local store writes a large upload to `<key>#<n>` and lists no such name. Killed in the middle,
/// it leaves one; S3 has a lifecycle rule for the same.
async fn remove_halves(folder: PathBuf, before: OffsetDateTime) -> Result<u64, Error> {
    let fail = |error: std::io::Error| {
        Error::Unavailable(object_store::Error::Generic { store: "file", source: error.into() })
    };
    let mut entries = match tokio::fs::read_dir(&folder).await {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(fail(error)),
    };
    let mut removed = 0;
    while let Some(entry) = entries.next_entry().await.map_err(fail)? {
        if !entry.file_name().to_string_lossy().contains('#') {
            continue;
        }
        // A file that is gone by now was being finished.
        let Ok(metadata) = entry.metadata().await else { continue };
        let written = OffsetDateTime::from(metadata.modified().map_err(fail)?);
        if written < before && tokio::fs::remove_file(entry.path()).await.is_ok() {
            removed += 1;
        }
    }
    Ok(removed)
}
