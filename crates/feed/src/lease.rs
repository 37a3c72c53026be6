//! The lease protocol of the design, section 4: what both sides agree on.
//!
//! Only durations count, each by one process's own boot clock; no two clocks are compared. Nobody's clock is off by more
//! than one part in a thousand: that is what [`outlived`] allows for.

use std::sync::Arc;
use std::time::Duration;

/// D, where an operator has chosen nothing.
pub const LENGTH: Duration = Duration::from_secs(15);
/// The longest that a lease may be: so long may a revocation take while a gateway is cut off.
pub const LONGEST: Duration = Duration::from_secs(60);
/// The longest that P may be: how long what is public is shown after a lease was asked for, also when it has ended.
pub const LONGEST_PUBLIC: Duration = Duration::from_secs(86_400);
/// A process of which nobody wants anything for this long stops renewing.
pub const IDLE_AFTER: Duration = Duration::from_secs(60);
/// How long a request that finds no lease waits for one.
pub const WANT_LIMIT: Duration = Duration::from_secs(3);
/// A wall clock that moved by more than this against the boot clock has seen time that the boot clock has not.
pub const JUMP: Duration = Duration::from_secs(1);
/// What a replica adds before it forgets a lease that it saw granted.
pub(crate) const SLACK: Duration = Duration::from_secs(1);

/// D(1+3r): after this time by any clock a lease that was asked for before has ended by its holder's clock. The same of P.
pub fn outlived(length: Duration) -> Duration {
    length + length * 3 / 1000
}

/// How often a lease of this length is renewed: every two seconds of fifteen.
pub fn renewed_every(length: Duration) -> Duration {
    length * 2 / 15
}

/// How long a grant stands in the log, if whoever asked for it shows what is public for `public`: longer than anybody
/// acts on it, so that a replica that reads the log anew knows all who may.
pub fn expires_after(length: Duration, public: Duration) -> Duration {
    (length * 20).max(Duration::from_secs(300)).max((outlived(length) + outlived(public)) * 2)
}

/// Both clocks at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since the machine started, suspended time included.
    pub boot: Duration,
    /// Microseconds since 1970 UTC.
    pub wall_us: i64,
}

impl Moment {
    /// How far the wall clock is ahead of the boot clock, in microseconds.
    pub(crate) fn skew_us(self) -> i64 {
        self.wall_us.saturating_sub(i64::try_from(self.boot.as_micros()).unwrap_or(i64::MAX))
    }
}

/// Where a process takes the time from.
#[derive(Clone)]
pub struct Clocks(Arc<dyn Fn() -> Moment + Send + Sync>);

impl Clocks {
    /// From a function that reads both.
    pub fn new(now: impl Fn() -> Moment + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Both, now.
    pub fn now(&self) -> Moment {
        (self.0)()
    }

    /// The boot clock alone.
    pub fn boot(&self) -> Duration {
        self.now().boot
    }
}

impl std::fmt::Debug for Clocks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clocks")
    }
}

/// Microseconds, as clocks are kept in atomics.
pub(crate) fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
