//! From an address to a store: a directory, or `s3://bucket[/prefix]?endpoint=…&region=…&credentials=…`.
//!
//! `endpoint` is for stores other than Amazon's (plain `http://` is allowed where it says so),
//! `credentials` a folder with the files `access-key-id` and `secret-access-key`, as a mounted secret
//! has them. Without it the usual `AWS_*` variables and the machine's role are asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, RetryConfig};

use crate::key::TMP;
use crate::{Blobs, NotOpened};

/// Retrying longer than this would keep a client waiting for an answer it can repeat itself.
const RETRY_LIMIT: Duration = Duration::from_secs(5);
const MAX_RETRIES: usize = 3;
const CONNECT_LIMIT: Duration = Duration::from_secs(3);

impl Blobs {
    /// Opens the store at an address. A directory is made if it is missing; S3 is not contacted yet.
    pub fn open(address: &str) -> Result<Self, NotOpened> {
        let fail = |reason: String, source| NotOpened { address: address.into(), reason, source };
        if let Some(rest) = address.strip_prefix("s3://") {
            return open_s3(rest).map_err(|reason| fail(reason, None));
        }
        let folder = PathBuf::from(address.strip_prefix("file://").unwrap_or(address));
        if folder.as_os_str().is_empty() || address.contains("://") && !address.starts_with("file://") {
            return Err(fail("give a directory or s3://bucket?endpoint=https://…".into(), None));
        }
        std::fs::create_dir_all(&folder)
            .map_err(|error| fail(format!("its directory cannot be made ({error})"), Some(error.into())))?;
        let store = LocalFileSystem::new_with_prefix(&folder)
            .map_err(|error| fail("its directory cannot be used".into(), Some(error.into())))?;
        // An upload that was acknowledged is on the disk, not in a cache.
        Ok(Self { store: Arc::new(store.with_fsync(true)), uploads: Some(folder.join(TMP)) })
    }
}

fn open_s3(rest: &str) -> Result<Blobs, String> {
    let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        return Err("the bucket is missing: s3://BUCKET?endpoint=https://…".into());
    }
    let mut builder = AmazonS3Builder::from_env().with_bucket_name(bucket);
    let mut client = ClientOptions::new().with_connect_timeout(CONNECT_LIMIT);
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(format!("{pair:?} is not name=value"))?;
        builder = match name {
            "endpoint" => {
                client = client.with_allow_http(value.starts_with("http://"));
                builder.with_endpoint(value)
            }
            "region" => builder.with_region(value),
            "credentials" => {
                let folder = Path::new(value);
                builder
                    .with_access_key_id(read_line(&folder.join("access-key-id"))?)
                    .with_secret_access_key(read_line(&folder.join("secret-access-key"))?)
            }
            _ => return Err(format!("it knows endpoint, region and credentials, not {name:?}")),
        };
    }
    let store: AmazonS3 = builder
        .with_client_options(client)
        .with_retry(RetryConfig {
            backoff: BackoffConfig { init_backoff: Duration::from_millis(100), ..BackoffConfig::default() },
            max_retries: MAX_RETRIES,
            retry_timeout: RETRY_LIMIT,
        })
        .build()
        .map_err(|error| error.to_string())?;
    if prefix.is_empty() {
        return Ok(Blobs { store: Arc::new(store), uploads: None });
    }
    Ok(Blobs { store: Arc::new(PrefixStore::new(store, prefix)), uploads: None })
}

fn read_line(path: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_address_says_what_a_right_one_is() {
        for (address, says) in [
            ("", "give a directory"),
            ("gs://bucket", "give a directory"),
            ("s3://?endpoint=http://x", "bucket is missing"),
            ("s3://b?secret=x", "not \"secret\""),
            ("s3://b?credentials=/does/not/exist", "access-key-id"),
        ] {
            let error = Blobs::open(address).unwrap_err().to_string();
            assert!(error.contains(says), "{address}: {error}");
        }
    }
}
