//! Where ids and secret bytes come from: UUID v7 and the system's random source.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ring::rand::{SecureRandom, SystemRandom};
use uuid::{Builder, Uuid};

use crate::Clock;

/// Makes ids and random bytes.
pub trait Ids: Send + Sync + 'static {
    /// A new id (UUID v7), never given before.
    fn uuid(&self) -> Uuid;

    /// Fills the buffer with bytes nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

/// The real source: time from the clock, the rest from the operating system.
pub struct RandomIds {
    clock: Arc<dyn Clock>,
    random: SystemRandom,
}

impl RandomIds {
    /// Takes the clock that stamps the ids.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, random: SystemRandom::new() }
    }
}

impl Ids for RandomIds {
    fn uuid(&self) -> Uuid {
        let random = DRAWN.with_borrow_mut(|drawn| drawn.next(|bytes| self.fill(bytes)));
        let now = self.clock.now();
        let millis = now.unix_timestamp() * 1_000 + i64::from(now.millisecond());
        let millis = u64::try_from(millis).unwrap_or(0);
        Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness every secret made from here on would be guessable: stopping is right.
        self.random.fill(bytes).expect("the operating system gives random bytes");
    }
}

/// The random half of an id.
const ID_BYTES: usize = 10;
/// Ids for which randomness is drawn at once. They need to differ and are no secrets; every request has one, and asking
/// the operating system for each costs as much as deciding on the request.
const DRAWN_IDS: usize = 64;

thread_local! {
    static DRAWN: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; ID_BYTES * DRAWN_IDS], left: 0 }) };
}

/// Randomness for the next ids of one thread, each part of which is given once.
struct Drawn {
    bytes: [u8; ID_BYTES * DRAWN_IDS],
    left: usize,
}

impl Drawn {
    fn next(&mut self, fill: impl FnOnce(&mut [u8])) -> [u8; ID_BYTES] {
        if self.left == 0 {
            fill(&mut self.bytes);
            self.left = DRAWN_IDS;
        }
        self.left -= 1;
        *self.bytes[self.left * ID_BYTES..].first_chunk().expect("so many were drawn")
    }
}

/// Predictable ids for tests: each is one more than the one before.
#[derive(Debug, Default)]
pub struct CountingIds(AtomicU64);

impl CountingIds {
    /// Counts from one.
    pub fn new() -> Self {
        Self::default()
    }

    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed) + 1
    }
}

impl Ids for CountingIds {
    fn uuid(&self) -> Uuid {
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.next().to_be_bytes());
        Builder::from_unix_timestamp_millis(0, &random).into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) {
        // Every chunk differs, so that two secrets made in one test are never the same.
        for chunk in bytes.chunks_mut(8) {
            let count = self.next().to_le_bytes();
            chunk.copy_from_slice(&count[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TestClock;
    use std::time::Duration;
    use time::OffsetDateTime;

    #[test]
    fn ids_are_version_7_and_sort_by_time() {
        let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
        let ids = RandomIds::new(clock.clone());
        let first = ids.uuid();
        clock.advance(Duration::from_millis(1));
        let second = ids.uuid();
        assert_eq!(first.get_version_num(), 7);
        assert!(first < second);
    }

    #[test]
    fn no_two_ids_are_alike_however_many_are_drawn() {
        let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
        let ids = RandomIds::new(clock);
        let made: std::collections::HashSet<_> = (0..3 * DRAWN_IDS).map(|_| ids.uuid()).collect();
        assert_eq!(made.len(), 3 * DRAWN_IDS);
    }

    #[test]
    fn counted_ids_differ_and_repeat_in_a_new_source() {
        let (ids, again) = (CountingIds::new(), CountingIds::new());
        let (first, second) = (ids.uuid(), ids.uuid());
        assert_ne!(first, second);
        assert_eq!((again.uuid(), again.uuid()), (first, second));
        assert_eq!(first.get_version_num(), 7);
    }
}
