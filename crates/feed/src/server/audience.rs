//! Who follows a feed, and what becomes of what they report.

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;
use proto::feed::v1::{AwaitAppliedRequest, Receipt, RenewRequest};
use tonic::Status;
use uuid::Uuid;

use super::followers::TooManyFollowers;

/// The followers of one feed.
#[async_trait]
pub trait Audience: Send + Sync + 'static {
    /// One connection.
    type Seat: Seat;

    /// Registers a connection of a process of this release.
    fn join(&self, name: &str, incarnation: Uuid, version: &str) -> Result<Self::Seat, TooManyFollowers>;

    /// Waits until whoever may still act on less has applied something, at most for `limit`.
    async fn await_applied(&self, wanted: AwaitAppliedRequest, limit: Duration) -> Receipt;

    /// G2: gives a lease; returns when the grant stands in the log. Who asks has been checked.
    async fn renew(&self, ask: RenewRequest) -> Result<u64, Status>;
}

/// One connection of a follower. Dropped without leave, it is cut off.
pub trait Seat: Debug + Send + Sync + 'static {
    /// G5: everything up to `seq` is visible to every thread of the follower.
    fn applied(&self, seq: u64);

    /// G6: the process is ending and answers no requests any more.
    fn leave(self);
}
