//! Where something stands in a stream, and how much: asked of the stream's leader through a consumer that reads nothing.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use futures::StreamExt as _;
use time::OffsetDateTime;

use super::{Inner, connection::REQUEST_LIMIT};
use crate::{LogError, Stream, error::Source};

/// The server forgets the consumer after this time.
const ABANDONED: Duration = Duration::from_secs(5);

/// As [`crate::Log::end`].
pub(super) async fn end(inner: &Inner, stream: Stream) -> Result<u64, LogError> {
    let handle = inner.context.get_stream(stream.as_str()).await.map_err(unavailable)?;
    Ok(handle.cached_info().state.last_sequence)
}

/// As [`crate::Log::since`].
pub(super) async fn since(inner: &Inner, stream: Stream, time: OffsetDateTime) -> Result<u64, LogError> {
    let handle = inner.context.get_stream(stream.as_str()).await.map_err(unavailable)?;
    // Asked before the consumer is made: whatever comes later stands behind it.
    let end = handle.cached_info().state.last_sequence;
    let consumer = handle
        .create_consumer(looking(DeliverPolicy::ByStartTime { start_time: time }, Vec::new()))
        .await
        .map_err(unavailable)?;
    if consumer.cached_info().num_pending == 0 {
        return Ok(end + 1);
    }
    let mut first = consumer.fetch().max_messages(1).messages().await.map_err(unavailable)?;
    match tokio::time::timeout(REQUEST_LIMIT, first.next()).await {
        Ok(Some(Ok(message))) => Ok(message.info().map_err(unavailable)?.stream_sequence),
        Ok(Some(Err(error))) => Err(unavailable(error)),
        Ok(None) => Ok(end + 1),
        Err(elapsed) => Err(unavailable(elapsed)),
    }
}

/// As [`crate::Log::count`].
pub(super) async fn count(inner: &Inner, stream: Stream, from: u64) -> Result<u64, LogError> {
    let handle = inner.context.get_stream_no_info(stream.as_str()).await.map_err(unavailable)?;
    let subjects = stream.lasting_subjects().iter().map(ToString::to_string).collect();
    let policy = DeliverPolicy::ByStartSequence { start_sequence: from.max(1) };
    let consumer = handle.create_consumer(looking(policy, subjects)).await.map_err(unavailable)?;
    let count = consumer.cached_info().num_pending;
    let name = consumer.cached_info().name.clone();
    tokio::spawn(async move { handle.delete_consumer(&name).await });
    Ok(count)
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
