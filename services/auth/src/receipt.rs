//! The wait after a change: until nobody can act any more on what was before it. Design section 4, R1 to R4.
//!
//! A restricting change returns when everybody who held a lease from before it has applied it, or can hold none any more.

use std::time::Duration;

use feed::client::AccessView;
use feed::lease::{LONGEST, LONGEST_PUBLIC, outlived};
use feed::server::{Leased, RECEIPT_LIMIT, Wanted};
use proto::feed::v1::Receipt;

/// Widening changes wait too, so that what was just given works, but not for long: nobody is endangered.
const WIDENING_LIMIT: Duration = Duration::from_secs(2);
/// Names this replica itself, should it be the one that has not applied the change.
const SELF: &str = "auth";

/// What a change does to what people may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Takes something away from whoever shows a credential: it must be effective everywhere.
    Restricts,
    /// Takes something away from everybody.
    Hides,
    /// Gives something.
    Widens,
}

/// Takes receipts.
pub struct Receipts {
    view: AccessView,
    leased: Leased,
}

impl Receipts {
    pub fn new(view: AccessView, leased: Leased) -> Self {
        Self { view, leased }
    }

    /// Waits for the change at `seq`, which is committed (R1). It cannot fail any more; it can only be late, and then the
    /// receipt says with whom, and by when it holds all the same. No time at all is the mode COMMITTED.
    pub async fn take(&self, seq: u64, change: Change, limit: Duration) -> Receipt {
        // t1: it was acknowledged before.
        let since = self.leased.holders().clocks().now();
        let limit = match change {
            Change::Restricts | Change::Hides => limit.min(RECEIPT_LIMIT),
            Change::Widens => limit.min(WIDENING_LIMIT),
        };
        let hides = change == Change::Hides;
        let receipt = match self.view.wait_for(seq, limit).await {
            // R2: every grant from before it is known here.
            Ok(_) => self.leased.receipt(Wanted { seq, since, hides, limit }).await,
            Err(_) => unknown(seq, since, hides),
        };
        if change != Change::Widens {
            note(&receipt);
        }
        receipt
    }
}

/// This replica has not folded the change itself: who holds a lease is not known here, only how long any may.
fn unknown(seq: u64, since: feed::lease::Moment, hides: bool) -> Receipt {
    let longest = outlived(if hides { LONGEST_PUBLIC } else { LONGEST });
    let longest_us = i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
    let effective_by_us = Some(since.wall_us.saturating_add(longest_us));
    Receipt { seq, silent: vec![SELF.into()], effective_by_us, ..Receipt::default() }
}

fn note(receipt: &Receipt) {
    let Receipt { seq, silent, lapsed, .. } = receipt;
    if !silent.is_empty() {
        tracing::warn!(seq, ?silent, "a restricting change is not confirmed by all");
    }
    if !lapsed.is_empty() {
        tracing::warn!(seq, ?lapsed, "a restricting change has waited for leases to end");
    }
    metrics::histogram!("auth_receipt_wait_seconds").record(receipt.waited_us as f64 / 1e6);
    metrics::counter!("auth_receipt_silent_total").increment(silent.len() as u64);
    metrics::counter!("auth_receipt_lapsed_total").increment(lapsed.len() as u64);
}
