//! A server over a log that grows, against followers that misbehave.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use access::Service;
use feed::client::{AccessView, ContentFollower};
use feed::server::{FeedService, Followers};
use proto::feed::v1::feed_client::FeedClient;
use proto::feed::v1::{
    Applied, AwaitAppliedRequest, FeedItem, FollowerMessage, Hello, Leave, feed_item::Item,
    follower_message::Message,
};
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;
use tonic::{Code, Request, Status, Streaming};
use uuid::Uuid;

use crate::script::{EPOCH, Growing, LIMIT, serve, upstream};

struct Server {
    addr: std::net::SocketAddr,
    followers: Followers,
    last: watch::Sender<u64>,
    stop: watch::Sender<bool>,
}

async fn server(changes: usize) -> Server {
    server_that_begins_anew(changes, None).await
}

async fn server_that_begins_anew(changes: usize, anew: Option<u64>) -> Server {
    let start = tokio::time::Instant::now();
    let followers = Followers::new(move || start.elapsed());
    let last = watch::Sender::new(3);
    let stop = watch::Sender::new(false);
    let stopping = stop.clone();
    let service = FeedService::new(
        Arc::new(Growing { last: last.clone(), changes, anew }),
        followers.clone(),
        Arc::new(|_, _| Ok(Service::Gateway)),
        move || {
            let mut stopping = stopping.subscribe();
            Box::pin(async move { drop(stopping.wait_for(|stop| *stop).await) })
        },
    );
    Server { addr: serve(service.into_server()).await, followers, last, stop }
}

impl Server {
    /// A connection that does only what the test says.
    async fn connect(
        &self,
        hello: Hello,
    ) -> Result<(mpsc::Sender<FollowerMessage>, Streaming<FeedItem>), Status> {
        let channel: Channel = feed::client::Upstream::channel(&format!("http://{}", self.addr)).unwrap();
        let (messages, outbound) = mpsc::channel(4);
        messages.send(FollowerMessage { message: Some(Message::Hello(hello)) }).await.unwrap();
        let items = FeedClient::new(channel).follow(ReceiverStream::new(outbound)).await?;
        Ok((messages, items.into_inner()))
    }
}

fn hello(epoch: &str, next_seq: u64) -> Hello {
    let incarnation = Uuid::from_u128(2).to_string();
    Hello { follower: "gateway".into(), incarnation, epoch: epoch.into(), next_seq, ..Hello::default() }
}

fn applied(seq: u64) -> FollowerMessage {
    FollowerMessage { message: Some(Message::Applied(Applied { seq })) }
}

async fn ended(mut items: Streaming<FeedItem>) -> Status {
    loop {
        match items.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a stream ends with a reason"),
            Err(status) => return status,
        }
    }
}

#[tokio::test]
async fn every_step_ends_in_a_bookmark_and_a_barrier_is_nothing_else() {
    let server = server(2).await;
    let (_messages, mut items) = server.connect(hello(EPOCH, 2)).await.unwrap();
    let mut seen = vec![];
    for _ in 0..6 {
        let item = items.message().await.unwrap().unwrap().item.unwrap();
        if let Item::ContentChange(change) = item {
            seen.push((change.seq, change.name));
        } else if let Item::Bookmark(seq) = item {
            seen.push((seq, "bookmark".into()));
        }
    }
    let step = |seq| ["package-0", "package-1", "bookmark"].map(|name| (seq, name.to_owned()));
    assert_eq!(seen, [step(2), step(3)].concat());
}

#[tokio::test]
async fn a_follower_is_told_to_go_elsewhere_when_the_server_stops() {
    let server = server(0).await;
    let (_messages, items) = server.connect(hello("", 0)).await.unwrap();
    server.stop.send_replace(true);
    assert_eq!(ended(items).await.code(), Code::Unavailable);
}

