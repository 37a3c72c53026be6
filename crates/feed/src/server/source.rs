//! What a feed is fed from.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use proto::feed::v1::feed_item::Item;
use tonic::Status;

/// Everything that was decided up to a sequence, as rows in the form in which they travel.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// Everything up to here is in it, nothing later.
    pub seq: u64,
    /// The rows, encoded; none for a feed whose followers start with nothing.
    pub parts: Vec<Bytes>,
    /// How many rows there are.
    pub entries: u64,
}

/// What the log holds at one sequence.
#[derive(Debug)]
pub struct Step {
    /// Where.
    pub seq: u64,
    /// What followers hear of it; empty for what does not concern them.
    pub items: Vec<Item>,
    /// What followers know cannot be mended by hearing more: they get a snapshot that holds this sequence.
    pub anew: bool,
}

/// A log as its followers are to see it. Auth has one over AUTHZ, catalog one over CATALOG.
#[async_trait]
pub trait Source: Send + Sync + 'static {
    /// The log's identity.
    fn epoch(&self) -> String;

    /// What a new follower starts from. It holds a sequence that this replica has reached, and may be a little older
    /// than what the replica knows.
    async fn snapshot(&self, at_least: u64) -> Result<Arc<Snapshot>, Status>;

    /// Every step from a sequence on, in order, without end.
    fn tail(&self, from: u64) -> BoxStream<'static, Result<Step, Status>>;

    /// Waits until this replica itself knows everything up to `seq`: snapshots taken from then on contain it. False
    /// after `limit`.
    async fn reach(&self, seq: u64, limit: Duration) -> bool;
}
