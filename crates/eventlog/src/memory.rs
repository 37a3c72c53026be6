//! The log in memory, for unit tests and simulations: it answers as one or three replicas would,
//! and loses acks, refuses and delays as told. It goes through the same appending code as JetStream.

mod faults;
mod state;

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use futures::stream::BoxStream;
use proto::event::v1::Lease;
use time::OffsetDateTime;
use tokio::sync::watch;

pub use faults::Fault;
use state::State;

use crate::{
    AppendError, Log, LogError, Message, Record, Stamps, Stream,
    append::{self, Answer, Gate, Outgoing, Passing, Place, Wire},
    error::Source,
    jetstream::tail::is_passable,
    keys::{Keyring, Signer},
    seal::open,
};

/// How many replicas the memory log answers like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replicas {
    /// A repeat is told "wrong last sequence".
    One,
    /// A repeat is told "duplicate".
    Three,
}

/// What a memory log is like.
#[derive(Debug, Clone)]
pub struct MemoryOptions {
    /// Whose answers it gives.
    pub replicas: Replicas,
    /// The size at which it takes nothing more; at 90 % only restricting events.
    pub max_bytes: u64,
    /// The identity of the log.
    pub epoch: String,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self { replicas: Replicas::One, max_bytes: u64::MAX, epoch: "memory".into() }
    }
}

/// The log in memory. Clones are the same log.
#[derive(Clone)]
pub struct Memory(Arc<Inner>);

struct Inner {
    options: MemoryOptions,
    stamps: Stamps,
    signer: Signer,
    keyring: Keyring,
    streams: [One; 2],
    faults: Mutex<faults::Faults>,
}

struct One {
    state: Mutex<State>,
    last: watch::Sender<u64>,
    gate: Gate,
}

impl Memory {
    /// An empty log with a key of its own.
    pub fn new(stamps: Stamps, options: MemoryOptions) -> Self {
        let generated = crate::keys::generate();
        let signer = Signer::parse(&generated.private_pem).expect("a generated key is in its own format");
        let one = || One { state: Mutex::default(), last: watch::Sender::new(0), gate: Gate::new() };
        Self(Arc::new(Inner {
            options,
            stamps,
            signer,
            keyring: generated.keyring,
            streams: [one(), one()],
            faults: Mutex::default(),
        }))
    }

    /// What befalls the next tries at an append, one fault each, in order.
    pub fn inject(&self, faults: impl IntoIterator<Item = Fault>) {
        self.0.faults().queue.extend(faults);
    }

    /// How many of the faults have not befallen anybody yet.
    pub fn faults_left(&self) -> usize {
        self.0.faults().queue.len()
    }

    /// Takes back the faults that have not befallen anybody yet.
    pub fn clear_faults(&self) {
        self.0.faults().queue.clear();
    }

    /// Makes the log answer nothing, or answer again.
    pub fn set_away(&self, away: bool) {
        self.0.faults().away = away;
    }

    /// The public half of the key it signs with.
    pub fn keyring(&self) -> Keyring {
        self.0.keyring.clone()
    }

    /// Loses a message, as a server whose stream allows that would for whoever has its password.
    pub fn remove(&self, stream: Stream, seq: u64) {
        lock(&self.0.one(stream).state).remove(seq);
    }

    /// Stores bytes as they are, as an intruder would.
    pub fn store_raw(&self, stream: Stream, subject: &str, raw: bytes::Bytes) -> u64 {
        let one = self.0.one(stream);
        let seq = lock(&one.state).push(Outgoing {
            subject: subject.into(),
            place: Place::Behind(0),
            id: self.0.stamps.id().to_string(),
            traceparent: String::new(),
            raw,
        });
        one.last.send_replace(seq);
        seq
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder of this lock panics")
}

impl Inner {
    fn one(&self, stream: Stream) -> &One {
        match stream {
            Stream::Authz => &self.streams[0],
            Stream::Catalog => &self.streams[1],
        }
    }

    fn faults(&self) -> MutexGuard<'_, faults::Faults> {
        lock(&self.faults)
    }

    fn present(&self) -> Result<(), Source> {
        if self.faults().away { Err("the memory log was told to be away".into()) } else { Ok(()) }
    }

    fn open(&self, stream: Stream, (seq, message): (u64, Outgoing)) -> Result<Record, LogError> {
        open(&self.keyring, stream, seq, &message.subject, message.raw)
    }
}

