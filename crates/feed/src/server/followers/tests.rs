//! Receipts from a registry without a network.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const LIMIT: Duration = Duration::from_secs(15);

fn followers() -> (Followers, Arc<AtomicU64>) {
    let seconds = Arc::new(AtomicU64::new(0));
    let clock = seconds.clone();
    (Followers::new(move || Duration::from_secs(clock.load(Ordering::Relaxed))), seconds)
}

fn process(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn names(receipt: &Receipt) -> Vec<&str> {
    receipt.confirmed.iter().map(|confirmed| confirmed.follower.as_str()).collect()
}

#[tokio::test]
async fn a_receipt_names_everybody_who_has_applied() {
    let (followers, _) = followers();
    let one = followers.join("gateway-1", process(1)).unwrap();
    let two = followers.join("gateway-2", process(2)).unwrap();
    one.applied(7);
    let waiting = tokio::spawn({
        let followers = followers.clone();
        async move { followers.await_applied(7, LIMIT).await }
    });
    two.applied(6);
    two.applied(9);
    let receipt = waiting.await.unwrap();
    assert_eq!(names(&receipt), ["gateway-1", "gateway-2"]);
    assert_eq!((receipt.seq, receipt.silent.len()), (7, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_says_nothing_is_named_when_the_wait_ends() {
    let (followers, _) = followers();
    let one = followers.join("gateway-1", process(1)).unwrap();
    let _two = followers.join("gateway-2", process(2)).unwrap();
    one.applied(7);
    let receipt = followers.await_applied(7, LIMIT).await;
    assert_eq!(names(&receipt), ["gateway-1"]);
    assert_eq!(receipt.silent, ["gateway-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_was_cut_off_is_waited_for_until_it_comes_back() {
    let (followers, _) = followers();
    drop(followers.join("gateway", process(1)).unwrap());
    assert_eq!(followers.await_applied(7, LIMIT).await.silent, ["gateway"]);
    let back = followers.join("gateway", process(1)).unwrap();
    back.applied(7);
    assert_eq!(names(&followers.await_applied(7, LIMIT).await), ["gateway"]);
}

#[tokio::test]
async fn a_follower_that_stays_away_is_forgotten() {
    let (followers, seconds) = followers();
    drop(followers.join("gateway", process(1)).unwrap());
    seconds.store(LOST_AFTER.as_secs(), Ordering::Relaxed);
    assert_eq!(followers.await_applied(7, LIMIT).await, Receipt { seq: 7, ..Receipt::default() });
}

#[tokio::test]
async fn a_follower_that_took_leave_holds_nobody_up() {
    let (followers, _) = followers();
    let one = followers.join("gateway", process(1)).unwrap();
    let waiting = followers.await_applied(7, LIMIT);
    one.leave();
    assert_eq!(waiting.await, Receipt { seq: 7, ..Receipt::default() });
}

#[tokio::test]
async fn an_old_connection_that_ends_late_does_not_cut_off_the_new_one() {
    let (followers, _) = followers();
    let old = followers.join("gateway", process(1)).unwrap();
    let new = followers.join("gateway", process(1)).unwrap();
    new.applied(7);
    old.leave();
    assert_eq!(followers.connected(), 1);
    assert_eq!(names(&followers.await_applied(7, LIMIT).await), ["gateway"]);
}

#[test]
fn the_number_of_followers_is_limited() {
    let (followers, _) = followers();
    let joined: Vec<_> = (0..MAX_FOLLOWERS)
        .map(|number| followers.join("gateway", process(number as u128)).unwrap())
        .collect();
    assert_eq!(followers.join("gateway", process(u128::MAX)).unwrap_err(), TooManyFollowers);
    drop(joined);
}

#[tokio::test]
async fn followers_are_told_of_with_what_they_have_applied_and_since_when_they_are_cut_off() {
    let (followers, seconds) = followers();
    let one = followers.join_as("gateway-1", process(1), "1.2.3").unwrap();
    drop(followers.join("gateway-2", process(2)).unwrap());
    one.applied(7);
    seconds.store(3, Ordering::Relaxed);
    let standing = followers.standing();
    let told = |index: usize| {
        let it: &status::Follower = &standing[index];
        (it.name.as_str(), it.version.as_str(), it.applied_seq, it.lost_ms)
    };
    assert_eq!((told(0), told(1)), (("gateway-1", "1.2.3", 7, None), ("gateway-2", "", 0, Some(3_000))));
    seconds.store(LOST_AFTER.as_secs(), Ordering::Relaxed);
    assert_eq!(followers.standing().len(), 1);
}
