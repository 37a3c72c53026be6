//! A snapshot on its way in: parts are decoded and their rows read beside each other, and put together on a thread of
//! their own while more of them come, so that a million rows take about as long as the slowest of the three.

use bytes::Bytes;
use prost::Message as _;
use proto::feed::v1::{SnapshotEntry, SnapshotPart, SnapshotStart};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, spawn_blocking};

use super::link::Fault;

/// Rows of a snapshot, at most: more memory than a process has been given.
const MAX_SNAPSHOT_ENTRIES: u64 = 50_000_000;
/// Rows that room is made for before they come, at most.
const MAX_EXPECTED: u64 = 4_000_000;
/// Parts that are being read or wait to be put together.
const PARTS_AHEAD: usize = 16;

/// How rows are put together.
pub(crate) type Build<R, B> =
    Box<dyn FnOnce(Snapshot, &mut dyn Iterator<Item = R>) -> Result<B, Fault> + Send>;

/// What is known of a snapshot before its rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Snapshot {
    /// The sequence it is of.
    pub(crate) seq: u64,
    /// How many rows are to come, within what is bearable; zero if nobody said.
    pub(crate) expected: usize,
}

/// One part, read or about to be.
type Reading<R> = JoinHandle<Result<Vec<R>, prost::DecodeError>>;

/// What the rows that have come so far are being made into.
pub(super) struct Restoring<R, B> {
    parts: mpsc::Sender<Reading<R>>,
    building: JoinHandle<(Result<B, Fault>, u64)>,
}

impl<R: From<SnapshotEntry> + Send + 'static, B: Send + 'static> Restoring<R, B> {
    /// Begins with nothing.
    pub(super) fn begin(start: &SnapshotStart, build: Build<R, B>) -> Self {
        let (parts, coming) = mpsc::channel(PARTS_AHEAD);
        let expected = start.entries.min(MAX_EXPECTED);
        let start = Snapshot { seq: start.seq, expected: usize::try_from(expected).unwrap_or(0) };
        let building = spawn_blocking(move || {
            let mut rows = Rows { coming, part: Vec::new().into_iter(), count: 0, torn: None };
            let built = build(start, &mut rows);
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
        let reading = spawn_blocking(move || {
            Ok(SnapshotPart::decode(part)?.entries.into_iter().map(R::from).collect())
        });
        // Nobody takes it if the building has failed already, which is told at the end.
        drop(self.parts.send(reading).await);
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
struct Rows<R> {
    coming: mpsc::Receiver<Reading<R>>,
    part: std::vec::IntoIter<R>,
    count: u64,
    torn: Option<String>,
}

impl<R> Iterator for Rows<R> {
    type Item = R;

    fn next(&mut self) -> Option<R> {
        loop {
            if let Some(row) = self.part.next() {
                self.count += 1;
                if self.count > MAX_SNAPSHOT_ENTRIES {
                    self.torn = Some(format!("a snapshot of more than {MAX_SNAPSHOT_ENTRIES} rows"));
                    return None;
                }
                return Some(row);
            }
            let reading = self.coming.blocking_recv()?;
            match Handle::current().block_on(reading) {
                Ok(Ok(part)) => self.part = part.into_iter(),
                Ok(Err(error)) => self.torn = Some(format!("a snapshot that cannot be read: {error}")),
                Err(broken) => self.torn = Some(format!("a snapshot: {broken}")),
            }
            if self.torn.is_some() {
                return None;
            }
        }
    }
}
