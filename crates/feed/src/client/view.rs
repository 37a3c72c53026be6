//! The access table of one process, current up to a position that only grows.
//!
//! Gateway and catalog fill it from the access feed; auth, which has the log, from its own tail. The same code applies.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use access::{FoldError, Outcome, Row, SecretHash, Service, Table};
use async_trait::async_trait;
use proto::event::v1::Envelope;
use proto::feed::v1::feed_item::Item;
use tokio::sync::watch;

use super::lease::Lease;
use super::link::{self, Fault, FollowError, Position, Sink};
use super::restore::{Build, Snapshot};
use super::upstream::Upstream;

/// The table, shared by every thread. Clones are the same view.
#[derive(Clone)]
pub struct AccessView(Arc<Inner>);

struct Inner {
    table: RwLock<Table>,
    services: HashMap<SecretHash, Service>,
    epoch: OnceLock<String>,
    applied: watch::Sender<u64>,
    ready: watch::Sender<bool>,
    lease: Lease,
}

/// The view did not get as far as was asked in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("access is known up to {applied}, {wanted} is wanted")]
pub struct Behind {
    /// Where the view is.
    pub applied: u64,
    /// Where it was wanted.
    pub wanted: u64,
}

impl AccessView {
    /// An empty view that is not ready. Only services that are called by services need their credentials.
    pub fn new(services: HashMap<SecretHash, Service>) -> Self {
        Self(Arc::new(Inner {
            table: RwLock::new(Table::new(services.clone())),
            services,
            epoch: OnceLock::new(),
            applied: watch::Sender::new(0),
            ready: watch::Sender::new(false),
            lease: Lease::none(),
        }))
    }

    /// Asks the table something. Keep it short: an event that is to be applied waits for it.
    pub fn read<T>(&self, ask: impl FnOnce(&Table) -> T) -> T {
        ask(&self.0.table.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Until when it may be used to decide.
    pub fn lease(&self) -> &Lease {
        &self.0.lease
    }

    /// Everything up to here is visible to every thread.
    pub fn seq(&self) -> u64 {
        *self.0.applied.borrow()
    }

    /// The identity of the log behind it, once known.
    pub fn epoch(&self) -> Option<&str> {
        self.0.epoch.get().map(String::as_str)
    }

    /// Notices every step of the position.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.applied.subscribe()
    }

    /// Whether it may be used to decide.
    pub fn ready(&self) -> bool {
        *self.0.ready.borrow()
    }

    /// Resolves when it may be used to decide.
    pub async fn until_ready(&self) {
        let mut ready = self.0.ready.subscribe();
        ready.wait_for(|ready| *ready).await.expect("the view holds the sender");
    }

    /// Says that it may be used from now on.
    pub fn mark_ready(&self) {
        self.0.ready.send_replace(true);
    }

    /// Waits until everything up to `seq` is visible, at most for `limit`.
    pub async fn wait_for(&self, seq: u64, limit: Duration) -> Result<u64, Behind> {
        let mut applied = self.0.applied.subscribe();
        let reached = tokio::time::timeout(limit, applied.wait_for(|applied| *applied >= seq)).await;
        // What was waited for locks the value: held while it is read again, a writer between the two stops all three.
        let reached = reached.is_ok_and(|seen| seen.is_ok());
        let now = self.seq();
        if reached { Ok(now) } else { Err(Behind { applied: now, wanted: seq }) }
    }

    /// Names the log whose events follow; another one is refused from then on.
    pub fn open(&self, epoch: &str) -> Result<(), FollowError> {
        let known = self.0.epoch.get_or_init(|| epoch.to_owned());
        if known == epoch {
            return Ok(());
        }
        Err(FollowError::OtherEpoch { known: known.clone(), found: epoch.to_owned() })
    }

    /// Applies the next envelope of AUTHZ.
    pub fn apply(&self, seq: u64, envelope: &Envelope) -> Result<Outcome, FoldError> {
        let outcome = self.0.table.write().unwrap_or_else(PoisonError::into_inner).apply(seq, envelope)?;
        self.advance(seq);
        // G3: everything before it is applied by now.
        if let Some(lease) = &envelope.lease {
            self.0.lease.granted(lease);
        }
        Ok(outcome)
    }

    /// Takes over a table that was folded elsewhere, by whoever has the log; not one that knows less.
    pub fn install(&self, table: Table) {
        let seq = table.seq();
        let mut held = self.0.table.write().unwrap_or_else(PoisonError::into_inner);
        if seq >= held.seq() {
            *held = table;
        }
        drop(held);
        self.advance(seq);
    }

    /// An empty table that knows what this view was told of services.
    pub fn empty_table(&self) -> Table {
        Table::new(self.0.services.clone())
    }

    /// Everything up to `seq` has been applied, whatever stood there.
    pub fn bookmark(&self, seq: u64) -> Result<(), FoldError> {
        self.apply(seq, &Envelope::default()).map(drop)
    }

    /// Follows the access feed until `stop` resolves, over as many connections as it takes. An error is final: the
    /// process must end, because what it knows and what the server says no longer belong together.
    pub async fn follow(
        &self,
        upstream: Upstream,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), FollowError> {
        link::follow(&mut self.clone(), &upstream, stop).await
    }

    fn advance(&self, seq: u64) {
        self.0.applied.send_if_modified(|applied| {
            let grows = seq > *applied;
            *applied = seq.max(*applied);
            grows
        });
    }
}

#[async_trait]
impl Sink for AccessView {
    type Row = Row;
    type Built = Table;

    fn position(&self) -> Position {
        Position { epoch: self.epoch().unwrap_or_default().to_owned(), applied: self.seq() }
    }

    fn applied(&self) -> watch::Receiver<u64> {
        self.subscribe()
    }

    fn build(&self) -> Build<Row, Table> {
        let services = self.0.services.clone();
        Box::new(move |Snapshot { seq, expected }, rows| {
            Ok(Table::restore(services, seq, expected, rows).map_err(FollowError::from)?)
        })
    }

    fn restore(&mut self, epoch: &str, seq: u64, table: Table) -> Result<(), Fault> {
        if seq < self.seq() {
            return Err(Fault::Retry(format!("the snapshot is of {seq}, applied is {}", self.seq())));
        }
        self.open(epoch)?;
        *self.0.table.write().unwrap_or_else(PoisonError::into_inner) = table;
        self.advance(seq);
        self.mark_ready();
        Ok(())
    }

    async fn take(&mut self, item: Item) -> Result<(), Fault> {
        match item {
            Item::AccessEvent(event) => {
                if event.seq <= self.seq() {
                    return Err(Fault::Retry(format!("{} came after {}", event.seq, self.seq())));
                }
                let envelope = event.envelope.unwrap_or_default();
                self.apply(event.seq, &envelope).map_err(FollowError::from)?;
                Ok(())
            }
            Item::Bookmark(seq) => Ok(self.bookmark(seq).map_err(FollowError::from)?),
            Item::ContentChange(_) => Err(Fault::Retry("a content change in the access feed".into())),
            Item::SnapshotStart(_) | Item::SnapshotPart(_) | Item::SnapshotEnd(_) => {
                unreachable!("the link takes snapshots apart")
            }
        }
    }
}

impl std::fmt::Debug for AccessView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AccessView(at {})", self.seq())
    }
}
