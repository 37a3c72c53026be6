//! What the access feed is fed from: snapshots of auth's own table, and AUTHZ itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use eventlog::{Log, LogError, Record, Stream};
use feed::client::AccessView;
use feed::server::{Snapshot, Snapshots, Source, Step};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use proto::feed::v1::{AccessEvent, feed_item::Item};
use tonic::Status;

use crate::events;

/// AUTHZ as followers see it.
pub struct Authz {
    pub log: Arc<dyn Log>,
    pub view: AccessView,
    pub snapshots: Snapshots,
}

#[async_trait]
impl Source for Authz {
    fn epoch(&self) -> String {
        self.log.epoch(Stream::Authz)
    }

    async fn snapshot(&self, at_least: u64) -> Result<Arc<Snapshot>, Status> {
        self.snapshots.of(&self.view, at_least).await
    }

    fn tail(&self, from: u64) -> BoxStream<'static, Result<Step, Status>> {
        let records = self.log.tail(Stream::Authz, from);
        Box::pin(records.map(|record| record.map(step).map_err(unreadable)))
    }

    async fn reach(&self, seq: u64, limit: Duration) -> bool {
        self.view.wait_for(seq, limit).await.is_ok()
    }
}

/// A barrier decides nothing; followers hear that it has passed, and no more. Leases they hear of.
fn step(record: Record) -> Step {
    let seq = record.seq;
    // Followers know it already, or began while it was lost: which, nobody can say.
    let anew = record.is_put_back();
    if record.is_barrier() && record.envelope.lease.is_none() || anew {
        return Step { seq, items: vec![], anew };
    }
    let envelope = Some(events::for_followers(record.envelope));
    Step { seq, items: vec![Item::AccessEvent(AccessEvent { seq, envelope })], anew }
}

/// A log that cannot be read, for whoever follows it.
pub fn unreadable(error: LogError) -> Status {
    let mut status = Status::unavailable("the event log cannot be read here: connect again in a moment");
    status.set_source(Arc::new(error));
    status
}
