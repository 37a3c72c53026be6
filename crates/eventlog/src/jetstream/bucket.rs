//! The bucket of account keys, made with the streams: who fills it may make nothing.

use async_nats::jetstream::{self, stream};

use crate::LogError;

/// The name of the bucket that holds the keys of personal data. Only auth may use it.
pub const ACCOUNT_KEYS: &str = "ACCOUNT_KEYS";
const MAX_BYTES: i64 = 256 << 20;

/// Makes it where it is missing. Reads go to the leader: a replica that is behind would make a new account look erased.
pub(super) async fn ensure(context: &jetstream::Context, replicas: usize) -> Result<(), LogError> {
    let config = stream::Config {
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
    let made = context.get_or_create_stream(config).await;
    made.map(drop).map_err(|error| LogError::Unavailable(Box::new(error)))
}
