//! Shards that are not in the index any more. A client that read the index just before an upload asks for them: one
//! 404 ends rattler's solve, so they stay for a week (CEP 16), within a limit of memory. Each is remembered with the
//! package it showed: only who may see that package may have it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use names::PackageId;
use runtime::Clock;

use crate::render::shards::Shard;

/// How long a replaced shard can still be fetched.
const KEPT_FOR: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Bytes of replaced shards in one subdir, the oldest go first.
const BYTES_MAX: usize = 32 * 1024 * 1024;

pub(crate) struct Retired {
    clock: Arc<dyn Clock>,
    /// Oldest first, each with the boot time at which it ends.
    shards: Mutex<VecDeque<(Duration, Old)>>,
}

/// A shard and the package it was of.
#[derive(Clone)]
pub(crate) struct Old {
    pub(crate) name: Box<str>,
    pub(crate) id: PackageId,
    pub(crate) shard: Shard,
}

impl Retired {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, shards: Mutex::default() }
    }

    pub(crate) fn keep(&self, old: Old) {
        let now = self.clock.boot();
        let mut shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        shards.retain(|(until, other)| *until > now && !other.is_same(&old));
        shards.push_back((now + KEPT_FOR, old));
        while total_bytes(&shards) > BYTES_MAX {
            shards.pop_front();
        }
    }

    /// The shard, once for each package that had it.
    pub(crate) fn find(&self, hash: &[u8; 32]) -> Vec<Old> {
        let now = self.clock.boot();
        let shards = self.shards.lock().unwrap_or_else(PoisonError::into_inner);
        let found = shards.iter().filter(|(until, old)| *until > now && old.shard.hash == *hash);
        found.map(|(_, old)| old.clone()).collect()
    }

    pub(crate) fn weight_bytes(&self) -> usize {
        total_bytes(&self.shards.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Old {
    fn is_same(&self, other: &Self) -> bool {
        (self.id, self.shard.hash) == (other.id, other.shard.hash)
    }
}

fn total_bytes(shards: &VecDeque<(Duration, Old)>) -> usize {
    shards
        .iter()
        .map(|(_, old)| size_of::<(Duration, Old)>() + old.name.len() + old.shard.document.bytes.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Rendered;
    use runtime::TestClock;
    use time::OffsetDateTime;

    fn shard(name: u8, bytes: usize) -> Old {
        let document = Rendered::tagged("", &[name; 32], vec![0; bytes], None);
        let shard = Shard { hash: [name; 32], document: Arc::new(document) };
        Old { name: "a".into(), id: PackageId(uuid::Uuid::nil()), shard }
    }

    #[test]
    fn a_replaced_shard_is_found_for_seven_days() {
        let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
        let retired = Retired::new(clock.clone());
        retired.keep(shard(1, 10));
        clock.advance(KEPT_FOR - Duration::from_secs(1));
        assert_eq!(retired.find(&[1; 32]).len(), 1);
        clock.advance(Duration::from_secs(1));
        assert!(retired.find(&[1; 32]).is_empty());
    }

    #[test]
    fn the_oldest_goes_when_memory_is_full() {
        let retired = Retired::new(Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH)));
        for name in 1..=3 {
            retired.keep(shard(name, BYTES_MAX / 2 - 1000));
        }
        assert!(retired.find(&[1; 32]).is_empty());
        assert_eq!((retired.find(&[2; 32]).len(), retired.find(&[3; 32]).len()), (1, 1));
    }
}
