//! The log as the domain sees it: two streams, and four calls for writing and reading them.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use proto::event::v1::{Envelope, Lease};
use time::OffsetDateTime;

use crate::{AppendError, LogError};

/// One ordered sequence of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stream {
    /// Every fact that decides who may do what. Its sequence is the cluster's clock for access.
    Authz,
    /// What the channels contain.
    Catalog,
}

impl Stream {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Authz, Self::Catalog];

    /// The name of the stream on the server.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authz => "AUTHZ",
            Self::Catalog => "CATALOG",
        }
    }

    /// What the stream takes in.
    pub const fn subjects(self) -> &'static [&'static str] {
        match self {
            Self::Authz => &["evt.auth.>", "evt.access.>", "evt.lease"],
            Self::Catalog => &["evt.catalog.>"],
        }
    }

    /// Where everything stands but its barriers.
    pub const fn lasting_subjects(self) -> &'static [&'static str] {
        match self {
            Self::Authz => &["evt.auth.>", "evt.access.>"],
            Self::Catalog => &["evt.catalog.*.>"],
        }
    }

    /// Where its barriers stand, and in AUTHZ the leases. They expire, so their sequence numbers are the only ones that
    /// may be missing.
    pub const fn barrier_subject(self) -> &'static str {
        match self {
            Self::Authz => "evt.lease",
            Self::Catalog => "evt.catalog.barrier",
        }
    }
}

impl std::fmt::Display for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One decision about one aggregate, to be appended.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// The aggregate.
    pub subject: String,
    /// The last sequence on the subject that the decision has seen; 0 means that there must be none.
    pub expect: u64,
    /// The decision.
    pub envelope: Envelope,
}

/// One decision as it stands in the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its position in the stream.
    pub seq: u64,
    /// The aggregate.
    pub subject: String,
    /// The decision; its signature has been verified.
    pub envelope: Envelope,
    /// The sealed bytes as stored, never rewritten.
    pub raw: Bytes,
}

impl Record {
    /// A forged message, for who copies what the log holds: nothing in it is believed, and no fold can read it.
    pub fn unread(seq: u64, subject: String, raw: Bytes) -> Self {
        let nothing = proto::event::v1::Event { event: None };
        Self { seq, subject, envelope: Envelope { events: vec![nothing], ..Envelope::default() }, raw }
    }

    /// True for a barrier or a lease: it holds no events and expires.
    pub fn is_barrier(&self) -> bool {
        self.envelope.events.is_empty()
    }

    /// Where it first stood in the stream; differs from the position for an event that was put back.
    pub fn place(&self) -> u64 {
        self.envelope.original_seq.unwrap_or(self.seq)
    }

    /// True for an event that was lost from the log and appended again.
    pub fn is_put_back(&self) -> bool {
        self.place() != self.seq
    }
}

/// An append-only log with an expectation per subject.
#[async_trait]
pub trait Log: Send + Sync + 'static {
    /// Appends all messages, at least one, or none, and returns the sequence of the last one.
    ///
    /// An answer comes within seconds. After [`AppendError::Unavailable`] the messages may be stored or not.
    ///
    /// Several messages are an atomic batch: about 8 ms and 120 a second per stream in all, so for
    /// rare decisions only.
    async fn append(&self, stream: Stream, messages: Vec<Message>) -> Result<u64, AppendError>;

    /// Reads what a subject holds after a sequence, in order.
    ///
    /// With `at_least` 0 the answer may be stale; otherwise it is complete up to that sequence.
    /// Give it what [`Log::barrier`] returned to read everything that was acknowledged before.
    async fn read(
        &self,
        stream: Stream,
        subject: &str,
        after: u64,
        at_least: u64,
    ) -> Result<Vec<Record>, LogError>;

    /// Follows the stream from a sequence (1 is the beginning), for ever and without gaps.
    ///
    /// Broken connections are mended inside. An error is final: a forged message, or a stream that is no longer the
    /// same log or ends before `from`. Only in CATALOG, where a forged message concerns its aggregate alone, the tail
    /// goes on behind [`LogError::BadSignature`] for whoever asks.
    fn tail(&self, stream: Stream, from: u64) -> BoxStream<'static, Result<Record, LogError>>;

    /// Appends a message without events and returns its sequence: whatever was acknowledged before
    /// the call stands before it.
    async fn barrier(&self, stream: Stream) -> Result<u64, LogError>;

    /// Appends leases to AUTHZ, where they stand for `ttl`, and returns their sequence. Even a stream that is nearly full
    /// takes them. After an answer that was lost they may stand there twice.
    async fn lease(&self, lease: Lease, ttl: Duration) -> Result<u64, AppendError>;

    /// The last sequence of the stream, or 0. A replica that lags may be behind: for people, not for decisions.
    async fn end(&self, stream: Stream) -> Result<u64, LogError>;

    /// Where to begin to read what was stored at or after a time, by the log's own clock: everything before it was stored
    /// earlier.
    async fn since(&self, stream: Stream, time: OffsetDateTime) -> Result<u64, LogError>;

    /// How many messages other than barriers stand at a sequence or behind it, by the stream's leader.
    async fn count(&self, stream: Stream, from: u64) -> Result<u64, LogError>;

    /// The identity of this log, made when the stream was. Positions of another epoch mean nothing here.
    fn epoch(&self, stream: Stream) -> String;
}

/// Refuses a log that is not the one a reader's position belongs to.
pub fn expect_epoch(log: &dyn Log, stream: Stream, known: &str) -> Result<(), LogError> {
    let found = log.epoch(stream);
    if found == known { Ok(()) } else { Err(LogError::WrongEpoch { stream, known: known.into(), found }) }
}
