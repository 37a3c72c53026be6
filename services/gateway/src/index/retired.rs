//! Shards that are not in the index any more. A client that read the index just before an upload asks for them: one
//! 404 ends rattler's solve, so they stay for a week (CEP 16), within a limit of memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runtime::Clock;

use crate::render::shards::Shard;

/// How long a replaced shard can still be fetched.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Bytes of replaced shards in one subdir, the oldest go first.
const BYTES_MAX: usize = 32 * 1024 * 1024;

pub(crate) struct Retired {
    clock: Arc<dyn Clock>,
    /// Oldest first, each with the boot time at which it ends.
    shards: Mutex<VecDeque<(Duration, Shard)>>,
}

impl Retired {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, shards: Mutex::default() }
    }

    pub(crate) fn keep(&self, shard: Shard) {
        let now = self.clock.boot();
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        shards.retain(|(until, other)| *until > now && other.hash != shard.hash);
        shards.push_back((now + KEPT_FOR, shard));
        while total_bytes(&shards) > BYTES_MAX {
            shards.pop_front();
        }
    }

    pub(crate) fn find(&self, hash: &[u8; 32]) -> Option<Shard> {
        let now = self.clock.boot();
        let shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        shards
            .iter()
            .find(|(until, shard)| *until > now && shard.hash == *hash)
            .map(|(_, shard)| shard.clone())
    }

    pub(crate) fn weight_bytes(&self) -> usize {
        total_bytes(&self.shards.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn total_bytes(shards: &VecDeque<(Duration, Shard)>) -> usize {
    shards.iter().map(|(_, shard)| size_of::<(Duration, Shard)>() + shard.bytes.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use runtime::TestClock;
    use time::OffsetDateTime;

    fn shard(name: u8, bytes: usize) -> Shard {
        Shard { hash: [name; 32], bytes: vec![0; bytes].into(), last_modified: None }
    }

    #[test]
    fn a_replaced_shard_is_found_for_seven_days() {
        let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
        let retired = Retired::new(clock.clone());
        retired.keep(shard(1, 10));
        clock.advance(KEPT_FOR - Duration::from_secs(1));
        assert!(retired.find(&[1; 32]).is_some());
        clock.advance(Duration::from_secs(1));
        assert!(retired.find(&[1; 32]).is_none());
    }

    #[test]
    fn the_oldest_goes_when_memory_is_full() {
        let retired = Retired::new(Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH)));
        for name in 1..=3 {
            retired.keep(shard(name, BYTES_MAX / 2 - 1000));
        }
        assert!(retired.find(&[1; 32]).is_none());
        assert!(retired.find(&[2; 32]).is_some() && retired.find(&[3; 32]).is_some());
    }
}
