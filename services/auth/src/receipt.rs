//! The wait after a change: until every follower that still answers requests has applied it.
//!
//! Restricting changes return only then, or name who stayed silent; design section 4, R1 to R3. R4, the lease that lets
//! a silent follower lapse, enters here.

use std::time::Duration;

use feed::client::AccessView;
use feed::server::{Followers, RECEIPT_LIMIT};
use proto::feed::v1::Receipt;

/// Widening changes wait too, so that what was just given works, but not for long: nobody is endangered.
const WIDENING_LIMIT: Duration = Duration::from_secs(2);
/// Names this replica itself, should it be the one that has not applied the change.
const SELF: &str = "auth";

/// What a change does to what people may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Takes something away: it must be effective everywhere.
    Restricts,
    /// Gives something.
    Widens,
}

/// Takes receipts.
pub struct Receipts {
    view: AccessView,
    followers: Followers,
}

impl Receipts {
    pub fn new(view: AccessView, followers: Followers) -> Self {
        Self { view, followers }
    }

    /// Waits for the change at `seq`, which is committed. It cannot fail any more; it can only be late, and then the
    /// receipt says with whom.
    pub async fn take(&self, seq: u64, change: Change, limit: Duration) -> Receipt {
        let limit = match change {
            Change::Restricts => limit.min(RECEIPT_LIMIT),
            Change::Widens => limit.min(WIDENING_LIMIT),
        };
        // R2. Without it a follower that connects now could be given a snapshot from before the change.
        if self.view.wait_for(seq, limit).await.is_err() {
            let mut receipt = self.followers.await_known(seq, Duration::ZERO).await;
            receipt.silent.push(SELF.into());
            return receipt;
        }
        match change {
            Change::Widens => self.followers.await_known(seq, limit).await,
            Change::Restricts => {
                let receipt = self.followers.await_applied(seq, limit).await;
                if !receipt.silent.is_empty() {
                    tracing::warn!(seq, silent = ?receipt.silent, "a restricting change is not confirmed by all");
                }
                metrics::histogram!("auth_receipt_wait_seconds").record(receipt.waited_us as f64 / 1e6);
                metrics::counter!("auth_receipt_silent_total").increment(receipt.silent.len() as u64);
                receipt
            }
        }
    }
}
