//! One way to append for every log: limits, the share kept for revoking, and the lost-ack rule.
//!
//! A repeat of a message that was stored answers `duplicate` on three replicas, "wrong last
//! sequence" (10071) on one, and 10201 in a batch. None of these says by itself whose message won:
//! after an ambiguous try the first message behind the expected sequence is read and its id compared.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::{sync::Semaphore, time::Instant};

use proto::event::v1::{Envelope, Lease};

use crate::{
    AppendError, Message, Stamps, Stream, error::Source, keys::Signer, restrict::restricts, seal::seal,
};

/// How long an append may take in all, waiting for its turn and for a connection included.
pub(crate) const APPEND_LIMIT: Duration = Duration::from_secs(5);
/// Appends under way per stream; more only wait longer in the server, as it syncs each by itself.
pub(crate) const IN_FLIGHT: usize = 16;
/// Appends that may wait for their turn; beyond it they are refused at once.
pub(crate) const WAITING: usize = 1024;
/// Between two tries at the same append, doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// How long a barrier stays in the stream; it only has to outlive the reads that wait for it.
const BARRIER_TTL: Duration = Duration::from_secs(300);

/// Where a message belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind this sequence of its subject.
    Behind(u64),
    /// Anywhere, for so long.
    Passing(Duration),
}

impl Place {
    pub(crate) fn expect(self) -> Option<u64> {
        match self {
            Self::Behind(seq) => Some(seq),
            Self::Passing(_) => None,
        }
    }
}

/// A message as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Outgoing {
    pub(crate) subject: String,
    pub(crate) place: Place,
    pub(crate) id: String,
    pub(crate) traceparent: String,
    pub(crate) raw: Bytes,
}

/// What a server says to one try.
#[derive(Debug)]
pub(crate) enum Answer {
    Stored {
        seq: u64,
    },
    /// A message with this id has been stored, or stands in the same batch as one.
    Duplicate,
    WrongLast {
        last: Option<u64>,
    },
    Full,
    /// No answer, or one that says nothing about the message.
    Lost(Source),
}

/// One try at the server, and the question that settles an ambiguous one.
#[async_trait]
pub(crate) trait Wire: Sync {
    async fn publish(&self, stream: Stream, batch: &[Outgoing]) -> Answer;
    /// The first message on a subject after a sequence: its own sequence and its id.
    async fn first_after(
        &self,
        stream: Stream,
        subject: &str,
        after: u64,
    ) -> Result<Option<(u64, String)>, Source>;
    /// Returns when another try makes sense.
    async fn recovered(&self);
    /// True if only restricting events may still be appended.
    async fn nearly_full(&self, stream: Stream) -> bool;
}

/// Bounds the appends of one stream.
#[derive(Debug)]
pub(crate) struct Gate {
    turns: Semaphore,
    places: Semaphore,
}

impl Gate {
    pub(crate) fn new() -> Self {
        Self { turns: Semaphore::new(IN_FLIGHT), places: Semaphore::new(IN_FLIGHT + WAITING) }
    }

    /// Waits for a turn and does the work, within [`APPEND_LIMIT`] in all.
    async fn pass<T>(
        &self,
        work: impl Future<Output = Result<T, AppendError>> + Send,
    ) -> Result<T, AppendError> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(AppendError::Unavailable("too many appends are waiting for their turn".into()));
        };
        let limited = tokio::time::timeout(APPEND_LIMIT, async {
            let _turn = self.turns.acquire().await.expect("the gate is never closed");
            work.await
        });
        limited.await.unwrap_or_else(|elapsed| Err(AppendError::Unavailable(Box::new(elapsed))))
    }
}

/// Seals and appends all messages or none.
#[tracing::instrument(name = "eventlog.append", skip_all, fields(stream = %stream, messages = messages.len()))]
pub(crate) async fn append(
    wire: &impl Wire,
    gate: &Gate,
    signer: &Signer,
    stream: Stream,
    messages: &[Message],
) -> Result<u64, AppendError> {
    let batch = messages
        .iter()
        .map(|message| outgoing(signer, &message.subject, Place::Behind(message.expect), &message.envelope))
        .collect::<Result<Vec<_>, _>>()?;
    let restricting = messages.iter().all(|message| restricts(&message.envelope));
    let started = Instant::now();
    let appended = gate
        .pass(async {
            if !restricting && wire.nearly_full(stream).await {
                return Err(AppendError::Full);
            }
            settle(wire, stream, &batch).await
        })
        .await;
    let labels = [("stream", stream.as_str()), ("outcome", outcome(&appended))];
    metrics::histogram!("eventlog_append_seconds", &labels).record(started.elapsed());
    appended
}

