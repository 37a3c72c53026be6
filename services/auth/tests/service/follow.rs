//! The access feed: who may follow, and what a cut connection does not lose.

use std::net::SocketAddr;
use std::sync::Arc;

use proto::event::v1::Privacy;
use proto::feed::v1::{FollowerMessage, Hello, SnapshotEntry, feed_item::Item, follower_message::Message};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tonic::Code;
use uuid::Uuid;

use crate::lab::{LIMIT, Lab, code, reader};

/// A way to the server that can be cut.
struct Line {
    addr: SocketAddr,
    cut: Arc<Notify>,
}

impl Line {
    async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let cut = Arc::new(Notify::new());
        let cutting = cut.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let cut = cutting.clone();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        () = cut.notified() => {}
                    }
                });
            }
        });
        Self { addr, cut }
    }
}

fn rows(view: &feed::client::AccessView) -> Vec<String> {
    let shown = |entry: SnapshotEntry| format!("{entry:?}");
    let mut rows: Vec<String> = view.read(|table| table.entries().map(shown).collect());
    rows.sort();
    rows
}

#[tokio::test]
async fn a_follower_that_is_cut_off_resumes_without_a_gap() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    lab.make_channel("acme", lab.account_id(&admin).await, Privacy::Private).await;
    let line = Line::to(lab.addr()).await;
    let cut_off = lab.follower_through("gateway-1", line.addr).await;
    let mut positions = cut_off.view.subscribe();
    let watched = tokio::spawn(async move {
        let mut seen = vec![*positions.borrow_and_update()];
        while positions.changed().await.is_ok() {
            seen.push(*positions.borrow_and_update());
            if seen.len() > 1_000 {
                break;
            }
        }
        seen
    });
    let mut last = 0;
    for number in 0..30 {
        if number % 10 == 5 {
            line.cut.notify_waiters();
        }
        let issued = lab.client(&admin).issue_token(reader(&format!("ci-{number}"), "acme")).await.unwrap();
        last = issued.into_inner().authz_seq;
    }
    cut_off.view.wait_for(last, LIMIT).await.unwrap();
    let fresh = lab.follower("gateway-2").await;
    fresh.view.wait_for(last, LIMIT).await.unwrap();
    assert_eq!(rows(&cut_off.view), rows(&fresh.view));
    watched.abort();
    fresh.leave().await;
    cut_off.leave().await;
}

#[tokio::test]
async fn a_follower_goes_on_after_the_server_was_started_again() {
    let mut lab = Lab::start().await;
    let admin = lab.admin().await;
    let follower = lab.follower("gateway").await;
    lab.stop_auth().await;
    lab.start_auth().await;
    let seq = lab.sign_in(crate::lab::LOGIN, crate::lab::PASSWORD).await.unwrap().authz_seq;
    follower.view.wait_for(seq, LIMIT).await.unwrap();
    assert!(lab.client(&admin).who_am_i(proto::auth::v1::WhoAmIRequest {}).await.is_ok());
    follower.leave().await;
}

#[tokio::test]
async fn nobody_follows_under_a_strange_name_or_credential() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let follow = async |secret: &str, follower: &str, epoch: &str| {
        let incarnation = Uuid::from_u128(1).to_string();
        let hello = Hello {
            follower: follower.into(),
            incarnation,
            epoch: epoch.into(),
            next_seq: 1,
            ..Hello::default()
        };
        let message = FollowerMessage { message: Some(Message::Hello(hello)) };
        lab.feed(secret).follow(tokio_stream::once(message)).await.map(drop)
    };
    let gateway = lab.service("gateway");
    assert_eq!(code(follow("", "gateway", "").await), Code::Unauthenticated);
    assert_eq!(code(follow(&admin, "gateway", "").await), Code::PermissionDenied);
    assert_eq!(code(follow(gateway, "catalog", "").await), Code::PermissionDenied);
    assert_eq!(code(follow(gateway, "gateways", "").await), Code::PermissionDenied);
    assert_eq!(code(follow(gateway, "gateway", "another log").await), Code::FailedPrecondition);
    assert!(follow(gateway, "gateway-7", "").await.is_ok());
}

#[tokio::test]
async fn no_personal_field_travels_in_the_feed() {
    let lab = Lab::start().await;
    let admin = lab.admin().await;
    let hello = Hello {
        follower: "gateway".into(),
        incarnation: Uuid::from_u128(1).to_string(),
        epoch: eventlog::Log::epoch(&lab.log, eventlog::Stream::Authz),
        next_seq: 1,
        ..Hello::default()
    };
    let (messages, outbound) = tokio::sync::mpsc::channel(1);
    messages.send(FollowerMessage { message: Some(Message::Hello(hello)) }).await.unwrap();
    let outbound = tokio_stream::wrappers::ReceiverStream::new(outbound);
    let mut items = lab.feed(lab.service("gateway")).follow(outbound).await.unwrap().into_inner();
    crate::account::make(&lab, &admin, "ben").await;
    let mut accounts = 0;
    while accounts < 2 {
        let Some(Item::AccessEvent(event)) = items.message().await.unwrap().unwrap().item else { continue };
        for event in event.envelope.unwrap().events {
            if let Some(proto::event::v1::event::Event::AccountCreated(created)) = event.event {
                accounts += 1;
                assert_eq!((created.login, created.password_hash), (None, None));
            }
        }
    }
}
