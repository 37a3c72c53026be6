//! R2 to R4: waits until nobody can act any more on less than a position, and says who confirmed it.

use std::collections::BTreeMap;
use std::time::Duration;

use proto::feed::v1::{Confirmation, Receipt};
use tokio::time::{Instant, sleep};

use super::holders::{Holders, Key, Live};
use crate::lease::{Moment, micros, outlived};

/// What is waited for.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// The change's place, which this replica has folded.
    pub seq: u64,
    /// t1: a moment after it was acknowledged.
    pub since: Moment,
    /// It hides what was public: whoever says nothing may show it for some time after its lease.
    pub hides: bool,
    /// How long the caller waits.
    pub limit: Duration,
}

/// Who has not confirmed yet.
type Pending = BTreeMap<Key, Live>;

/// Waits for it. `length` is that of the leases granted here; those of other replicas are known from their grants.
pub(super) async fn take(holders: &Holders, length: Duration, wanted: Wanted) -> Receipt {
    let clocks = holders.clocks();
    let asked_at = Instant::now();
    let mut receipt = Receipt { seq: wanted.seq, ..Receipt::default() };
    let mut changed = holders.subscribe();
    let mut pending = holders.live(wanted.seq, wanted.hides);
    let longest = pending.values().map(|live| live.length).max().unwrap_or_default().max(length);
    let latest = wanted.since.boot + outlived(longest);
    loop {
        changed.borrow_and_update();
        confirm(holders, &wanted, &mut pending, &mut receipt);
        let now = clocks.boot();
        let left = wanted.limit.saturating_sub(asked_at.elapsed());
        let last = pending.values().map(|live| lapse(&wanted, live, latest)).max().unwrap_or_default();
        if now >= last || left.is_zero() {
            break;
        }
        let wake = (last - now).min(left);
        tokio::select! {
            biased;
            // The table is held here, so the sender lives.
            _ = changed.changed() => {}
            () = sleep(wake) => {}
        }
    }
    close(&wanted, latest, clocks.now(), pending, &mut receipt);
    receipt
}

/// R4 of one process: when every lease of it from before the change has ended. Whoever died long before the change keeps
/// nobody waiting for as long as one that has just renewed. What hides something is waited for as long as it may be: whoever
/// still shows what was public may come back and confirm.
fn lapse(wanted: &Wanted, live: &Live, latest: Duration) -> Duration {
    if wanted.hides { latest } else { live.ends_at.min(latest) }
}

/// R3.
fn confirm(holders: &Holders, wanted: &Wanted, pending: &mut Pending, receipt: &mut Receipt) {
    let after_us = micros(holders.clocks().boot().saturating_sub(wanted.since.boot));
    pending.retain(|key, _| match holders.applied(key) {
        // It has taken leave: it answers no requests any more.
        None => false,
        Some(applied) if applied >= wanted.seq => {
            receipt.confirmed.push(Confirmation { follower: key.0.clone(), after_us });
            false
        }
        Some(_) => true,
    });
}

/// R4, or the caller's time is up.
fn close(wanted: &Wanted, latest: Duration, now: Moment, pending: Pending, receipt: &mut Receipt) {
    receipt.waited_us = micros(now.boot.saturating_sub(wanted.since.boot));
    // Whoever has nothing to report has a lease until then at most; what is public it may show for longer.
    let holds_at =
        pending.values().map(|live| if wanted.hides { live.acts_until } else { lapse(wanted, live, latest) });
    let holds_at = holds_at.max().unwrap_or(now.boot);
    if holds_at > now.boot {
        let left_us = i64::try_from((holds_at - now.boot).as_micros()).unwrap_or(i64::MAX);
        receipt.effective_by_us = Some(now.wall_us.saturating_add(left_us));
    }
    for ((name, _), live) in pending {
        let ended = now.boot >= lapse(wanted, &live, latest);
        if ended { receipt.lapsed.push(name) } else { receipt.silent.push(name) }
    }
}

#[cfg(test)]
mod tests;