fn outcome(appended: &Result<u64, AppendError>) -> &'static str {
    match appended {
        Ok(_) => "stored",
        Err(AppendError::Conflict { .. }) => "conflict",
        Err(AppendError::Full) => "full",
        Err(AppendError::TooLarge { .. }) => "too_large",
        Err(AppendError::Unavailable(_)) => "unavailable",
    }
}

/// What holds no events: it expects nothing and expires.
#[derive(Debug, Clone)]
pub(crate) struct Passing {
    pub(crate) lease: Option<Lease>,
    pub(crate) ttl: Duration,
}

impl Passing {
    pub(crate) fn barrier() -> Self {
        Self { lease: None, ttl: BARRIER_TTL }
    }
}

/// Appends what expires. An unanswered one may be stored besides the one that is answered.
pub(crate) async fn passing(
    wire: &impl Wire,
    gate: &Gate,
    signer: &Signer,
    stamps: &Stamps,
    stream: Stream,
    passing: Passing,
) -> Result<u64, AppendError> {
    gate.pass(async {
        loop {
            let envelope = Envelope {
                event_id: stamps.id().as_bytes().to_vec(),
                time_us: stamps.now_us(),
                lease: passing.lease.clone(),
                ..Envelope::default()
            };
            let outgoing =
                outgoing(signer, stream.barrier_subject(), Place::Passing(passing.ttl), &envelope)?;
            match wire.publish(stream, &[outgoing]).await {
                Answer::Stored { seq } => return Ok(seq),
                Answer::Full => return Err(AppendError::Full),
                Answer::Lost(error) => tracing::debug!(%stream, error, "a barrier got no answer"),
                Answer::WrongLast { .. } | Answer::Duplicate => {}
            }
            wire.recovered().await;
            tokio::time::sleep(FIRST_PAUSE).await;
        }
    })
    .await
}

fn outgoing(
    signer: &Signer,
    subject: &str,
    place: Place,
    envelope: &Envelope,
) -> Result<Outgoing, AppendError> {
    let id = uuid::Uuid::from_slice(&envelope.event_id).expect("writers give every envelope a UUID");
    // The server takes nothing under an id that it has just seen, and an event that is put back keeps its own.
    let id = match (envelope.original_seq, place.expect()) {
        (Some(place), Some(expect)) => format!("{id}-{place}-{expect}"),
        (Some(_) | None, _) => id.to_string(),
    };
    Ok(Outgoing {
        subject: subject.into(),
        place,
        id,
        traceparent: envelope.traceparent.clone(),
        raw: seal(signer, subject, envelope)?,
    })
}

/// Tries until it is known whether this batch, and not another writer's, stands in the log.
async fn settle(wire: &impl Wire, stream: Stream, batch: &[Outgoing]) -> Result<u64, AppendError> {
    let last = batch.last().expect("an append has a message");
    let mut ambiguous = false;
    let mut pause = FIRST_PAUSE;
    let started = Instant::now();
    loop {
        match wire.publish(stream, batch).await {
            Answer::Stored { seq } => return Ok(seq),
            Answer::Full if !ambiguous => return Err(AppendError::Full),
            Answer::WrongLast { last } if !ambiguous => return Err(AppendError::Conflict { last }),
            Answer::WrongLast { .. } | Answer::Duplicate | Answer::Full => {
                let expect = last.place.expect().expect("only what expires expects nothing");
                match wire.first_after(stream, &last.subject, expect).await {
                    Ok(Some((seq, id))) if id == last.id => return Ok(seq),
                    Ok(Some((seq, _))) => return Err(AppendError::Conflict { last: Some(seq) }),
                    // The replica that answered has not stored it yet, or is away: ask again.
                    Ok(None) => {}
                    Err(error) => tracing::debug!(%stream, error, "an append could not be settled yet"),
                }
            }
            Answer::Lost(error) => {
                tracing::debug!(%stream, error, waited = ?started.elapsed(), "an append got no answer");
                wire.recovered().await;
            }
        }
        ambiguous = true;
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
