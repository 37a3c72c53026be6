//! What one transaction applies, and how far it comes.

use eventlog::Stream;

use crate::project::Entry;

/// Events in one transaction; beyond it latency grows and nothing is gained.
pub(crate) const BATCH_EVENTS: usize = 500;
/// Bytes in one transaction: 500 of the largest envelopes would be 128 MiB.
const BATCH_BYTES: usize = 16 << 20;

/// What one transaction applies.
#[derive(Default)]
pub(crate) struct Batch {
    pub(crate) entries: Vec<Entry>,
    /// Where the checkpoints stand before it.
    pub(crate) from: Positions,
    /// Where they stand after it.
    pub(crate) to: Positions,
    bytes: usize,
}

impl Batch {
    /// Leaves out an AUTHZ event that cannot be applied and all that follows it, so that what came before can be.
    pub(crate) fn cut_before(&mut self, seq: u64) {
        let before = |entry: &Entry| entry.stream == Stream::Authz && entry.record.seq < seq;
        self.entries.retain(before);
        let last = self.entries.last().map_or(self.from.authz, |entry| entry.record.seq);
        self.to = Positions { authz: last, ..self.from };
    }

    /// Without an event yet: where only the positions move, there were barriers.
    pub(crate) fn moving(from: Positions, to: Positions) -> Self {
        Self { from, to, ..Self::default() }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.entries.len() >= BATCH_EVENTS || self.bytes >= BATCH_BYTES
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.bytes += entry.record.raw.len();
        *self.to.of_mut(entry.stream) = entry.record.seq;
        self.entries.push(entry);
    }
}

/// The last sequence of each stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Positions {
    pub(crate) authz: u64,
    pub(crate) catalog: u64,
}

impl Positions {
    pub(crate) fn of(&self, stream: Stream) -> u64 {
        match stream {
            Stream::Authz => self.authz,
            Stream::Catalog => self.catalog,
        }
    }

    pub(crate) fn of_mut(&mut self, stream: Stream) -> &mut u64 {
        match stream {
            Stream::Authz => &mut self.authz,
            Stream::Catalog => &mut self.catalog,
        }
    }
}

impl From<&readmodel::Checkpoints> for Positions {
    fn from(checkpoints: &readmodel::Checkpoints) -> Self {
        Self { authz: checkpoints.authz.seq, catalog: checkpoints.catalog.seq }
    }
}
