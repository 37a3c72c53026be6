//! Two registries that tell each other, without a network.

use std::sync::atomic::{AtomicU64, Ordering};

use super::super::audience::Seat as _;
use super::*;

const LIMIT: Duration = Duration::from_secs(1);

/// Two replicas' registries, and their clock in seconds.
fn replicas() -> ([Followers; 2], Arc<AtomicU64>) {
    let (all, seconds) = strangers();
    join(&all);
    (all, seconds)
}

fn strangers() -> ([Followers; 2], Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(0));
    let registry =
        |clock: Arc<AtomicU64>| Followers::new(move || Duration::from_secs(clock.load(Ordering::Relaxed)));
    ([registry(seconds.clone()), registry(seconds.clone())], seconds)
}

fn join(all: &[Followers; 2]) {
    for (from, to) in [(0, 1), (1, 0)] {
        let (own, other) = (all[from].clone(), all[to].clone());
        // A replica hears itself too.
        all[from].tell_through(Arc::new(move |report: Report| {
            let read = Report::parse(report.encode().into()).unwrap();
            assert_eq!(read, report);
            other.hear(read);
            own.heard(&report);
        }));
    }
}

async fn silent(of: &Followers, seq: u64) -> Vec<String> {
    of.await_applied(seq, LIMIT).await.silent
}

#[tokio::test(start_paused = true)]
async fn a_receipt_of_one_replica_waits_for_the_followers_of_the_other() {
    let ([one, two], _) = replicas();
    let here = one.join("gateway-1", Uuid::from_u128(1)).unwrap();
    let there = two.join("gateway-2", Uuid::from_u128(2)).unwrap();
    here.applied(7);
    assert_eq!(silent(&one, 7).await, ["gateway-2"]);
    there.applied(7);
    assert_eq!((silent(&one, 7).await, silent(&two, 7).await), (vec![], vec![]));
    assert_eq!(one.standing().len(), 1, "each replica shows its own");
    there.leave();
    assert_eq!(silent(&one, 8).await, ["gateway-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_of_another_replica_counts_for_as_long_as_it_is_told_of() {
    let ([one, two], seconds) = replicas();
    let there = two.join("gateway-2", Uuid::from_u128(2)).unwrap();
    for second in [LOST_AFTER.as_secs() - 1, LOST_AFTER.as_secs() + 5] {
        seconds.store(second, Ordering::Relaxed);
        two.tell_all();
        assert_eq!(silent(&one, 7).await, ["gateway-2"]);
    }
    drop(there);
    seconds.fetch_add(LOST_AFTER.as_secs() - 1, Ordering::Relaxed);
    two.tell_all();
    assert_eq!(silent(&one, 7).await, ["gateway-2"], "it may answer requests from what it knew");
    seconds.fetch_add(1, Ordering::Relaxed);
    assert_eq!(silent(&one, 7).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_changes_replica_is_waited_for_once() {
    let ([one, two], _) = replicas();
    drop(one.join("gateway", Uuid::from_u128(1)).unwrap());
    let there = two.join("gateway", Uuid::from_u128(1)).unwrap();
    there.applied(7);
    for registry in [&one, &two] {
        let receipt = registry.await_applied(7, LIMIT).await;
        assert_eq!((receipt.confirmed.len(), receipt.silent), (1, vec![]));
    }
    assert!(one.standing().is_empty(), "it follows the other now");
    let back = one.join("gateway", Uuid::from_u128(1)).unwrap();
    assert_eq!(one.connected(), 1);
    drop(there);
    assert_eq!(one.connected(), 1, "its old connection ends late");
    back.applied(8);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_begins_is_told_of_everybody() {
    let (all, seconds) = strangers();
    let _here = all[0].join("gateway", Uuid::from_u128(1)).unwrap();
    assert_eq!(silent(&all[1], 7).await, Vec::<String>::new());
    join(&all);
    assert_eq!(silent(&all[1], 7).await, ["gateway"]);
    seconds.store(LOST_AFTER.as_secs(), Ordering::Relaxed);
    assert_eq!(silent(&all[1], 7).await, Vec::<String>::new());
    all[0].hear(Report::question());
    assert_eq!(silent(&all[1], 7).await, ["gateway"]);
}
