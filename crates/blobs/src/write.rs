//! Writing: bytes stream to a temporary object while they are hashed, and become a blob by being
//! moved to their digest's key. Nothing is ever visible half written.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use md5::Md5;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore as _, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::key::{blob, new_tmp, parse_tmp, tmp};
use crate::{Blobs, Digest, Error};

/// One part of a large upload. S3 takes at most 10,000 parts and none but the last under 5 MiB.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// The largest file: S3 moves no larger object in one call.
pub const MAX_BLOB_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// A finished temporary object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Give this to [`Blobs::commit`].
    pub key: String,
    /// Bytes written.
    pub size: u64,
    /// Their SHA-256.
    pub sha256: Digest,
    /// Their MD5, which conda's indexes hold; it proves nothing.
    pub md5: [u8; 16],
}

impl Blobs {
    /// Streams bytes to a new temporary object, hashing them on the way.
    ///
    /// Beyond `limit_bytes`, or when the stream ends in an error, nothing is left behind.
    pub async fn put_stream<S, E>(&self, stream: S, limit_bytes: u64) -> Result<Written, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.put_at(new_tmp(), stream, limit_bytes).await
    }

    /// The same to the temporary object of this id, which the caller has made sure is written once: see
    /// [`Blobs::claim`].
    pub async fn put_stream_as<S, E>(&self, id: Uuid, stream: S, limit_bytes: u64) -> Result<Written, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.put_at(tmp(id), stream, limit_bytes).await
    }

    /// True for whoever claims this id first, whichever process they are; a claim is forgotten by the sweep.
    pub async fn claim(&self, id: Uuid) -> Result<bool, Error> {
        let options = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&tmp(id), PutPayload::new(), options).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(Error::Unavailable(error)),
        }
    }

    async fn put_at<S, E>(&self, path: Path, stream: S, limit_bytes: u64) -> Result<Written, Error>
    where
        S: Stream<Item = Result<Bytes, E>> + Send,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut upload = Upload { blobs: self, path: &path, parts: None, buffer: BytesMut::new() };
        match write_all(&mut upload, stream, limit_bytes.min(MAX_BLOB_BYTES)).await {
            Ok(written) => Ok(written),
            Err(error) => {
                upload.abort().await;
                Err(error)
            }
        }
    }

    /// Writes bytes that are at hand and makes them a blob at once.
    pub async fn put_bytes(&self, bytes: Bytes) -> Result<Written, Error> {
        let whole = futures::stream::iter([Ok::<_, std::io::Error>(bytes)]);
        let written = self.put_stream(whole, MAX_BLOB_BYTES).await?;
        self.commit(&written.key, &written.sha256).await?;
        Ok(written)
    }

    /// Makes a temporary object the blob of its digest. The caller has hashed it.
    ///
    /// Doing it again after a lost answer is success: the blob is there.
    pub async fn commit(&self, key: &str, sha256: &Digest) -> Result<(), Error> {
        let (from, to) = (parse_tmp(key)?, blob(sha256));
        if self.has(sha256).await? {
            return self.delete_tmp(key).await;
        }
        // Two commits of one digest move equal bytes, so it does not matter who is last.
        match self.store.rename(&from, &to).await {
            Ok(()) => Ok(()),
            Err(_) if self.has(sha256).await? => Ok(()),
            Err(error) => Err(Error::from_store(key, error)),
        }
    }

    /// Removes a temporary object that will not be committed. One that is gone already is no error.
    pub async fn delete_tmp(&self, key: &str) -> Result<(), Error> {
        match self.store.delete(&parse_tmp(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Error::from_store(key, error)),
        }
    }
}

async fn write_all<S, E>(upload: &mut Upload<'_>, stream: S, limit_bytes: u64) -> Result<Written, Error>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (mut sha256, mut md5, mut size) = (Sha256::new(), Md5::new(), 0_u64);
    let mut stream = std::pin::pin!(stream);
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|error| Error::BrokenOff(error.into()))?;
        size += chunk.len() as u64;
        if size > limit_bytes {
            return Err(Error::TooLarge { limit_bytes });
        }
        sha256.update(&chunk);
        md5.update(&chunk);
        upload.push(&chunk).await?;
    }
    upload.finish().await?;
    let key = upload.path.to_string();
    Ok(Written { key, size, sha256: sha256.finalize().into(), md5: md5.finalize().into() })
}

/// Gathers chunks into parts. A file of one part is written in a single call.
struct Upload<'a> {
    blobs: &'a Blobs,
    path: &'a Path,
    parts: Option<Box<dyn MultipartUpload>>,
    buffer: BytesMut,
}

impl Upload<'_> {
    async fn push(&mut self, mut chunk: &[u8]) -> Result<(), Error> {
        while self.buffer.len() + chunk.len() > PART_BYTES {
            let (now, later) = chunk.split_at(PART_BYTES - self.buffer.len());
            self.buffer.extend_from_slice(now);
            chunk = later;
            self.send_part().await?;
        }
        self.buffer.extend_from_slice(chunk);
        Ok(())
    }

    async fn send_part(&mut self) -> Result<(), Error> {
        if self.parts.is_none() {
            self.parts = Some(self.blobs.store.put_multipart(self.path).await.map_err(Error::Unavailable)?);
        }
        let part = PutPayload::from_bytes(self.buffer.split().freeze());
        let parts = self.parts.as_mut().expect("it was set three lines above");
        parts.put_part(part).await.map_err(Error::Unavailable)
    }

    async fn finish(&mut self) -> Result<(), Error> {
        if self.parts.is_none() {
            let whole = PutPayload::from_bytes(self.buffer.split().freeze());
            return self.blobs.store.put(self.path, whole).await.map(drop).map_err(Error::Unavailable);
        }
        self.send_part().await?;
        let parts = self.parts.as_mut().expect("checked above");
        parts.complete().await.map(drop).map_err(Error::Unavailable)
    }

    async fn abort(&mut self) {
        if let Some(mut parts) = self.parts.take()
            && let Err(error) = parts.abort().await
        {
            tracing::warn!(%error, "an upload that broke off left parts behind; the sweep finds them");
        }
    }
}
