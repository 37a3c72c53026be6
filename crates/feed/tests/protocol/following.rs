//! A follower against a server that misbehaves.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use feed::client::{AccessView, ContentFollower, FollowError};
use prost::Message as _;
use proto::feed::v1::SnapshotPart;
use proto::feed::v1::feed_item::Item;
use proto::feed::v1::feed_server::FeedServer;

use crate::script::{EPOCH, LIMIT, Script, account, change, event, serve, snapshot, upstream};

fn view() -> AccessView {
    AccessView::new(HashMap::new())
}

fn knows(view: &AccessView, number: u64) -> bool {
    view.read(|table| table.account(account(number)).is_some())
}

#[tokio::test]
async fn a_cut_follower_resumes_behind_what_it_has_applied() {
    let first = [&snapshot(EPOCH, 5)[..], &[event(6), event(7)]].concat();
    let (script, mut hellos, mut applied) = Script::new([first, vec![event(8), Item::Bookmark(9)]]);
    let addr = serve(FeedServer::new(script)).await;
    let view = view();
    let following = tokio::spawn({
        let view = view.clone();
        async move { view.follow(upstream(addr, "gateway"), std::future::pending()).await }
    });
    view.wait_for(9, LIMIT).await.unwrap();
    assert!(knows(&view, 6) && knows(&view, 7) && knows(&view, 8));
    applied.wait_for(|applied| *applied == 9).await.unwrap();
    let (first, second) = (hellos.recv().await.unwrap(), hellos.recv().await.unwrap());
    assert_eq!((first.epoch.as_str(), first.next_seq), ("", 0));
    assert_eq!((second.epoch.as_str(), second.next_seq), (EPOCH, 8));
    assert_eq!(first.incarnation, second.incarnation);
    following.abort();
}

#[tokio::test]
async fn a_position_never_goes_back() {
    let first = [&snapshot(EPOCH, 5)[..], &[event(6)]].concat();
    let older_snapshot = snapshot(EPOCH, 3).to_vec();
    let older_event = vec![event(7), event(6), event(8)];
    let (script, _hellos, _applied) = Script::new([first, older_snapshot, older_event, vec![event(9)]]);
    let addr = serve(FeedServer::new(script)).await;
    let view = view();
    let mut positions = view.subscribe();
    let following = tokio::spawn({
        let view = view.clone();
        async move { view.follow(upstream(addr, "gateway"), std::future::pending()).await }
    });
    let mut before = 0;
    loop {
        let now = *positions.borrow_and_update();
        assert!(now >= before, "{now} came after {before}");
        before = now;
        if now == 9 {
            break;
        }
        positions.changed().await.unwrap();
    }
    assert!(knows(&view, 6) && knows(&view, 7) && !knows(&view, 8), "what came out of order was not applied");
    following.abort();
}

#[tokio::test]
async fn another_log_ends_the_following() {
    let first = [&snapshot(EPOCH, 5)[..], &[event(6)]].concat();
    let (script, _hellos, _applied) = Script::new([first, snapshot("epoch-2", 50).to_vec(), vec![]]);
    let addr = serve(FeedServer::new(script)).await;
    let view = view();
    let end = tokio::time::timeout(LIMIT, view.follow(upstream(addr, "gateway"), std::future::pending()));
    let error = end.await.unwrap().unwrap_err();
    assert!(matches!(&error, FollowError::OtherEpoch { found, .. } if found == "epoch-2"), "{error}");
    assert_eq!((view.seq(), view.ready()), (6, true), "what is known stays");
}

#[tokio::test]
async fn a_torn_snapshot_is_not_taken() {
    let [start, end] = snapshot(EPOCH, 5);
    let short = vec![
        start.clone(),
        Item::SnapshotPart(SnapshotPart { entries: vec![Default::default()] }.encode_to_vec().into()),
        end,
    ];
    let interrupted = vec![start, event(6)];
    let whole = snapshot(EPOCH, 7).to_vec();
    let (script, mut hellos, _applied) = Script::new([short, interrupted, whole]);
    let addr = serve(FeedServer::new(script)).await;
    let view = view();
    let following = tokio::spawn({
        let view = view.clone();
        async move { view.follow(upstream(addr, "gateway"), std::future::pending()).await }
    });
    tokio::time::timeout(LIMIT, view.until_ready()).await.unwrap();
    assert_eq!(view.seq(), 7);
    for _ in 0..3 {
        assert_eq!(hellos.recv().await.unwrap().epoch, "", "it knew nothing until then");
    }
    following.abort();
}

#[tokio::test]
async fn a_change_is_heard_after_its_access_facts_and_after_all_of_its_decision() {
    let items =
        [&snapshot(EPOCH, 5)[..], &[change(6, "a", 40), change(6, "b", 40), Item::Bookmark(6)]].concat();
    let (script, _hellos, mut applied) = Script::new([items]);
    let addr = serve(FeedServer::new(script)).await;
    let access = view();
    let content = ContentFollower::new(access.clone());
    let told = Arc::new(Mutex::new(vec![]));
    let following = tokio::spawn({
        let (content, told, access) = (content.clone(), told.clone(), access.clone());
        async move {
            let tell = |change: proto::feed::v1::ContentChange| {
                told.lock().unwrap().push((change.name, access.seq()));
            };
            content.follow(upstream(addr, "gateway"), tell, std::future::pending()).await
        }
    });
    tokio::time::timeout(LIMIT, content.until_ready()).await.unwrap();
    applied.wait_for(|applied| *applied == 5).await.unwrap();
    assert!(told.lock().unwrap().is_empty(), "its access facts are not known yet");
    access.bookmark(40).unwrap();
    content.wait_for(6, LIMIT).await.unwrap();
    assert_eq!(*told.lock().unwrap(), [("a".to_owned(), 40), ("b".to_owned(), 40)]);
    applied.wait_for(|applied| *applied == 6).await.unwrap();
    following.abort();
}
