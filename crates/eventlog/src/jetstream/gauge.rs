//! How full a stream is, without asking the server at every append.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;

/// Beyond this share of the size only restricting events are appended.
const KEPT_FOR_REVOKING: (u64, u64) = (9, 10);
/// From this share on the server is asked before every append, as other writers fill the stream too.
const WATCHED: (u64, u64) = (8, 10);
/// Below it, an answer is good for this long.
const GOOD_FOR: Duration = Duration::from_secs(10);
/// Below it, an answer is good for this share of the size.
const GOOD_FOR_SHARE: u64 = 100;

/// The fill of one stream as last told, and what was appended here since.
pub(super) struct Gauge {
    max_bytes: u64,
    seen: Mutex<Seen>,
}

struct Seen {
    bytes: u64,
    since: u64,
    at: Instant,
}

impl Gauge {
    /// A stream without a size is never full.
    pub(super) fn new(max_bytes: i64, bytes: u64) -> Self {
        let max_bytes = u64::try_from(max_bytes).ok().filter(|max| *max > 0).unwrap_or(u64::MAX);
        Self { max_bytes, seen: Mutex::new(Seen { bytes, since: 0, at: Instant::now() }) }
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().expect("no holder of this lock panics")
    }

    /// Counts what was appended here.
    pub(super) fn add(&self, bytes: usize) {
        self.seen().since += bytes as u64;
    }

    /// Takes over what the server says.
    pub(super) fn set(&self, bytes: u64) {
        *self.seen() = Seen { bytes, since: 0, at: Instant::now() };
    }

    /// True if the server should be asked.
    pub(super) fn is_stale(&self) -> bool {
        let seen = self.seen();
        seen.bytes + seen.since >= share(self.max_bytes, WATCHED)
            || seen.since >= self.max_bytes / GOOD_FOR_SHARE
            || seen.at.elapsed() >= GOOD_FOR
    }

    /// True if only restricting events may be appended.
    pub(super) fn is_nearly_full(&self) -> bool {
        let seen = self.seen();
        seen.bytes + seen.since >= share(self.max_bytes, KEPT_FOR_REVOKING)
    }

    /// How full the stream is, in per mille.
    pub(super) fn per_mille(&self) -> u32 {
        let seen = self.seen();
        let filled = (seen.bytes + seen.since) / (self.max_bytes / 1_000).max(1);
        u32::try_from(filled).unwrap_or(u32::MAX)
    }
}

fn share(whole: u64, (part, of): (u64, u64)) -> u64 {
    whole / of * part
}