#[tokio::test]
async fn what_was_never_sent_cannot_have_been_applied() {
    let server = server(0).await;
    let (messages, items) = server.connect(hello(EPOCH, 4)).await.unwrap();
    messages.send(applied(3)).await.unwrap();
    server.followers.until_applied_by(1, 3).await;
    messages.send(applied(4)).await.unwrap();
    assert_eq!(ended(items).await.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_position_that_this_log_has_not_reached_is_unavailable() {
    let server = server(0).await;
    let refused = server.connect(hello(EPOCH, 9)).await.map(drop).unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    let other = server.connect(hello("epoch-0", 2)).await.map(drop).unwrap_err();
    assert_eq!(other.code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn a_follower_that_reads_nothing_is_cut_off_and_resumes() {
    let server = server(50).await;
    let (messages, items) = server.connect(hello(EPOCH, 4)).await.unwrap();
    // Far more than the connection's windows and the server's buffer hold.
    server.last.send_replace(5_000);
    for _ in 0..60 {
        let receipt = server.followers.await_applied(4, Duration::from_secs(1)).await;
        assert_eq!(receipt.silent, ["gateway"]);
        if server.followers.connected() == 0 {
            break;
        }
    }
    let mut next = 0;
    let mut items = items;
    let cut = loop {
        match items.message().await {
            Ok(Some(FeedItem { item: Some(Item::Bookmark(seq)) })) => {
                next = seq + 1;
                assert!(next < 5_000, "it was not cut off");
            }
            Ok(Some(_)) => {}
            Ok(None) => panic!("a stream ends with a reason"),
            Err(status) => break status,
        }
    };
    assert_eq!(cut.code(), Code::ResourceExhausted, "{cut}");
    assert!(next > 4, "{next}");
    drop(messages);
    let (_messages, mut items) = server.connect(hello(EPOCH, next)).await.unwrap();
    let Some(Item::ContentChange(change)) = items.message().await.unwrap().unwrap().item else {
        panic!("a change comes first");
    };
    assert_eq!(change.seq, next);
}

#[tokio::test]
async fn a_real_follower_reports_every_step_and_its_leave_is_noticed() {
    let server = server(1).await;
    let content = ContentFollower::new(AccessView::new(HashMap::new()));
    let (stop, mut stopped) = watch::channel(false);
    let following = tokio::spawn({
        let (content, upstream) = (content.clone(), upstream(server.addr, "gateway"));
        async move {
            let stop = async move { drop(stopped.wait_for(|stop| *stop).await) };
            content.follow(upstream, drop, stop).await
        }
    });
    content.wait_for(3, LIMIT).await.unwrap();
    for seq in 4..40 {
        server.last.send_replace(seq);
        let receipt = server.followers.await_applied(seq, LIMIT).await;
        assert_eq!((receipt.confirmed.len(), receipt.silent.len()), (1, 0));
        assert_eq!(content.heard(), seq);
    }
    stop.send_replace(true);
    following.await.unwrap().unwrap();
    let receipt = server.followers.await_applied(1_000, LIMIT).await;
    assert_eq!((receipt.confirmed.len(), receipt.silent.len()), (0, 0), "nobody is waited for any more");
}

#[tokio::test]
async fn waiting_ends_before_the_callers_deadline() {
    let server = server(0).await;
    let (_messages, _items) = server.connect(hello("", 0)).await.unwrap();
    let channel = feed::client::Upstream::channel(&format!("http://{}", server.addr)).unwrap();
    let mut request = Request::new(AwaitAppliedRequest { seq: 3, hides: false });
    request.set_timeout(Duration::from_millis(500));
    let receipt = FeedClient::new(channel).await_applied(request).await.unwrap().into_inner();
    assert_eq!(receipt.silent, ["gateway"]);
}

#[tokio::test]
async fn following_that_is_dropped_is_no_leave() {
    let server = server(1).await;
    let content = ContentFollower::new(AccessView::new(HashMap::new()));
    let following = tokio::spawn({
        let upstream = upstream(server.addr, "gateway");
        async move { content.follow(upstream, drop, std::future::pending()).await }
    });
    server.followers.until_applied_by(1, 3).await;
    following.abort();
    following.await.unwrap_err();
    let receipt = server.followers.await_applied(1_000, Duration::from_secs(1)).await;
    assert_eq!(receipt.silent, ["gateway"], "it may still answer requests from what it knew");
}

/// If this fails: a gateway that gives up a connection in order to go on with another replica is not waited for any more,
/// and lets in what was revoked until it is connected again.
#[tokio::test]
async fn a_stream_that_ends_without_a_word_is_no_leave() {
    for resets in [false, true] {
        let server = server(1).await;
        let (messages, items) = server.connect(hello(EPOCH, 2)).await.unwrap();
        messages.send(applied(1)).await.unwrap();
        server.followers.until_applied_by(1, 1).await;
        if resets {
            drop(items);
        } else {
            drop(messages);
            assert_eq!(ended(items).await.code(), Code::Cancelled);
        }
        let receipt = server.followers.await_applied(2, Duration::from_millis(300)).await;
        assert_eq!(receipt.silent, ["gateway"], "it may still answer requests from what it knew");
    }
}

#[tokio::test]
async fn whoever_says_that_it_leaves_is_not_waited_for() {
    let server = server(1).await;
    let (messages, mut items) = server.connect(hello(EPOCH, 4)).await.unwrap();
    messages.send(FollowerMessage { message: Some(Message::Leave(Leave {})) }).await.unwrap();
    assert!(items.message().await.unwrap().is_none(), "it ends well");
    let receipt = server.followers.await_applied(9, LIMIT).await;
    assert_eq!((receipt.confirmed.len(), receipt.silent.len()), (0, 0));
}

#[tokio::test]
async fn where_hearing_more_does_not_help_followers_get_a_snapshot() {
    let server = server_that_begins_anew(1, Some(5)).await;
    let hello = |next_seq| Hello {
        follower: "gateway".into(),
        incarnation: Uuid::from_u128(1).to_string(),
        epoch: EPOCH.into(),
        next_seq,
        ..Hello::default()
    };
    let (_messages, mut items) = server.connect(hello(4)).await.unwrap();
    let mut next = async || items.message().await.unwrap().unwrap().item.unwrap();
    server.last.send_replace(4);
    assert!(matches!(next().await, Item::ContentChange(change) if change.seq == 4));
    assert_eq!(next().await, Item::Bookmark(4));
    server.last.send_replace(6);
    assert!(matches!(next().await, Item::SnapshotStart(start) if start.seq == 6 && start.epoch == EPOCH));
    assert!(matches!(next().await, Item::SnapshotEnd(_)));
    server.last.send_replace(7);
    assert!(matches!(next().await, Item::ContentChange(change) if change.seq == 7), "behind the snapshot");
}
