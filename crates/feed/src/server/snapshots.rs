//! Snapshots of an access table, encoded once for whoever comes within a while.
//!
//! A snapshot names the log and the sequence it holds, and a follower goes on behind it: an older one costs a new
//! follower the few events since, and spares the server another walk over a million tokens.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;
use proto::feed::v1::{SnapshotEntry, SnapshotPart};
use tokio::sync::Mutex;
use tonic::Status;

use super::source::Snapshot;
use crate::client::AccessView;

/// Rows in one part of a snapshot.
const PART_ENTRIES: usize = 4_000;
/// Events that a new follower hears rather than that everything is encoded anew.
const BEHIND_MAX: u64 = 5_000;
/// How long an encoded snapshot is kept for the next follower: replicas are started one after the other.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// The last snapshot, while it is good.
#[derive(Default)]
pub struct Snapshots(Mutex<Weak<Snapshot>>);

impl Snapshots {
    /// A snapshot of a view that holds a sequence, which the view must have reached.
    pub async fn of(&self, view: &AccessView, at_least: u64) -> Result<Arc<Snapshot>, Status> {
        // Whoever comes while one is encoded waits for it.
        let mut last = self.0.lock().await;
        if let Some(kept) = last.upgrade()
            && kept.seq >= at_least
            && kept.seq + BEHIND_MAX >= view.seq()
        {
            return Ok(kept);
        }
        let view = view.clone();
        let encoding = move || view.read(|table| Snapshot::encode(table.seq(), table.entries()));
        let encoded = tokio::task::spawn_blocking(encoding).await;
        let snapshot = Arc::new(encoded.map_err(|broken| Status::internal(broken.to_string()))?);
        *last = Arc::downgrade(&snapshot);
        let kept = snapshot.clone();
        tokio::spawn(async move {
            tokio::time::sleep(KEPT_FOR).await;
            drop(kept);
        });
        Ok(snapshot)
    }
}

impl Snapshot {
    /// Rows as they travel.
    pub fn encode(seq: u64, rows: impl IntoIterator<Item = SnapshotEntry>) -> Self {
        let (mut rows, mut parts, mut entries) = (rows.into_iter(), Vec::new(), 0);
        loop {
            let part: Vec<_> = rows.by_ref().take(PART_ENTRIES).collect();
            if part.is_empty() {
                return Self { seq, parts, entries };
            }
            entries += part.len() as u64;
            parts.push(Bytes::from(SnapshotPart { entries: part }.encode_to_vec()));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[tokio::test]
    async fn a_snapshot_serves_whoever_comes_soon_and_does_not_want_more() {
        let (view, snapshots) = (AccessView::new(HashMap::new()), Snapshots::default());
        view.bookmark(7).unwrap();
        let first = snapshots.of(&view, 0).await.unwrap();
        assert_eq!((first.seq, first.entries, first.parts.len()), (7, 0, 0));
        view.bookmark(7 + BEHIND_MAX).unwrap();
        assert!(Arc::ptr_eq(&first, &snapshots.of(&view, 7).await.unwrap()));
        assert_eq!(snapshots.of(&view, 8).await.unwrap().seq, 7 + BEHIND_MAX, "it must hold what is wanted");
        view.bookmark(8 + 2 * BEHIND_MAX).unwrap();
        assert_eq!(snapshots.of(&view, 0).await.unwrap().seq, 8 + 2 * BEHIND_MAX, "too many events since");
    }

    #[test]
    fn rows_travel_in_parts() {
        for (rows, parts) in [(0, 0), (1, 1), (PART_ENTRIES, 1), (PART_ENTRIES + 1, 2)] {
            let snapshot = Snapshot::encode(3, vec![SnapshotEntry::default(); rows]);
            assert_eq!((snapshot.parts.len(), snapshot.entries), (parts, rows as u64));
        }
    }
}
