//! The right to authorise for a while, of one process. It counts from before it was asked for, and only grows.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use proto::event::v1;
use tokio::sync::{Notify, watch};
use uuid::Uuid;

use crate::lease::{Clocks, IDLE_AFTER, JUMP, LENGTH, Moment, micros, renewed_every};

/// Asks whose grants may still come; an older one counts for nothing any more.
const MAX_ASKED: usize = 64;
/// How exactly it is known when the lease was last wanted: writing it down for every request would make requests wait
/// for each other.
const USED_STEP_US: u64 = 1_000_000;

/// The lease. Clones are the same.
#[derive(Clone)]
pub struct Lease(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    /// Boot time at which it ends; zero for none.
    until_us: AtomicU64,
    /// Boot time at which the newest part of it was asked for.
    asked_us: AtomicU64,
    /// How far the wall clock was ahead when the newest part of it was asked for.
    skew_us: AtomicI64,
    used_us: AtomicU64,
    length_us: AtomicU64,
    asked: Mutex<Asked>,
    wanted: Notify,
    until: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Asked {
    incarnation: Uuid,
    times: VecDeque<(u64, Moment)>,
}

impl Lease {
    pub(super) fn none() -> Self {
        Self(Arc::new(Inner {
            until_us: AtomicU64::new(0),
            asked_us: AtomicU64::new(0),
            skew_us: AtomicI64::new(0),
            used_us: AtomicU64::new(0),
            length_us: AtomicU64::new(micros(LENGTH)),
            asked: Mutex::default(),
            wanted: Notify::new(),
            until: watch::Sender::new(0),
        }))
    }

    /// G4: whether this process may authorise at this moment. It is asked for every request.
    pub fn holds(&self, now: Moment) -> bool {
        self.use_at(now.boot);
        micros(now.boot) < self.0.until_us.load(Ordering::Acquire) && !self.has_jumped(now)
    }

    /// Whether what the table calls public may be shown: under the lease, and for `public` after it was asked for.
    pub fn shows_public(&self, now: Moment, public: Duration) -> bool {
        let until_us = self.0.until_us.load(Ordering::Acquire);
        let asked_us = self.0.asked_us.load(Ordering::Acquire);
        let shown_until_us = until_us.max(asked_us.saturating_add(micros(public)));
        until_us > 0 && micros(now.boot) < shown_until_us && !self.has_jumped(now)
    }

    /// Time has passed that the boot clock knows nothing of: nothing that was measured by it holds any more.
    fn has_jumped(&self, now: Moment) -> bool {
        let jumped = now.skew_us().abs_diff(self.0.skew_us.load(Ordering::Acquire)) > micros(JUMP);
        if jumped {
            self.0.until_us.store(0, Ordering::Release);
        }
        jumped
    }

    fn use_at(&self, boot: Duration) {
        let (now_us, used_us) = (micros(boot), self.0.used_us.load(Ordering::Relaxed));
        if used_us.saturating_add(USED_STEP_US) < now_us {
            self.0.used_us.store(now_us, Ordering::Relaxed);
        }
        if used_us.saturating_add(micros(IDLE_AFTER)) < now_us {
            // It is not being renewed, although it may hold for a little yet.
            self.0.wanted.notify_one();
        }
    }

    /// Whether work that begins at this moment has time to be decided on: a lease that is renewed always gives it.
    fn lasts(&self, now: Moment) -> bool {
        let margin = renewed_every(self.length()) / 2;
        self.holds(now) && micros(now.boot + margin) < self.0.until_us.load(Ordering::Acquire)
    }

    /// Waits for a lease that is not about to end, at most for `limit`, and asks for one if there is none. False if there
    /// is none then.
    pub async fn wait(&self, clocks: &Clocks, limit: Duration) -> bool {
        if self.lasts(clocks.now()) {
            return true;
        }
        let mut until = self.0.until.subscribe();
        let held = async {
            loop {
                until.borrow_and_update();
                if self.lasts(clocks.now()) {
                    return;
                }
                self.0.wanted.notify_one();
                if until.changed().await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::time::timeout(limit, held).await.is_ok() || self.holds(clocks.now())
    }

    /// When it ends, by the boot clock; zero for none.
    pub fn until(&self) -> Duration {
        Duration::from_micros(self.0.until_us.load(Ordering::Acquire))
    }

    /// A lease that nobody has granted: for a table that nobody else can change.
    pub fn hold_for(&self, length: Duration, now: Moment) {
        self.0.skew_us.store(now.skew_us(), Ordering::Release);
        self.extend(now.boot, length);
    }

    /// G2: an ask is about to be sent.
    pub(super) fn asking(&self, incarnation: Uuid, nonce: u64, now: Moment) {
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.incarnation = incarnation;
        if asked.times.len() == MAX_ASKED {
            asked.times.pop_front();
        }
        asked.times.push_back((nonce, now));
    }

    /// G3: grants that stand in the log, everything before which is applied.
    pub(super) fn granted(&self, lease: &v1::Lease) {
        let mut asked = self.0.asked.lock().unwrap_or_else(PoisonError::into_inner);
        let mine = |granted: &&v1::LeaseGranted| granted.incarnation == asked.incarnation.as_bytes();
        let nonces: Vec<u64> = lease.granted.iter().filter(mine).map(|granted| granted.nonce).collect();
        let length = Duration::from_millis(lease.length_ms.into());
        for nonce in nonces {
            let Some(place) = asked.times.iter().position(|(of, _)| *of == nonce) else { continue };
            let (_, at) = asked.times[place];
            asked.times.drain(..=place);
            self.0.length_us.store(micros(length), Ordering::Relaxed);
            self.0.skew_us.store(at.skew_us(), Ordering::Release);
            self.extend(at.boot, length);
        }
    }

    fn extend(&self, asked_at: Duration, length: Duration) {
        let until_us = micros(asked_at + length);
        self.0.asked_us.fetch_max(micros(asked_at), Ordering::AcqRel);
        self.0.until_us.fetch_max(until_us, Ordering::AcqRel);
        self.0.until.send_replace(until_us);
    }

    pub(super) fn length(&self) -> Duration {
        Duration::from_micros(self.0.length_us.load(Ordering::Relaxed))
    }

    pub(super) fn is_idle(&self, boot: Duration) -> bool {
        micros(boot) > self.0.used_us.load(Ordering::Relaxed).saturating_add(micros(IDLE_AFTER))
    }

    pub(super) fn mark_used(&self, boot: Duration) {
        self.0.used_us.store(micros(boot), Ordering::Relaxed);
    }

    /// Resolves when a request wants a lease and there is none.
    pub(super) async fn wanted(&self) {
        self.0.wanted.notified().await;
    }
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lease(until {:?})", self.until())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Uuid = Uuid::from_u128(7);

    fn at(seconds: u64) -> Moment {
        let wall_us = i64::try_from(seconds * 1_000_000).unwrap() + 1_700_000_000_000_000;
        Moment { boot: Duration::from_secs(seconds), wall_us }
    }

    fn grant(incarnation: Uuid, nonce: u64) -> v1::Lease {
        let granted = v1::LeaseGranted {
            holder: "gateway".into(),
            incarnation: incarnation.as_bytes().to_vec(),
            nonce,
            public_ms: 0,
        };
        v1::Lease { granted: vec![granted], left: vec![], length_ms: 15_000 }
    }

    #[test]
    fn a_lease_counts_from_before_it_was_asked_for() {
        let lease = Lease::none();
        assert!(!lease.holds(at(100)));
        lease.asking(ME, 1, at(100));
        lease.granted(&grant(ME, 1));
        assert!(lease.holds(at(114)));
        assert!(!lease.holds(at(115)), "it was asked for fifteen seconds ago");
    }

    #[test]
    fn what_is_public_is_shown_for_as_long_as_chosen_from_the_same_moment_and_under_the_lease() {
        let lease = Lease::none();
        let (shorter, longer) = (Duration::from_secs(10), Duration::from_secs(25));
        assert!(!lease.shows_public(at(100), longer), "nothing is known yet");
        lease.asking(ME, 1, at(100));
        lease.granted(&grant(ME, 1));
        assert!(lease.shows_public(at(124), longer) && !lease.shows_public(at(125), longer));
        assert!(lease.shows_public(at(114), shorter) && !lease.shows_public(at(115), shorter));
    }

    #[test]
    fn a_grant_of_another_life_or_another_ask_gives_nothing() {
        let lease = Lease::none();
        lease.asking(ME, 2, at(100));
        lease.granted(&grant(Uuid::from_u128(8), 2));
        lease.granted(&grant(ME, 1));
        assert!(!lease.holds(at(101)));
    }

    #[test]
    fn a_late_grant_of_an_older_ask_shortens_nothing() {
        let lease = Lease::none();
        lease.asking(ME, 1, at(100));
        lease.asking(ME, 2, at(102));
        lease.granted(&grant(ME, 2));
        lease.granted(&grant(ME, 1));
        assert!(lease.holds(at(116)));
    }

    #[test]
    fn a_wall_clock_that_jumps_ends_it() {
        let lease = Lease::none();
        lease.asking(ME, 1, at(100));
        lease.granted(&grant(ME, 1));
        let mut slept = at(101);
        slept.wall_us += 1_000_001;
        assert!(!lease.holds(slept));
        assert!(!lease.holds(at(101)) && !lease.shows_public(at(101), Duration::MAX), "for good");
    }

    #[test]
    fn asks_without_answers_are_forgotten_at_a_limit() {
        let lease = Lease::none();
        for nonce in 0..=MAX_ASKED as u64 {
            lease.asking(ME, nonce, at(100));
        }
        lease.granted(&grant(ME, 0));
        assert!(!lease.holds(at(100)));
        lease.granted(&grant(ME, 1));
        assert!(lease.holds(at(100)));
    }

    /// One that is granted at this time, and then rests.
    fn held_from(seconds: u64) -> Lease {
        let lease = Lease::none();
        lease.mark_used(at(seconds).boot - IDLE_AFTER);
        lease.asking(ME, 1, at(seconds));
        lease.granted(&grant(ME, 1));
        lease
    }

    #[tokio::test]
    async fn the_first_use_after_a_rest_has_it_renewed_although_it_holds() {
        let lease = held_from(100);
        assert!(lease.holds(at(101)));
        lease.wanted().await;
        assert!(lease.holds(at(103)));
        let asked = tokio::time::timeout(Duration::ZERO, lease.wanted()).await;
        assert!(asked.is_err(), "it is used all the time: whoever renews it goes on by itself");
    }

    #[tokio::test]
    async fn whoever_finds_one_that_is_about_to_end_waits_for_the_next() {
        let lease = held_from(100);
        let clocks = Clocks::new(|| at(114));
        assert!(lease.wait(&clocks, Duration::ZERO).await, "better than none");
        let waiting = lease.wait(&clocks, Duration::from_secs(60));
        let renewing = async {
            lease.wanted().await;
            lease.asking(ME, 2, at(114));
            lease.granted(&grant(ME, 2));
        };
        assert!(tokio::join!(waiting, renewing).0);
        assert_eq!(lease.until(), Duration::from_secs(129));
    }

    #[tokio::test]
    async fn whoever_finds_none_asks_for_one_and_waits() {
        let lease = Lease::none();
        let clocks = Clocks::new(|| at(100));
        let waiting = {
            tokio::spawn({
                let (lease, clocks) = (lease.clone(), clocks.clone());
                async move { lease.wait(&clocks, Duration::from_secs(60)).await }
            })
        };
        lease.wanted().await;
        lease.asking(ME, 1, at(100));
        lease.granted(&grant(ME, 1));
        assert!(waiting.await.unwrap());
        assert!(!Lease::none().wait(&clocks, Duration::ZERO).await);
    }
}
