//! Where something stands in a stream, and how much: asked through consumers that read nothing.

use std::time::Duration;

use async_nats::jetstream::{
    consumer::{AckPolicy, DeliverPolicy, PullConsumer, pull},
    stream,
};
use time::OffsetDateTime;

use super::Inner;
use crate::{LogError, Stream, error::Source};

/// The server forgets the consumer after this time.
const ABANDONED: Duration = Duration::from_secs(5);

/// As [`crate::Log::end`].
pub(super) async fn end(inner: &Inner, stream: Stream) -> Result<u64, LogError> {
    let handle = inner.context.get_stream(stream.as_str()).await.map_err(unavailable)?;
    Ok(handle.cached_info().state.last_sequence)
}

/// As [`crate::Log::since`]: the place at which a consumer that begins at this time stands before it delivers anything.
pub(super) async fn since(inner: &Inner, stream: Stream, time: OffsetDateTime) -> Result<u64, LogError> {
    let handle = inner.context.get_stream_no_info(stream.as_str()).await.map_err(unavailable)?;
    let policy = DeliverPolicy::ByStartTime { start_time: time };
    let consumer = handle.create_consumer(looking(policy, Vec::new())).await.map_err(unavailable)?;
    let before = consumer.cached_info().delivered.stream_sequence;
    forget(handle, &consumer);
    Ok(before + 1)
}

/// As [`crate::Log::count`].
pub(super) async fn count(inner: &Inner, stream: Stream, from: u64) -> Result<u64, LogError> {
    let handle = inner.context.get_stream_no_info(stream.as_str()).await.map_err(unavailable)?;
    let subjects = stream.lasting_subjects().iter().map(ToString::to_string).collect();
    let policy = DeliverPolicy::ByStartSequence { start_sequence: from.max(1) };
    let consumer = handle.create_consumer(looking(policy, subjects)).await.map_err(unavailable)?;
    let count = consumer.cached_info().num_pending;
    forget(handle, &consumer);
    Ok(count)
}

/// Has the server forget the consumer sooner than it would by itself; nobody waits for it.
fn forget(stream: stream::Stream<()>, consumer: &PullConsumer) {
    let name = consumer.cached_info().name.clone();
    tokio::spawn(async move { stream.delete_consumer(&name).await });
}

fn looking(deliver_policy: DeliverPolicy, filter_subjects: Vec<String>) -> pull::Config {
    pull::Config {
        deliver_policy,
        ack_policy: AckPolicy::None,
        filter_subjects,
        inactive_threshold: ABANDONED,
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    }
}

fn unavailable(error: impl Into<Source>) -> LogError {
    LogError::Unavailable(error.into())
}
