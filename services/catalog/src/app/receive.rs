//! From a temporary blob to facts: the bytes are copied to a file of our own while they are hashed, so what is inspected
//! is what was hashed, and then read on a thread of its own.

use std::io::SeekFrom;

use blake2::{Blake2b, digest::consts::U32};
use futures::StreamExt;
use md5::Md5;
use runtime::{Code, Failure};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncSeekExt, AsyncWriteExt};
use tracing::{Instrument, info_span};

use super::{Catalog, Expected, Upload, failures};
use crate::inspect::{self, Claim, Inspected};

/// What the bytes are, whatever was said of them.
#[derive(Clone, Copy)]
pub(super) struct Digests {
    pub(super) sha256: [u8; 32],
    pub(super) md5: [u8; 16],
    pub(super) size_bytes: u64,
}

impl Catalog {
    /// Copies the upload and holds it against what its sender said of it.
    pub(super) async fn receive(
        &self,
        key: &str,
        expected: &Expected,
    ) -> Result<(std::fs::File, Digests), Failure> {
        let mut blob = self.parts.blobs.get_tmp(key).await.map_err(failures::of_blobs)?;
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(Failure::internal)?);
        let (mut sha256, mut md5, mut blake2) = (Sha256::new(), Md5::new(), Blake2b::<U32>::new());
        let mut size_bytes = 0;
        while let Some(chunk) = blob.stream.next().await {
            let chunk = chunk.map_err(failures::of_blobs)?;
            size_bytes += chunk.len() as u64;
            sha256.update(&chunk);
            md5.update(&chunk);
            if expected.blake2_256.is_some() {
                blake2.update(&chunk);
            }
            file.write_all(&chunk).await.map_err(Failure::internal)?;
        }
        if size_bytes != blob.size {
            return Err(Failure::unavailable("the store of files gave only a part of the upload; try again"));
        }
        file.flush().await.map_err(Failure::internal)?;
        file.seek(SeekFrom::Start(0)).await.map_err(Failure::internal)?;
        let (sha256, md5): ([u8; 32], [u8; 16]) = (sha256.finalize().into(), md5.finalize().into());
        hold("SHA-256", expected.sha256.as_ref(), &sha256)?;
        hold("MD5", expected.md5.as_ref(), &md5)?;
        let blake2: [u8; 32] = blake2.finalize().into();
        hold("BLAKE2b-256", expected.blake2_256.as_ref(), &blake2)?;
        Ok((file.into_std().await, Digests { sha256, md5, size_bytes }))
    }

    /// Reads the facts. Only so many files are read at a time; the others wait.
    pub(super) async fn inspect(
        &self,
        mut file: std::fs::File,
        upload: &Upload,
    ) -> Result<Inspected, Failure> {
        let turn = self.inspections.clone().acquire_owned().await.expect("the semaphore is never closed");
        let kind = upload.kind;
        let (upload, limits, clock) =
            (upload.clone(), self.parts.limits.clone(), self.parts.ambient.clock.clone());
        let read = move || {
            let _turn = turn;
            let start = clock.boot();
            let now_ms = clock.now().unix_timestamp_nanos() / 1_000_000;
            let claim = Claim {
                kind: upload.kind,
                filename: &upload.filename,
                subdir: upload.subdir.as_ref(),
                form_name: &upload.form_name,
                form_version: &upload.form_version,
                now_ms: i64::try_from(now_ms).expect("the year is below 290,000,000"),
            };
            inspect::inspect(&mut file, &claim, &limits, &|| clock.boot().saturating_sub(start))
        };
        let (kind, start) = (kind.as_str(), self.parts.ambient.clock.boot());
        let reading = tokio::task::spawn_blocking(read).instrument(info_span!("catalog.inspect", kind));
        let inspected = reading.await.map_err(Failure::internal)?;
        let took = self.parts.ambient.clock.boot().saturating_sub(start);
        let outcome = if inspected.is_ok() { "read" } else { "refused" };
        metrics::histogram!("catalog_inspection_seconds", "kind" => kind, "outcome" => outcome).record(took);
        inspected.map_err(failures::of_inspection)
    }
}

fn hold<const N: usize>(what: &str, expected: Option<&[u8; N]>, found: &[u8; N]) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != found => {
            let (expected, found) = (hex::encode(expected), hex::encode(found));
            Err(Failure::new(
                Code::Invalid,
                format!("the file's {what} is {found}, the upload says {expected}"),
            ))
        }
        Some(_) | None => Ok(()),
    }
}
