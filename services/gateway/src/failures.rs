//! Refused credentials, by address and by token. An address that fails too often is put off, whatever it shows next; a
//! token whose dead strings are shown too often is put off with these strings, from wherever they come.
//!
//! Guessing a token is hopeless anyway; this keeps passwords from being tried, and a broken client, or a farm of them with
//! one dead token, from drowning others. A string that is good is never put off for what others of its token do.

use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use runtime::Clock;

/// Failures in a row before whose they are is put off. A job with a dead token makes about ten an install.
pub(crate) const BURST: u32 = 300;

/// Time in which one failure is forgiven.
const FORGIVEN_AFTER: Duration = Duration::from_millis(500);

/// Addresses remembered, and as many tokens; the longest unseen goes first, which only ever forgives.
const MAX_KNOWN: u64 = 100_000;

/// Who has been quiet for as long has nothing left to forgive.
const QUIET: Duration = Duration::from_secs(300);

/// Failures by whose they are: an address, or a token.
pub(crate) struct Failures<K> {
    clock: Arc<dyn Clock>,
    counts: Cache<K, Arc<Mutex<Count>>>,
}

/// Failures that are not forgiven yet, as of a moment.
#[derive(Debug, Default)]
struct Count {
    failures: u32,
    at: Duration,
}

impl Count {
    /// Takes off what time has forgiven.
    fn forgive(&mut self, now: Duration) {
        let units = now.saturating_sub(self.at).as_nanos() / FORGIVEN_AFTER.as_nanos();
        let forgiven = u32::try_from(units).unwrap_or(u32::MAX);
        if forgiven >= self.failures {
            *self = Self { failures: 0, at: now };
        } else {
            self.failures -= forgiven;
            self.at += FORGIVEN_AFTER * forgiven;
        }
    }
}

impl<K: Hash + Eq + Copy + Send + Sync + 'static> Failures<K> {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        let counts = Cache::builder().max_capacity(MAX_KNOWN).time_to_idle(QUIET).build();
        Self { clock, counts }
    }

    /// Seconds until they are heard again, if they are put off.
    pub(crate) fn wait_s(&self, whose: Option<K>) -> Option<u32> {
        let count = self.counts.get(&whose?)?;
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        count.forgive(self.clock.boot());
        let over = (count.failures + 1).checked_sub(BURST)?;
        let wait = FORGIVEN_AFTER * over;
        (over > 0).then(|| u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX))
    }

    /// Counts one.
    pub(crate) fn note(&self, whose: Option<K>) {
        let Some(whose) = whose else { return };
        let count = self.counts.get_with(whose, Default::default);
        let mut count = count.lock().unwrap_or_else(PoisonError::into_inner);
        count.forgive(self.clock.boot());
        count.failures = count.failures.saturating_add(1).min(2 * BURST);
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use runtime::TestClock;
    use time::OffsetDateTime;

    #[test]
    fn the_limit_is_reached_by_the_last_of_the_burst_and_passes_with_time() {
        let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
        let failures = Failures::new(clock.clone());
        let (address, other) = (Some(IpAddr::from([192, 0, 2, 1])), Some(IpAddr::from([192, 0, 2, 2])));
        for _ in 1..BURST {
            failures.note(address);
        }
        assert_eq!(failures.wait_s(address), None);
        failures.note(address);
        assert_eq!(failures.wait_s(address), Some(1));
        assert_eq!((failures.wait_s(other), failures.wait_s(None)), (None, None));
        clock.advance(FORGIVEN_AFTER);
        assert_eq!(failures.wait_s(address), None);
    }

    #[test]
    fn no_more_are_remembered_than_the_limit_and_the_newest_among_them() {
        let failures = Failures::new(Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH)));
        for whose in 0..MAX_KNOWN + 1_000 {
            failures.note(Some(whose));
        }
        failures.counts.run_pending_tasks();
        assert!(failures.counts.entry_count() <= MAX_KNOWN, "{}", failures.counts.entry_count());
    }

    #[test]
    fn no_number_of_failures_shuts_an_address_out_for_long() {
        let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
        let failures = Failures::new(clock.clone());
        let address = Some(IpAddr::from([192, 0, 2, 1]));
        for _ in 0..10 * BURST {
            failures.note(address);
        }
        let wait_s = failures.wait_s(address).unwrap();
        assert!(wait_s <= 151, "{wait_s}");
        clock.advance(Duration::from_secs(wait_s.into()));
        assert_eq!(failures.wait_s(address), None);
    }
}
