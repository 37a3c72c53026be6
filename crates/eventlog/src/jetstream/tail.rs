//! Following a stream: a consumer of our own, made anew behind the last message whenever it breaks.

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use futures::{StreamExt as _, stream::BoxStream};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Inner, config::epoch_of, connection::BROKEN};
use crate::{LogError, Record, Stream, error::Source, seal::open};

/// Messages read ahead of the follower.
const READ_AHEAD: usize = 1_000;
/// Messages asked for in one request.
const PAGE: usize = 1_000;
/// The server says that often that it is still there; two missed ones break the consumer.
const HEARTBEAT: Duration = Duration::from_millis(500);
/// How long one request for messages stands.
const REQUEST: Duration = Duration::from_secs(30);
/// The server forgets the consumer of a follower that has gone after this time.
const ABANDONED: Duration = Duration::from_secs(60);
/// Between two tries to follow.
const PAUSE: Duration = Duration::from_millis(100);
/// How often a stream may end before the follower's position; a leader that is just taking over may say so.
const SHORT_TRIES: u32 = 50;

type Out = mpsc::Sender<Result<Record, LogError>>;

/// Why one consumer is no longer followed.
enum Broken {
    /// The reader has gone.
    Unread,
    /// For good.
    Fatal(LogError),
    /// Another consumer will do.
    Mend(Source),
    /// The stream ends before what the follower has seen.
    Short { last: u64 },
}

pub(super) fn tail(
    inner: Arc<Inner>,
    stream: Stream,
    from: u64,
) -> BoxStream<'static, Result<Record, LogError>> {
    let (out, records) = mpsc::channel(READ_AHEAD);
    tokio::spawn(async move {
        let mut next = from.max(1);
        tokio::select! {
            () = out.closed() => {}
            () = follow(&inner, stream, &mut next, &out) => {}
        }
    });
    ReceiverStream::new(records).boxed()
}

async fn follow(inner: &Inner, stream: Stream, next: &mut u64, out: &Out) {
    let mut short = 0;
    loop {
        inner.connection.wait_up().await;
        match consume(inner, stream, next, out).await {
            Broken::Unread => return,
            Broken::Fatal(error) => return end(out, error).await,
            Broken::Short { last } if short == SHORT_TRIES => {
                return end(out, LogError::shorter(stream, *next - 1, last)).await;
            }
            Broken::Short { .. } => short += 1,
            Broken::Mend(error) => {
                tracing::warn!(%stream, next = *next, error, "a tail broke and is taken up again")
            }
        }
        metrics::counter!("eventlog_tail_breaks_total", "stream" => stream.as_str()).increment(1);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn end(out: &Out, error: LogError) {
    // Nobody reads any more if this fails.
    out.send(Err(error)).await.ok();
}

/// Delivers from one consumer until it breaks.
async fn consume(inner: &Inner, stream: Stream, next: &mut u64, out: &Out) -> Broken {
    let mut broken = std::pin::pin!(inner.connection.broken());
    let mut messages = match open_consumer(inner, stream, *next).await {
        Ok(messages) => messages,
        Err(broken) => return broken,
    };
    let mut delivered = 0;
    loop {
        let message = tokio::select! {
            message = messages.next() => message,
            () = &mut broken => return Broken::Mend(BROKEN.into()),
        };
        let message = match message {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Broken::Mend(Box::new(error)),
            None => return Broken::Mend("NATS ended the consumer".into()),
        };
        let (seq, position) = match message.info() {
            Ok(info) => (info.stream_sequence, info.consumer_sequence),
            Err(error) => return Broken::Mend(error),
        };
        // The consumer numbers what it delivers: a number missing there was lost on the way, while
        // one missing in the stream is an expired barrier.
        if position != delivered + 1 || seq < *next {
            return Broken::Mend(format!("message {seq} came as number {position} after {delivered}").into());
        }
        delivered = position;
        let message = message.message;
        let opened = open(&inner.keyring, stream, seq, &message.subject, message.payload);
        match opened {
            Err(error) if !is_passable(stream, &error) => return Broken::Fatal(error),
            Ok(_) | Err(_) => {}
        }
        if out.send(opened).await.is_err() {
            return Broken::Unread;
        }
        *next = seq + 1;
    }
}

/// Whether a follower may go on behind this error: what is forged in CATALOG concerns one aggregate.
pub(crate) fn is_passable(stream: Stream, error: &LogError) -> bool {
    stream == Stream::Catalog && matches!(error, LogError::BadSignature { .. })
}

async fn open_consumer(inner: &Inner, stream: Stream, next: u64) -> Result<pull::Stream, Broken> {
    let mend = |error: Source| Broken::Mend(error);
    let handle = inner.context.get_stream(stream.as_str()).await.map_err(|error| mend(Box::new(error)))?;
    let found = epoch_of(stream, &handle.cached_info().config).map_err(Broken::Fatal)?;
    let known = &inner.one(stream).epoch;
    if found != *known {
        return Err(Broken::Fatal(LogError::WrongEpoch { stream, known: known.clone(), found }));
    }
    let last = handle.cached_info().state.last_sequence;
    if last + 1 < next {
        return Err(Broken::Short { last });
    }
    let consumer = handle
        .create_consumer(pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: next },
            ack_policy: AckPolicy::None,
            inactive_threshold: ABANDONED,
            memory_storage: true,
            num_replicas: 1,
            ..pull::Config::default()
        })
        .await
        .map_err(|error| mend(Box::new(error)))?;
    consumer
        .stream()
        .max_messages_per_batch(PAGE)
        .heartbeat(HEARTBEAT)
        .expires(REQUEST)
        .messages()
        .await
        .map_err(|error| mend(Box::new(error)))
}
