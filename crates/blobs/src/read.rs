//! Reading: whole files and ranges, as streams of large chunks.

use std::io::SeekFrom;
use std::ops::Range;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    GetOptions, GetRange, GetResult, GetResultPayload, ObjectStore as _, ObjectStoreExt as _,
};
use tokio::io::{AsyncReadExt, AsyncSeekExt};
use tokio_util::io::ReaderStream;

use crate::key::{TMP, blob, parse_tmp};
use crate::{Blobs, Digest, Error};

/// From a disk in chunks of this size: each costs a hop to the blocking pool.
const CHUNK_BYTES: usize = 512 * 1024;

/// An open file.
pub struct Blob {
    /// The whole file's size, also when only a range of it streams.
    pub size: u64,
    /// What was asked for.
    pub stream: BoxStream<'static, Result<Bytes, Error>>,
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Blob").field("size", &self.size).finish_non_exhaustive()
    }
}

impl Blobs {
    /// Whether the blob is there.
    pub async fn has(&self, sha256: &Digest) -> Result<bool, Error> {
        let path = blob(sha256);
        match self.store.head(&path).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(Error::from_store(path.as_ref(), error)),
        }
    }

    /// The blob's size in bytes.
    pub async fn size(&self, sha256: &Digest) -> Result<u64, Error> {
        let path = blob(sha256);
        let meta = self.store.head(&path).await.map_err(|error| Error::from_store(path.as_ref(), error))?;
        Ok(meta.size)
    }

    /// Opens a whole blob.
    pub async fn get(&self, sha256: &Digest) -> Result<Blob, Error> {
        self.open_at(blob(sha256), None).await
    }

    /// Opens bytes `range` of a blob; an end behind the file's is cut to it.
    pub async fn range(&self, sha256: &Digest, range: Range<u64>) -> Result<Blob, Error> {
        let size = self.size(sha256).await?;
        if range.start >= size || range.start >= range.end {
            return Err(Error::RangeBeyondEnd { size_bytes: size });
        }
        self.open_at(blob(sha256), Some(range.start..range.end.min(size))).await
    }

    /// Opens an upload that is not committed yet.
    pub async fn get_tmp(&self, key: &str) -> Result<Blob, Error> {
        self.open_at(parse_tmp(key)?, None).await
    }

    /// Asks the store something, to learn whether it can be used. For readiness.
    ///
    /// It lists, because a bucket that does not exist answers for one object as if only that were missing.
    pub async fn check(&self) -> Result<(), Error> {
        match self.store.list(Some(&Path::from(TMP))).next().await {
            Some(Err(error)) => Err(Error::Unavailable(error)),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    async fn open_at(&self, path: Path, range: Option<Range<u64>>) -> Result<Blob, Error> {
        let options = GetOptions { range: range.map(GetRange::Bounded), ..GetOptions::default() };
        let found = self.store.get_opts(&path, options).await;
        let found = found.map_err(|error| Error::from_store(path.as_ref(), error))?;
        Ok(Blob { size: found.meta.size, stream: stream(path, found).await? })
    }
}

async fn stream(path: Path, found: GetResult) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
    let range = found.range.clone();
    let fail = move |error: std::io::Error| {
        Error::Unavailable(object_store::Error::Generic { store: "file", source: error.into() })
    };
    match found.payload {
        GetResultPayload::File(file, _) => {
            let mut file = tokio::fs::File::from_std(file);
            file.set_max_buf_size(CHUNK_BYTES);
            file.seek(SeekFrom::Start(range.start)).await.map_err(fail)?;
            let bytes = file.take(range.end - range.start);
            Ok(ReaderStream::with_capacity(bytes, CHUNK_BYTES).map_err(fail).boxed())
        }
        GetResultPayload::Stream(stream) => {
            Ok(stream.map_err(move |error| Error::from_store(path.as_ref(), error)).boxed())
        }
    }
}
