//! Takes both streams in, in an order that every fold may rely on, and judges what comes.
//!
//! AUTHZ is folded into an access table on the way: it alone knows which events are void. A CATALOG event waits
//! until AUTHZ has been taken in as far as its writer had (`authz_seq`).

use std::{collections::VecDeque, time::Duration};

use access::Table;
use eventlog::{LogError, Record, Stream};
use futures::{FutureExt as _, StreamExt as _, stream::BoxStream};
use readmodel::write::WriteError;
use tokio::time::Instant;
use tracing::Span;

use crate::{
    batch::{Batch, Positions},
    project::Entry,
};

/// A batch of a growing log takes what is there and waits for nothing; this bounds how long taking may last.
const BATCH_TIME: Duration = Duration::from_millis(20);

/// Why a source ended early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SourceError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Ledger(#[from] WriteError),
    #[error("the stream broke off; start the projector again")]
    Broken,
}

impl SourceError {
    /// Whether the log was put back from a copy, or another one was put in its place.
    fn is_replaced(&self) -> bool {
        matches!(self, Self::Log(LogError::Unfit(_) | LogError::WrongEpoch { .. }))
    }
}

/// Where the events of one stream come from.
pub(crate) type Source = BoxStream<'static, Result<Record, SourceError>>;

/// Where the events come from.
pub(crate) struct Sources {
    pub(crate) authz: Source,
    pub(crate) catalog: Source,
}

/// A stream that goes no further, and why.
#[derive(Debug)]
pub(crate) struct Stopped {
    pub(crate) stream: Stream,
    pub(crate) reason: String,
    /// The log is not the one that was read so far: nothing can be read on.
    pub(crate) replaced: bool,
}

/// What came next.
pub(crate) enum Taken {
    Batch(Batch),
    Stopped(Stopped),
    /// Nothing more can come.
    Ended,
}

/// Both streams, taken in.
pub(crate) struct Intake {
    table: Table,
    taken: Positions,
    authz: Option<Source>,
    catalog: Option<Source>,
    /// A CATALOG event that waits for AUTHZ.
    waiting: Option<Record>,
    /// The CATALOG message of this sequence is forged, and why it is thought so.
    forged: Option<(u64, String)>,
    /// A bounded AUTHZ has been taken in as far as it was asked for: CATALOG has nothing to wait for.
    authz_is_whole: bool,
    stops: VecDeque<Stopped>,
    /// Follows a log that grows, and not a stretch that is all there.
    live: bool,
}

impl Intake {
    /// Goes on behind `taken`; the table stands at its AUTHZ position.
    pub(crate) fn new(table: Table, taken: Positions, sources: Sources) -> Self {
        Self {
            table,
            taken,
            authz: Some(sources.authz),
            catalog: Some(sources.catalog),
            waiting: None,
            forged: None,
            authz_is_whole: false,
            stops: VecDeque::new(),
            live: false,
        }
    }

    /// The log grows while it is followed: what has come is not held back for what may come, and becomes part of
    /// the trace in which it was decided.
    pub(crate) fn live(self) -> Self {
        Self { live: true, ..self }
    }

    /// Takes no AUTHZ at all: one of its events could not be applied.
    pub(crate) fn without_authz(self) -> Self {
        Self { authz: None, ..self }
    }

    /// The table, to go on with other sources.
    pub(crate) fn into_table(self) -> Table {
        self.table
    }

    /// The next batch: waits for one event, and takes whatever else is there.
    pub(crate) async fn next(&mut self) -> Taken {
        loop {
            if let Some(stopped) = self.stops.pop_front() {
                return Taken::Stopped(stopped);
            }
            let mut batch = Batch::moving(self.taken, self.taken);
            match self.pull().await {
                Some((stream, record)) => self.admit(&mut batch, stream, record),
                None if self.stops.is_empty() => return Taken::Ended,
                None => continue,
            }
            self.fill(&mut batch).await;
            if !batch.entries.is_empty() {
                return Taken::Batch(batch);
            }
        }
    }

    async fn fill(&mut self, batch: &mut Batch) {
        let deadline = Instant::now() + BATCH_TIME;
        while !batch.is_full() {
            let pulled = if !self.live {
                self.pull().await
            } else if Instant::now() < deadline {
                // Not counted against this task's turn, or what is there would look as if it were not.
                tokio::task::unconstrained(self.pull()).now_or_never().flatten()
            } else {
                break;
            };
            let Some((stream, record)) = pulled else { break };
            self.admit(batch, stream, record);
        }
    }

    /// The next event in order; `None` if there can be no more, or a stream has just stopped.
    async fn pull(&mut self) -> Option<(Stream, Record)> {
        loop {
            let authz_seq = self.taken.authz;
            let whole = self.authz_is_whole;
            if let Some(record) =
                self.waiting.take_if(|record| whole || record.envelope.authz_seq <= authz_seq)
            {
                return Some((Stream::Catalog, record));
            }
            let waiting = self.waiting.is_some();
            let (stream, item) = tokio::select! {
                biased;
                Some(item) = following(&mut self.authz) => (Stream::Authz, item),
                Some(item) = following(&mut self.catalog), if !waiting => (Stream::Catalog, item),
                else => return None,
            };
            match (stream, item) {
                (Stream::Authz, Some(Ok(record))) => return Some((stream, record)),
                (Stream::Catalog, Some(Ok(record))) => self.waiting = Some(record),
                (
                    Stream::Catalog,
                    Some(Err(SourceError::Log(LogError::BadSignature { seq, subject, raw, why, .. }))),
                ) => {
                    self.forged = Some((seq, why));
                    self.waiting = Some(Record::unread(seq, subject, raw));
                }
                (_, Some(Err(error))) => {
                    self.stop(stream, &error, error.is_replaced());
                    return None;
                }
                (_, None) if self.live => {
                    self.stop(stream, &SourceError::Broken, false);
                    return None;
                }
                (Stream::Authz, None) => (self.authz, self.authz_is_whole) = (None, true),
                (Stream::Catalog, None) => self.catalog = None,
            }
        }
    }

    /// Folds AUTHZ into the table, and puts the event into the batch unless AUTHZ stops at it.
    fn admit(&mut self, batch: &mut Batch, stream: Stream, record: Record) {
        let mut void = false;
        if stream == Stream::Authz {
            if let Err(error) = self.table.apply(record.seq, &record.envelope) {
                return self.stop(stream, &error, false);
            }
            void = self.table.is_void(record.seq);
        }
        let span = if self.live && !record.is_barrier() {
            runtime::trace::span_from_traceparent("projector.apply", &record.envelope.traceparent)
        } else {
            Span::none()
        };
        *self.taken.of_mut(stream) = record.seq;
        let forged = match stream {
            Stream::Authz => None,
            Stream::Catalog => self.forged.take_if(|(seq, _)| *seq == record.seq).map(|(_, why)| why),
        };
        batch.push(Entry { stream, record, void, forged, span });
    }

    fn stop(&mut self, stream: Stream, error: &dyn std::error::Error, replaced: bool) {
        match stream {
            Stream::Authz => self.authz = None,
            Stream::Catalog => self.catalog = None,
        }
        self.stops.push_back(Stopped { stream, reason: chain(error), replaced });
    }
}

/// What a source gives, its end included; `None` if it is closed.
async fn following(source: &mut Option<Source>) -> Option<Option<Result<Record, SourceError>>> {
    Some(source.as_mut()?.next().await)
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
