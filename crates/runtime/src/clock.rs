//! Two clocks. The wall clock dates what happened; the boot clock measures how long it is ago.
//!
//! Durations are never taken from the wall clock, which may be set, nor from a clock that stops while
//! the machine sleeps: a lease that outlived a suspended laptop would be a breach.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use time::OffsetDateTime;

/// Where a service takes the time from.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock, in UTC.
    fn now(&self) -> OffsetDateTime;

    /// Time since the machine started, suspended time included (CLOCK_BOOTTIME).
    fn boot(&self) -> Duration;
}

/// The machine's own clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::now_utc()
    }

    fn boot(&self) -> Duration {
        let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME)
            .expect("Linux has had CLOCK_BOOTTIME since 2.6.39");
        Duration::from(time)
    }
}

/// Clocks that stand still until a test moves them.
#[derive(Debug)]
pub struct TestClock(Mutex<(OffsetDateTime, Duration)>);

impl TestClock {
    /// Stands at `now`; the machine has been up for an hour.
    pub fn at(now: OffsetDateTime) -> Self {
        Self(Mutex::new((now, Duration::from_secs(3600))))
    }

    /// Moves both clocks forward.
    pub fn advance(&self, by: Duration) {
        let mut times = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        times.0 += by;
        times.1 += by;
    }

    /// Sets the wall clock and leaves the boot clock alone, as an administrator does.
    pub fn set(&self, now: OffsetDateTime) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0 = now;
    }
}

impl Clock for TestClock {
    fn now(&self) -> OffsetDateTime {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn boot(&self) -> Duration {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clocks_move_forward() {
        let clock = SystemClock;
        let (now, boot) = (clock.now(), clock.boot());
        assert!(clock.now() >= now && clock.boot() >= boot);
        assert!(now.year() >= 2026, "the machine's clock is set wrong: {now}");
    }

    #[test]
    fn setting_the_wall_clock_leaves_durations_alone() {
        let clock = TestClock::at(OffsetDateTime::UNIX_EPOCH);
        clock.advance(Duration::from_secs(5));
        let boot = clock.boot();
        clock.set(OffsetDateTime::UNIX_EPOCH);
        assert_eq!((clock.now(), clock.boot()), (OffsetDateTime::UNIX_EPOCH, boot));
    }
}
