//! Who follows a feed that decides nothing, and how far each has applied.
//!
//! Whoever is connected counts, and so does whoever was cut off less than [`LOST_AFTER`] ago without taking leave: it
//! still answers requests from what it knew, and says how far it is as soon as it is back. Whoever follows another replica
//! counts for as long after that replica has told of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use proto::feed::v1::{AwaitAppliedRequest, Confirmation, Receipt, RenewRequest};
use proto::status::v1 as status;
use tokio::sync::watch;
use tonic::Status;
use uuid::Uuid;

use super::audience::{Audience, Seat};
use super::relay::{Relay, Report};

/// How long a follower that was cut off is waited for.
pub const LOST_AFTER: Duration = Duration::from_secs(15);
/// Followers at a time, cut-off ones included.
pub const MAX_FOLLOWERS: usize = 1_000;

/// Time since the machine started, suspended time included.
type Boot = Arc<dyn Fn() -> Duration + Send + Sync>;

/// One process: its stable name, and the id it gave itself when it started.
type Key = (String, Uuid);

/// The registry. Clones are the same.
#[derive(Clone)]
pub struct Followers(Arc<Inner>);

struct Inner {
    boot: Boot,
    known: Mutex<HashMap<Key, Follower>>,
    changed: watch::Sender<()>,
    /// What tells the other replicas.
    relay: OnceLock<Relay>,
}

#[derive(Debug)]
struct Follower {
    version: String,
    applied: u64,
    /// Which connection is the newest: an old one that ends late changes nothing.
    connection: u64,
    /// Since when nobody has heard of it; none while it is connected here.
    lost_at: Option<Duration>,
    /// It was heard of through another replica last.
    elsewhere: bool,
}

/// The registry is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{MAX_FOLLOWERS} followers are connected, which is the limit")]
pub struct TooManyFollowers;

impl Followers {
    /// Nobody follows. `boot` is the clock that measures durations.
    pub fn new(boot: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        let (changed, relay) = (watch::Sender::new(()), OnceLock::new());
        Self(Arc::new(Inner { boot: Arc::new(boot), known: Mutex::default(), changed, relay }))
    }

    /// From now on the other replicas are told of whoever follows here. Once for all.
    pub(super) fn tell_through(&self, relay: Relay) {
        if self.0.relay.set(relay).is_err() {
            tracing::warn!("the other replicas are told already");
        }
        self.tell_all();
    }

    /// Tells the other replicas of everybody who is connected here.
    pub(super) fn tell_all(&self) {
        let reports: Vec<_> = {
            let known = self.known();
            let here = known.iter().filter(|(_, follower)| follower.lost_at.is_none());
            here.map(|((name, incarnation), follower)| Report::of(name, *incarnation, follower.applied))
                .collect()
        };
        reports.into_iter().for_each(|report| self.tell(report));
    }

    fn tell(&self, report: Report) {
        if let Some(relay) = self.0.relay.get() {
            relay(report);
        }
    }

    /// What another replica tells of a follower.
    pub(super) fn heard(&self, report: &Report) {
        let key = (report.name.clone(), report.incarnation);
        let now = (self.0.boot)();
        let mut known = self.known();
        if report.left {
            if known.get(&key).is_some_and(|follower| follower.lost_at.is_some()) {
                known.remove(&key);
            }
        } else if known.len() < MAX_FOLLOWERS || known.contains_key(&key) {
            known.entry(key).or_insert_with(|| Follower::new("")).heard(report.applied, now);
        }
        drop(known);
        self.0.changed.send_replace(());
    }

    /// Registers a connection. Coming back keeps what was applied before.
    pub fn join(&self, name: &str, incarnation: Uuid) -> Result<Connection, TooManyFollowers> {
        self.join_as(name, incarnation, "")
    }

    /// The same for one that says of which release it is.
    pub fn join_as(
        &self,
        name: &str,
        incarnation: Uuid,
        version: &str,
    ) -> Result<Connection, TooManyFollowers> {
        let key = (name.to_owned(), incarnation);
        let now = (self.0.boot)();
        let mut known = self.known();
        known.retain(|_, follower| !follower.is_gone(now));
        if known.len() >= MAX_FOLLOWERS && !known.contains_key(&key) {
            return Err(TooManyFollowers);
        }
        let follower = known.entry(key.clone()).or_insert_with(|| Follower::new(version));
        follower.connection += 1;
        (follower.lost_at, follower.elsewhere) = (None, false);
        let (connection, applied) = (follower.connection, follower.applied);
        drop(known);
        self.0.changed.send_replace(());
        self.tell(Report::of(name, incarnation, applied));
        Ok(Connection { followers: self.clone(), key, connection, left: false })
    }

    /// Each that follows here as it stands now, by name.
    pub fn standing(&self) -> Vec<status::Follower> {
        let now = (self.0.boot)();
        let known = self.known();
        let told = |((name, incarnation), follower): (&Key, &Follower)| status::Follower {
            name: name.clone(),
            incarnation: incarnation.to_string(),
            version: follower.version.clone(),
            applied_seq: follower.applied,
            lost_ms: follower.lost_at.map(|lost_at| millis(now.saturating_sub(lost_at))),
            lease_age_ms: None,
        };
        let mut standing: Vec<_> = known
            .iter()
            .filter(|(_, follower)| !follower.is_gone(now) && !follower.elsewhere)
            .map(told)
            .collect();
        standing.sort_by(|a, b| (&a.name, &a.incarnation).cmp(&(&b.name, &b.incarnation)));
        standing
    }

