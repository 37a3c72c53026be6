//! Receipts from a table of holders without a network, by a clock that only the test's own waits move.

use proto::event::v1::{Lease, LeaseGranted, LeaseLeft};
use uuid::Uuid;

use super::*;
use crate::lease::{Clocks, LENGTH, SLACK};

const PUBLIC: Duration = Duration::from_secs(600);
const LIMIT: Duration = Duration::from_secs(60);

/// Follows tokio's clock, which the tests have paused.
fn holders() -> Holders {
    let start = Instant::now();
    Holders::new(Clocks::new(move || {
        let boot = Duration::from_secs(1_000) + start.elapsed();
        Moment { boot, wall_us: i64::try_from(boot.as_micros()).unwrap() }
    }))
}

fn process(name: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes())
}

fn grant(holders: &Holders, seq: u64, names: &[&str]) {
    let granted = |name: &&str| LeaseGranted {
        holder: (*name).into(),
        incarnation: process(name).as_bytes().to_vec(),
        nonce: seq,
        public_ms: u32::try_from(PUBLIC.as_millis()).unwrap(),
    };
    let granted = names.iter().map(granted).collect();
    holders.fold(seq, &Lease { granted, left: vec![], length_ms: 15_000 });
}

async fn receipt(holders: &Holders, seq: u64, hides: bool, limit: Duration) -> Receipt {
    let since = holders.clocks().now();
    take(holders, LENGTH, Wanted { seq, since, hides, limit }).await
}

fn names(receipt: &Receipt) -> Vec<&str> {
    receipt.confirmed.iter().map(|one| one.follower.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn whoever_holds_a_lease_from_before_is_waited_for_and_nobody_else() {
    let holders = holders();
    grant(&holders, 3, &["one", "two"]);
    grant(&holders, 9, &["late"]);
    holders.heard("one", process("one"), 7);
    holders.heard("stranger", process("stranger"), 1);
    let waiting = {
        let holders = holders.clone();
        tokio::spawn(async move { receipt(&holders, 7, false, LIMIT).await })
    };
    tokio::task::yield_now().await;
    holders.heard("two", process("another life of two"), 99);
    holders.heard("two", process("two"), 6);
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    holders.heard("two", process("two"), 8);
    let receipt = waiting.await.unwrap();
    assert_eq!(names(&receipt), ["one", "two"]);
    assert_eq!((receipt.effective_by_us, receipt.silent.len(), receipt.lapsed.len()), (None, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_waited_for_until_its_lease_has_ended() {
    let holders = holders();
    grant(&holders, 3, &["dead"]);
    let start = Instant::now();
    let receipt = receipt(&holders, 7, false, LIMIT).await;
    assert_eq!((receipt.lapsed, receipt.effective_by_us), (vec!["dead".to_owned()], None));
    let waited = start.elapsed();
    assert!(
        waited >= outlived(LENGTH) && waited < outlived(LENGTH) + Duration::from_millis(10),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_has_ended_holds_nobody_up() {
    let holders = holders();
    grant(&holders, 3, &["dead"]);
    tokio::time::advance(outlived(LENGTH) + Duration::from_secs(2)).await;
    let start = Instant::now();
    assert_eq!(receipt(&holders, 7, false, LIMIT).await.waited_us, 0);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

/// If this fails: the second revocation after a gateway's death waits as long as the first.
#[tokio::test(start_paused = true)]
async fn a_death_is_waited_for_once() {
    let holders = holders();
    grant(&holders, 3, &["dead"]);
    tokio::time::advance(Duration::from_millis(500)).await;
    assert_eq!(receipt(&holders, 7, false, LIMIT).await.lapsed, ["dead"]);
    let start = Instant::now();
    assert_eq!(receipt(&holders, 8, false, LIMIT).await.lapsed, ["dead"]);
    assert_eq!(start.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn what_hides_something_says_by_when_nobody_can_show_it_any_more() {
    let holders = holders();
    grant(&holders, 3, &["dead"]);
    tokio::time::advance(outlived(LENGTH) + Duration::from_secs(2)).await;
    let (since, start) = (holders.clocks().now(), Instant::now());
    let receipt = receipt(&holders, 7, true, LIMIT).await;
    assert!(start.elapsed() >= outlived(LENGTH));
    assert_eq!(receipt.lapsed, ["dead"]);
    let by = Duration::from_micros(u64::try_from(receipt.effective_by_us.unwrap() - since.wall_us).unwrap());
    // It asked for its lease before it was seen to have it, and its clock may be slower than this one.
    let latest = outlived(PUBLIC) + SLACK - (outlived(LENGTH) + Duration::from_secs(2));
    assert_eq!(by, latest);
}

#[tokio::test(start_paused = true)]
async fn the_callers_time_ends_the_wait_and_the_receipt_says_what_is_left() {
    let holders = holders();
    grant(&holders, 3, &["mute"]);
    let since = holders.clocks().now();
    for limit in [Duration::ZERO, Duration::from_secs(2)] {
        let receipt = receipt(&holders, 7, false, limit).await;
        assert_eq!((receipt.silent, receipt.lapsed.len()), (vec!["mute".to_owned()], 0));
        let by = receipt.effective_by_us.unwrap() - since.wall_us;
        assert!((15_045_000..17_100_000).contains(&by), "{by}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_longer_lease_of_another_replica_is_waited_for_as_long() {
    let holders = holders();
    grant(&holders, 3, &["long"]);
    let start = Instant::now();
    let since = holders.clocks().now();
    take(&holders, Duration::from_secs(1), Wanted { seq: 7, since, hides: false, limit: LIMIT }).await;
    assert!(start.elapsed() >= outlived(LENGTH));
}

#[tokio::test(start_paused = true)]
async fn whoever_leaves_holds_nobody_up() {
    let holders = holders();
    grant(&holders, 3, &["one"]);
    let waiting = {
        let holders = holders.clone();
        tokio::spawn(async move { receipt(&holders, 7, true, LIMIT).await })
    };
    tokio::task::yield_now().await;
    let left = LeaseLeft { holder: "one".into(), incarnation: process("one").as_bytes().to_vec() };
    holders.fold(8, &Lease { granted: vec![], left: vec![left], length_ms: 15_000 });
    let receipt = waiting.await.unwrap();
    assert_eq!((receipt.confirmed.len(), receipt.silent.len(), receipt.lapsed.len()), (0, 0, 0));
    assert!(holders.standing().is_empty());
}

#[tokio::test(start_paused = true)]
async fn as_many_processes_hold_leases_as_may() {
    let holders = holders();
    let all: Vec<String> = (0..super::super::MAX_HOLDERS).map(|number| format!("gateway-{number}")).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    grant(&holders, 3, &all[1..]);
    assert!(holders.has_room("gateway-0", process("gateway-0")));
    grant(&holders, 4, &all[..1]);
    assert!(holders.has_room("gateway-0", process("gateway-0")), "a renewal is one of them");
    assert!(!holders.has_room("new", process("new")));
}
