//! Aggregates on the log: load, decide, append with the expectation, retry a lost race.

mod entry;
mod execute;
mod many;
mod pair;

use std::{marker::PhantomData, sync::Arc, time::Duration};

use async_trait::async_trait;
use moka::sync::Cache;
use proto::event::v1::Event;
use tokio::sync::{Mutex, OwnedMutexGuard};

use entry::Entry;
pub use many::MANY_MAX;
pub use pair::execute_pair;

use crate::{AppendError, Log, LogError, Record, Stamps, Stream};

/// Folded aggregates kept per store. The expectation proves each current, so none needs to be refreshed.
pub(crate) const CACHED_AGGREGATES: u64 = 10_000;
/// Races that may be lost in one decision before it is given up.
pub(crate) const ATTEMPTS: usize = 16;

/// How long a decision may wait for others on the same aggregate to be done in this process.
pub(crate) const TURN_LIMIT: Duration = Duration::from_secs(5);

/// How an aggregate's events become its state.
pub struct Rules<S, E> {
    /// Reads one event of the aggregate's subject; None if it does not matter to this state, Err says what is wrong.
    pub decode: fn(&Event) -> Result<Option<E>, String>,
    /// Writes one event.
    pub encode: fn(&E) -> Event,
    /// Folds one event; None is an aggregate that does not exist.
    pub evolve: fn(Option<S>, E) -> Option<S>,
}

impl<S, E> Clone for Rules<S, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, E> Copy for Rules<S, E> {}

/// Tells which messages of AUTHZ are void: decided by somebody who was dead at that position.
#[async_trait]
pub trait Voids: Send + Sync + 'static {
    /// Waits until the fold of AUTHZ has reached the sequence, and answers.
    async fn is_void(&self, seq: u64) -> Result<bool, LogError>;
}

/// Nothing is void: for streams other than AUTHZ.
#[derive(Debug, Clone, Copy)]
pub struct NoVoids;

#[async_trait]
impl Voids for NoVoids {
    async fn is_void(&self, _seq: u64) -> Result<bool, LogError> {
        Ok(false)
    }
}

/// What came of a decision.
#[derive(Debug)]
pub struct Done<S> {
    /// The last sequence on the subject: of the events just appended, or of what made them needless.
    pub seq: u64,
    /// False if the decision found its effect present.
    pub appended: bool,
    /// The aggregate afterwards.
    pub state: Option<Arc<S>>,
}

/// Why a decision did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<R> {
    /// The aggregate's own no, proven by a barrier and a fresh read.
    #[error("refused")]
    Refused(R),
    /// The actor was dead at the position where the event landed: it has no effect.
    #[error("the credential was revoked before the change took effect")]
    Void {
        /// Where the void event stands.
        seq: u64,
    },
    /// Every attempt lost its race.
    #[error("others keep changing the same thing; try again")]
    Conflict,
    /// Nothing was appended, or nobody knows.
    #[error(transparent)]
    Append(AppendError),
    /// The aggregate could not be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// The aggregates of one kind.
pub struct Store<S, E> {
    log: Arc<dyn Log>,
    stream: Stream,
    rules: Rules<S, E>,
    stamps: Stamps,
    voids: Arc<dyn Voids>,
    cache: Cache<String, Arc<Mutex<Entry<S>>>>,
    _event: PhantomData<fn(E)>,
}

impl<S, E> Store<S, E>
where
    S: Clone + Send + Sync + 'static,
    E: Send + 'static,
{
    /// A store with an empty cache.
    pub fn new(
        log: Arc<dyn Log>,
        stream: Stream,
        rules: Rules<S, E>,
        stamps: Stamps,
        voids: Arc<dyn Voids>,
    ) -> Self {
        let cache = Cache::new(CACHED_AGGREGATES);
        Self { log, stream, rules, stamps, voids, cache, _event: PhantomData }
    }

    /// The aggregate as far as this process knows it, read from the log if it is not in the cache.
    pub async fn load(&self, subject: &str) -> Result<(u64, Option<Arc<S>>), LogError> {
        let mut entry = self.entry(subject).await?;
        if !entry.loaded {
            self.catch_up(subject, &mut entry, 0).await?;
        }
        Ok((entry.seq, entry.state.clone()))
    }

    /// The aggregate with everything that was acknowledged before the call, by whomever.
    pub async fn fresh(&self, subject: &str) -> Result<(u64, Option<Arc<S>>), LogError> {
        let mut entry = self.entry(subject).await?;
        self.refresh(subject, &mut entry).await?;
        Ok((entry.seq, entry.state.clone()))
    }

    /// The aggregate's place in the cache, for this caller alone.
    async fn entry(&self, subject: &str) -> Result<OwnedMutexGuard<Entry<S>>, LogError> {
        let entry = self.cache.get_with_by_ref(subject, || Arc::new(Mutex::new(Entry::default())));
        match tokio::time::timeout(TURN_LIMIT, entry.lock_owned()).await {
            Ok(entry) => Ok(entry),
            Err(elapsed) => Err(LogError::Unavailable(Box::new(elapsed))),
        }
    }

    async fn refresh(&self, subject: &str, entry: &mut Entry<S>) -> Result<(), LogError> {
        let barrier = self.log.barrier(self.stream).await?;
        self.catch_up(subject, entry, barrier).await
    }

    async fn catch_up(&self, subject: &str, entry: &mut Entry<S>, at_least: u64) -> Result<(), LogError> {
        let mut records = self.log.read(self.stream, subject, entry.seq, at_least).await?;
        if entry.seq > 0 && records.iter().any(Record::is_put_back) {
            // It belongs before what is folded already, or is folded already.
            *entry = Entry::default();
            records = self.log.read(self.stream, subject, 0, at_least).await?;
        }
        let last = records.last().map_or(entry.seq, |record| record.seq);
        records.sort_by_key(Record::place);
        records.dedup_by_key(|record| record.place());
        for record in records {
            let void = self.is_void(&record).await?;
            if let Err(error) = entry.fold(&self.rules, self.stream, &record, void) {
                // Half of it in another order than it stands in: to be read from the beginning.
                *entry = Entry::default();
                return Err(error);
            }
        }
        entry.seq = last;
        entry.loaded = true;
        Ok(())
    }

    /// Judged where it first stood, once everything before where it stands now is known.
    async fn is_void(&self, record: &Record) -> Result<bool, LogError> {
        if record.is_put_back() {
            self.voids.is_void(record.seq).await?;
        }
        self.voids.is_void(record.place()).await
    }
}
