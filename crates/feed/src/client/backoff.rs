//! How long to wait before the next try: longer each time, never above a limit, and spread so that followers which lost
//! one server do not all come back at once.

use std::time::Duration;

use uuid::Uuid;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Backoff {
    failures: u32,
    /// Where in each step this follower waits; its id is as random as it needs to be.
    seed: u64,
}

impl Backoff {
    pub(super) fn of(incarnation: Uuid) -> Self {
        let (high, low) = incarnation.as_u64_pair();
        Self { failures: 0, seed: high ^ low }
    }

    /// A connection worked: the next failure starts from the beginning.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// Between half of the step and all of it.
    pub(super) fn next(&mut self) -> Duration {
        let step = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        // splitmix64 by one step: enough to spread load.
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let spread = u32::from((mixed ^ (mixed >> 27)).to_be_bytes()[0]);
        step / 2 + step / 2 * spread / 255
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_start_anew_after_a_success() {
        let mut backoff = Backoff::of(Uuid::from_u128(7));
        for _ in 0..40 {
            let wait = backoff.next();
            assert!(wait >= FIRST / 2 && wait <= LONGEST, "{wait:?}");
        }
        assert!(backoff.next() >= LONGEST / 2);
        backoff.reset();
        assert!(backoff.next() <= FIRST);
    }
}
