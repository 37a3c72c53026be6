//! A snapshot on its way in: parts are decoded beside each other and put together on a thread of their own while more of
//! them come, so that a million rows take about as long as the slowest of the three.

use bytes::Bytes;
use prost::Message as _;
use proto::feed::v1::{SnapshotEntry, SnapshotPart};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use super::link::Fault;

/// Rows of a snapshot, at most: more memory than a process has been given.
const MAX_SNAPSHOT_ENTRIES: u64 = 50_000_000;
/// Parts that are being decoded or wait to be put together.
const PARTS_AHEAD: usize = 16;

/// How rows are put together: the sequence they are of, and the rows.
pub(crate) type Build<B> =
    Box<dyn FnOnce(u64, &mut dyn Iterator<Item = SnapshotEntry>) -> Result<B, Fault> + Send>;

/// One part, decoded or about to be.
type Decoding = JoinHandle<Result<SnapshotPart, prost::DecodeError>>;

/// What the rows that have come so far are being made into.
pub(super) struct Restoring<B> {
    parts: mpsc::Sender<Decoding>,
    building: JoinHandle<(Result<B, Fault>, u64)>,
}

impl<B: Send + 'static> Restoring<B> {
    /// Begins with nothing.
    pub(super) fn begin(seq: u64, build: Build<B>) -> Self {
        let (parts, coming) = mpsc::channel(PARTS_AHEAD);
        let building = spawn_blocking(move || {
            let mut rows = Rows { coming, part: Vec::new().into_iter(), count: 0, torn: None };
            let built = build(seq, &mut rows);
            // Counted to the end, so that a row that makes no sense is told from a snapshot that is torn.
            rows.by_ref().for_each(drop);
            match rows.torn {
                Some(why) => (Err(Fault::Retry(why)), rows.count),
                None => (built, rows.count),
            }
        });
        Self { parts, building }
    }

    /// Takes the next part, and waits while too many are ahead.
    pub(super) async fn take(&mut self, part: Bytes) {
        let decoding = spawn_blocking(move || SnapshotPart::decode(part));
        // Nobody takes it if the building has failed already, which is told at the end.
        drop(self.parts.send(decoding).await);
    }

    /// Everything has come; so many rows were announced.
    pub(super) async fn end(self, announced: u64) -> Result<B, Fault> {
        let Self { parts, building } = self;
        drop(parts);
        let built = building.await.map_err(|broken| Fault::Retry(format!("a snapshot: {broken}")))?;
        match built {
            (built, count) if count == announced => built,
            (_, count) => Err(Fault::Retry(format!("a snapshot that is torn: {count} rows of {announced}"))),
        }
    }
}

/// The rows in the order in which they were sent, on the thread that puts them together.
struct Rows {
    coming: mpsc::Receiver<Decoding>,
    part: std::vec::IntoIter<SnapshotEntry>,
    count: u64,
    torn: Option<String>,
}

impl Iterator for Rows {
    type Item = SnapshotEntry;

    fn next(&mut self) -> Option<SnapshotEntry> {
        loop {
            if let Some(row) = self.part.next() {
                self.count += 1;
                if self.count > MAX_SNAPSHOT_ENTRIES {
                    self.torn = Some(format!("a snapshot of more than {MAX_SNAPSHOT_ENTRIES} rows"));
                    return None;
                }
                return Some(row);
            }
            let decoding = self.coming.blocking_recv()?;
            match Handle::current().block_on(decoding) {
                Ok(Ok(part)) => self.part = part.entries.into_iter(),
                Ok(Err(error)) => self.torn = Some(format!("a snapshot that cannot be read: {error}")),
                Err(broken) => self.torn = Some(format!("a snapshot: {broken}")),
            }
            if self.torn.is_some() {
                return None;
            }
        }
    }
}