    /// How many are connected now.
    pub fn connected(&self) -> usize {
        self.known().values().filter(|follower| follower.lost_at.is_none()).count()
    }

    /// Resolves when `count` followers are connected and have applied at least `seq`.
    pub async fn until_applied_by(&self, count: usize, seq: u64) {
        let mut changed = self.0.changed.subscribe();
        loop {
            let there = |follower: &&Follower| follower.lost_at.is_none() && follower.applied >= seq;
            if self.known().values().filter(there).count() >= count {
                return;
            }
            changed.changed().await.expect("the registry holds the sender");
        }
    }

    /// Waits until everybody who follows at this moment has applied `seq`, at most for `limit`; whoever has not by then
    /// is silent. Followers that come later start from a snapshot, which must already hold `seq`.
    pub async fn await_applied(&self, seq: u64, limit: Duration) -> Receipt {
        let start = (self.0.boot)();
        let mut changed = self.0.changed.subscribe();
        let mut receipt = Receipt { seq, ..Receipt::default() };
        let mut pending: Vec<Key> = {
            let mut known = self.known();
            known.retain(|_, follower| !follower.is_gone(start));
            known.keys().cloned().collect()
        };
        pending.sort_unstable();
        let everybody = async {
            loop {
                self.confirm(seq, start, &mut pending, &mut receipt);
                if pending.is_empty() {
                    return;
                }
                changed.changed().await.expect("the registry holds the sender");
            }
        };
        // Whether it ended in time shows in who is still pending.
        drop(tokio::time::timeout(limit, everybody).await);
        receipt.silent = pending.into_iter().map(|(name, _)| name).collect();
        receipt.waited_us = self.since(start);
        receipt
    }

    fn confirm(&self, seq: u64, start: Duration, pending: &mut Vec<Key>, receipt: &mut Receipt) {
        let after_us = self.since(start);
        let known = self.known();
        pending.retain(|key| match known.get(key) {
            // It has taken leave: it answers no requests any more.
            None => false,
            Some(follower) if follower.applied >= seq => {
                receipt.confirmed.push(Confirmation { follower: key.0.clone(), after_us });
                false
            }
            Some(_) => true,
        });
    }

    fn since(&self, start: Duration) -> u64 {
        u64::try_from((self.0.boot)().saturating_sub(start).as_micros()).unwrap_or(u64::MAX)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Key, Follower>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Follower {
    fn new(version: &str) -> Self {
        Self { version: version.to_owned(), applied: 0, connection: 0, lost_at: None, elsewhere: false }
    }

    /// Through another replica.
    fn heard(&mut self, applied: u64, now: Duration) {
        self.applied = self.applied.max(applied);
        // One that is connected here is known better here.
        if self.connection == 0 || self.lost_at.is_some() {
            (self.lost_at, self.elsewhere) = (Some(now), true);
        }
    }

    fn is_gone(&self, now: Duration) -> bool {
        self.lost_at.is_some_and(|lost_at| now >= lost_at + LOST_AFTER)
    }
}

impl std::fmt::Debug for Followers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Followers({} connected)", self.connected())
    }
}

/// One connection of a follower. Dropped without leave, the follower counts as cut off.
#[derive(Debug)]
pub struct Connection {
    followers: Followers,
    key: Key,
    connection: u64,
    left: bool,
}

#[async_trait]
impl Audience for Followers {
    type Seat = Connection;

    fn join(&self, name: &str, incarnation: Uuid, version: &str) -> Result<Connection, TooManyFollowers> {
        self.join_as(name, incarnation, version)
    }

    async fn await_applied(&self, wanted: AwaitAppliedRequest, limit: Duration) -> Receipt {
        Self::await_applied(self, wanted.seq, limit).await
    }

    async fn renew(&self, _ask: RenewRequest) -> Result<u64, Status> {
        Err(Status::unimplemented("leases are given by auth, with the access feed"))
    }
}

impl Seat for Connection {
    fn applied(&self, seq: u64) {
        if let Some(follower) = self.followers.known().get_mut(&self.key) {
            follower.applied = follower.applied.max(seq);
        }
        self.followers.0.changed.send_replace(());
        let (name, incarnation) = &self.key;
        self.followers.tell(Report::of(name, *incarnation, seq));
    }

    fn leave(mut self) {
        self.left = true;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let now = (self.followers.0.boot)();
        let mut known = self.followers.known();
        let newest = known.get_mut(&self.key).filter(|it| it.connection == self.connection);
        let left = newest.is_some() && self.left;
        if let Some(follower) = newest {
            follower.lost_at = Some(now);
        }
        if left {
            known.remove(&self.key);
        }
        drop(known);
        self.followers.0.changed.send_replace(());
        if left {
            let (name, incarnation) = &self.key;
            self.followers.tell(Report { left, ..Report::of(name, *incarnation, 0) });
        }
    }
}

#[cfg(test)]
mod tests;
