//! Who may hold a lease, and how far each has applied: one replica's knowledge.
//!
//! Grants come from the log, in order; reports from the holders themselves or through other replicas, in any order.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use proto::event::v1::{Lease, LeaseGranted};
use tokio::sync::watch;
use uuid::Uuid;

use crate::lease::{Clocks, SLACK, outlived};

/// Processes that may hold leases at a time.
pub const MAX_HOLDERS: usize = 1_000;
/// How long a report is kept of a process that holds no lease: a grant that is on its way here makes it count.
const HEARD_FOR: Duration = Duration::from_secs(120);

/// One process: its stable name, and the id it gave itself when it started.
pub(crate) type Key = (String, Uuid);

/// The table. Clones are the same.
#[derive(Clone)]
pub struct Holders(Arc<Inner>);

struct Inner {
    clocks: Clocks,
    known: Mutex<BTreeMap<Key, Holder>>,
    changed: watch::Sender<()>,
}

/// What is known of one process.
#[derive(Debug, Clone, Copy, Default)]
struct Holder {
    granted: Option<Granted>,
    left: bool,
    applied: u64,
    heard_at: Duration,
}

/// Its leases: the first grant's place, and the latest end that any may have.
#[derive(Debug, Clone, Copy)]
struct Granted {
    first_seq: u64,
    seen_at: Duration,
    length: Duration,
    /// By this replica's clock it is over then.
    over_at: Duration,
    /// By this replica's clock it shows nothing any more then, be it public.
    shows_until: Duration,
}

/// A lease that may be held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Live {
    /// How long it lasts at most.
    pub(crate) length: Duration,
    /// By this replica's clock the newest of its leases that is known here has ended by then.
    pub(crate) ends_at: Duration,
    /// By this replica's clock nothing from before the change is acted on after then.
    pub(crate) acts_until: Duration,
}

/// One process that may authorise, as others are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Its name.
    pub name: String,
    /// Which life of it.
    pub incarnation: Uuid,
    /// How much of AUTHZ it has reported as applied.
    pub applied: u64,
    /// Since its lease was last granted, as seen here.
    pub age: Duration,
}

impl Holders {
    /// Nobody, before the log was read.
    pub fn new(clocks: Clocks) -> Self {
        Self(Arc::new(Inner { clocks, known: Mutex::default(), changed: watch::Sender::new(()) }))
    }

    /// R0: takes in what stands in the log at `seq`. What is read again counts as granted when it is read. Call it before
    /// the position is seen to have moved.
    pub fn fold(&self, seq: u64, lease: &Lease) {
        let now = self.0.clocks.boot();
        let mut known = self.known();
        known.retain(|_, holder| !holder.is_forgotten(now));
        let length = Duration::from_millis(lease.length_ms.into());
        for granted in &lease.granted {
            if let Some(key) = key(&granted.holder, &granted.incarnation) {
                known.entry(key).or_default().grant(seq, now, length, granted);
            }
        }
        for left in &lease.left {
            if let Some(key) = key(&left.holder, &left.incarnation) {
                known.entry(key).or_default().left = true;
            }
        }
        drop(known);
        self.0.changed.send_replace(());
    }

    /// G5: a report. Late and repeated ones change nothing.
    pub fn heard(&self, name: &str, incarnation: Uuid, applied: u64) {
        let now = self.0.clocks.boot();
        let mut known = self.known();
        if known.len() >= 2 * MAX_HOLDERS {
            known.retain(|_, holder| !holder.is_forgotten(now));
        }
        let room = known.len() < 2 * MAX_HOLDERS;
        let key = (name.to_owned(), incarnation);
        if room || known.contains_key(&key) {
            let holder = known.entry(key).or_default();
            holder.applied = holder.applied.max(applied);
            holder.heard_at = now;
        }
        drop(known);
        self.0.changed.send_replace(());
    }

    /// Everybody who may hold a lease now.
    pub fn standing(&self) -> Vec<Standing> {
        let now = self.0.clocks.boot();
        let known = self.known();
        let live = known.iter().filter_map(|((name, incarnation), holder)| {
            let granted = holder.granted.filter(|granted| !holder.left && now < granted.over_at)?;
            Some(Standing {
                name: name.clone(),
                incarnation: *incarnation,
                applied: holder.applied,
                age: now.saturating_sub(granted.seen_at),
            })
        });
        live.collect()
    }

    /// Resolves when `count` processes have reported at least `seq` as applied.
    pub async fn until_applied_by(&self, count: usize, seq: u64) {
        let mut changed = self.subscribe();
        loop {
            changed.borrow_and_update();
            if self.known().values().filter(|holder| !holder.left && holder.applied >= seq).count() >= count {
                return;
            }
            changed.changed().await.expect("the table holds the sender");
        }
    }

    /// Whether one more process may be given a lease.
    pub(crate) fn has_room(&self, name: &str, incarnation: Uuid) -> bool {
        let live = self.standing();
        live.len() < MAX_HOLDERS || live.iter().any(|it| it.name == name && it.incarnation == incarnation)
    }

    /// R2: whoever may hold a lease from before `seq`, which this replica has folded; if the change `hides` something,
    /// whoever may still show what was public, too.
    pub(crate) fn live(&self, seq: u64, hides: bool) -> BTreeMap<Key, Live> {
        let now = self.0.clocks.boot();
        let known = self.known();
        let live = known.iter().filter_map(|(key, holder)| {
            let granted = holder.granted?;
            let acts_until = if hides { granted.shows_until } else { granted.over_at };
            let counts = !holder.left && granted.first_seq < seq && now < acts_until;
            let ends_at = granted.seen_at + outlived(granted.length);
            counts.then(|| (key.clone(), Live { length: granted.length, ends_at, acts_until }))
        });
        live.collect()
    }

    /// R3: what a process has reported; nothing if it has taken leave.
    pub(crate) fn applied(&self, key: &Key) -> Option<u64> {
        self.known().get(key).filter(|holder| !holder.left).map(|holder| holder.applied)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<()> {
        self.0.changed.subscribe()
    }

    /// What it measures by.
    pub fn clocks(&self) -> &Clocks {
        &self.0.clocks
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Key, Holder>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holder {
    fn grant(&mut self, seq: u64, now: Duration, length: Duration, granted: &LeaseGranted) {
        let over_at = now + outlived(length) + SLACK;
        let public = Duration::from_millis(granted.public_ms.into());
        let shows_until = over_at.max(now + outlived(public) + SLACK);
        let first = Granted { first_seq: seq, seen_at: now, length, over_at, shows_until };
        let known = self.granted.get_or_insert(first);
        known.seen_at = now;
        known.length = known.length.max(length);
        known.over_at = known.over_at.max(over_at);
        known.shows_until = known.shows_until.max(shows_until);
    }

    fn is_forgotten(&self, now: Duration) -> bool {
        self.granted.is_none_or(|granted| now >= granted.shows_until) && now >= self.heard_at + HEARD_FOR
    }
}

fn key(name: &str, incarnation: &[u8]) -> Option<Key> {
    Some((name.to_owned(), Uuid::from_slice(incarnation).ok()?))
}

impl std::fmt::Debug for Holders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Holders({:?})", self.standing())
    }
}
