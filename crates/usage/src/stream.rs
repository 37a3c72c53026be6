//! The stream's settings: it forgets by age and by size, and refuses nothing.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use async_nats::jetstream::{self, Context, ErrorCode};
use tokio::time::Instant;

use crate::UsageError;
use crate::connection::REQUEST_LIMIT;

/// The stream on the server.
pub const NAME: &str = "USAGE";
/// What it takes in.
pub const SUBJECTS: &str = "use.>";
/// How long an address and a client are kept, in the stream and in the read model.
pub const KEPT: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// The oldest goes when there is more: some millions of uses.
const MAX_BYTES: i64 = 256 << 20;
/// On a disk that cannot promise as much, it is less; below this it is not worth having.
const SMALLEST_BYTES: i64 = 1 << 20;
/// How long a start waits for a cluster to choose its leaders.
const ENSURE_LIMIT: Duration = Duration::from_secs(60);
const ENSURE_PAUSE: Duration = Duration::from_millis(100);
/// A batch with all its uses is a third of it.
const MAX_MESSAGE_BYTES: i32 = 256 << 10;

/// Under this name the log's account offers JetStream to the services' accounts.
const API_PREFIX: &str = "log";

pub(crate) fn context(client: &Client) -> Context {
    let builder = jetstream::ContextBuilder::new().timeout(REQUEST_LIMIT);
    builder.api_prefix(API_PREFIX).build(client.clone())
}

fn wanted(replicas: usize, max_bytes: i64) -> Config {
    Config {
        name: NAME.into(),
        subjects: vec![SUBJECTS.into()],
        storage: StorageType::File,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_age: KEPT,
        max_bytes,
        max_message_size: MAX_MESSAGE_BYTES,
        num_replicas: replicas,
        ..Config::default()
    }
}

/// Makes the stream if it is not there; one that is there stays as its operator has set it.
pub async fn ensure(client: &Client, replicas: usize) -> Result<(), UsageError> {
    let context = context(client);
    let mut max_bytes = MAX_BYTES;
    let started = Instant::now();
    loop {
        match context.get_or_create_stream(wanted(replicas, max_bytes)).await {
            Ok(_) => return Ok(()),
            Err(error) if is_too_big(&error) && max_bytes > SMALLEST_BYTES => max_bytes /= 2,
            Err(_) if replicas > 1 && started.elapsed() < ENSURE_LIMIT => {
                tokio::time::sleep(ENSURE_PAUSE).await;
            }
            Err(error) => return Err(UsageError::unavailable(error)),
        }
    }
}

/// A lone server says so in a code of its own; a cluster finds no servers that could take it, and says why in words.
fn is_too_big(error: &CreateStreamError) -> bool {
    let CreateStreamErrorKind::JetStream(error) = error.kind() else { return false };
    match error.error_code() {
        ErrorCode::STORAGE_RESOURCES_EXCEEDED => true,
        ErrorCode::CLUSTER_NO_PEERS => error.to_string().contains("insufficient storage"),
        _ => false,
    }
}
