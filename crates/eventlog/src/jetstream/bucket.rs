//! The bucket of account keys, made with the streams: who fills it may make nothing.

use async_nats::jetstream::{self, stream};
use tokio::time::Instant;

use super::config::{ENSURE_LIMIT, ENSURE_PAUSE, is_too_big};
use crate::LogError;

/// The name of the bucket that holds the keys of personal data. Only auth may use it.
pub const ACCOUNT_KEYS: &str = "ACCOUNT_KEYS";
/// Room for about a million keys.
const MAX_BYTES: i64 = 256 << 20;
/// What a disk must at least have left after the streams; it takes some thousand keys.
const SMALLEST_BYTES: i64 = 1 << 20;

/// Makes it where it is missing. Reads go to the leader: a replica that is behind would make a new account look erased.
pub(super) async fn ensure(context: &jetstream::Context, replicas: usize) -> Result<(), LogError> {
    let mut config = stream::Config {
        name: format!("KV_{ACCOUNT_KEYS}"),
        subjects: vec![format!("$KV.{ACCOUNT_KEYS}.>")],
        max_messages_per_subject: 1,
        max_bytes: MAX_BYTES,
        storage: stream::StorageType::File,
        discard: stream::DiscardPolicy::New,
        num_replicas: replicas,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: false,
        ..stream::Config::default()
    };
    let started = Instant::now();
    loop {
        match context.get_or_create_stream(&config).await {
            Ok(_) => return Ok(()),
            Err(error) if is_too_big(&error) && config.max_bytes > SMALLEST_BYTES => config.max_bytes /= 2,
            // The servers of a cluster choose a leader first, and know late what each other has given back.
            Err(_) if replicas > 1 && started.elapsed() < ENSURE_LIMIT => {
                tokio::time::sleep(ENSURE_PAUSE).await;
            }
            Err(error) => return Err(LogError::Unavailable(Box::new(error))),
        }
    }
}