#[async_trait]
impl Wire for Inner {
    async fn publish(&self, stream: Stream, batch: &[Outgoing]) -> Answer {
        let fault = self.faults().queue.pop_front();
        if let Some(Fault::Delay(gate)) = &fault {
            gate.notified().await;
        }
        if let Err(error) = self.present() {
            return Answer::Lost(error);
        }
        if let Some(Fault::Refuse) = fault {
            return Answer::Lost("the memory log was told to refuse".into());
        }
        let one = self.one(stream);
        let answer = lock(&one.state).publish(&self.options, batch);
        if let Answer::Stored { seq } = answer {
            one.last.send_replace(seq);
        }
        match fault {
            Some(Fault::LoseAck) => Answer::Lost("the memory log was told to lose this ack".into()),
            Some(Fault::Refuse | Fault::Delay(_)) | None => answer,
        }
    }

    async fn first_after(
        &self,
        stream: Stream,
        subject: &str,
        after: u64,
    ) -> Result<Option<(u64, String)>, Source> {
        self.present()?;
        let first = lock(&self.one(stream).state).after(Some(subject), after).next();
        Ok(first.map(|(seq, message)| (seq, message.id)))
    }

    async fn recovered(&self) {}

    async fn nearly_full(&self, stream: Stream) -> bool {
        lock(&self.one(stream).state).bytes >= self.options.max_bytes / 10 * 9
    }
}

#[async_trait]
impl Log for Memory {
    async fn append(&self, stream: Stream, messages: Vec<Message>) -> Result<u64, AppendError> {
        let inner = &*self.0;
        append::append(inner, &inner.one(stream).gate, &inner.signer, stream, &messages).await
    }

    async fn read(
        &self,
        stream: Stream,
        subject: &str,
        after: u64,
        _at_least: u64,
    ) -> Result<Vec<Record>, LogError> {
        self.0.present().map_err(LogError::Unavailable)?;
        let messages: Vec<_> = lock(&self.0.one(stream).state).after(Some(subject), after).collect();
        messages.into_iter().map(|message| self.0.open(stream, message)).collect()
    }

    fn tail(&self, stream: Stream, from: u64) -> BoxStream<'static, Result<Record, LogError>> {
        let inner = self.0.clone();
        let last = inner.one(stream).last.subscribe();
        let start = (inner, last, from.max(1), false);
        Box::pin(futures::stream::unfold(start, move |(inner, mut last, next, failed)| async move {
            if failed {
                return None;
            }
            let end = *last.borrow();
            if end + 1 < next {
                let error = LogError::shorter(stream, next - 1, end);
                return Some((Err(error), (inner, last, next, true)));
            }
            let mut reached = next;
            let message = loop {
                last.wait_for(|last| *last >= reached).await.ok()?;
                if let Some(message) = lock(&inner.one(stream).state).after(None, next - 1).next() {
                    break message;
                }
                // What there was has been removed.
                reached = *last.borrow() + 1;
            };
            let after = message.0 + 1;
            let item = inner.open(stream, message);
            let failed = item.as_ref().is_err_and(|error| !is_passable(stream, error));
            Some((item, (inner, last, after, failed)))
        }))
    }

    async fn barrier(&self, stream: Stream) -> Result<u64, LogError> {
        let inner = &*self.0;
        let gate = &inner.one(stream).gate;
        let barrier = Passing::barrier();
        Ok(append::passing(inner, gate, &inner.signer, &inner.stamps, stream, barrier).await?)
    }

    async fn lease(&self, lease: Lease, ttl: Duration) -> Result<u64, AppendError> {
        let (inner, lease) = (&*self.0, Passing { lease: Some(lease), ttl });
        let gate = &inner.one(Stream::Authz).gate;
        append::passing(inner, gate, &inner.signer, &inner.stamps, Stream::Authz, lease).await
    }

    async fn end(&self, stream: Stream) -> Result<u64, LogError> {
        self.0.present().map_err(LogError::Unavailable)?;
        Ok(*self.0.one(stream).last.borrow())
    }

    /// Envelopes bear the only times there are here.
    async fn since(&self, stream: Stream, time: OffsetDateTime) -> Result<u64, LogError> {
        self.0.present().map_err(LogError::Unavailable)?;
        let messages: Vec<_> = lock(&self.0.one(stream).state).after(None, 0).collect();
        let end = messages.last().map_or(0, |(seq, _)| *seq);
        let records = messages.into_iter().map(|message| self.0.open(stream, message));
        let time_us = time.unix_timestamp_nanos() / 1_000;
        let later =
            records.filter_map(Result::ok).find(|record| i128::from(record.envelope.time_us) >= time_us);
        Ok(later.map_or(end + 1, |record| record.seq))
    }

    async fn count(&self, stream: Stream, from: u64) -> Result<u64, LogError> {
        self.0.present().map_err(LogError::Unavailable)?;
        let state = lock(&self.0.one(stream).state);
        let lasting = |message: &Outgoing| message.subject != stream.barrier_subject();
        Ok(state.after(None, from.saturating_sub(1)).filter(|(_, message)| lasting(message)).count() as u64)
    }

    fn epoch(&self, _stream: Stream) -> String {
        self.0.options.epoch.clone()
    }
}
