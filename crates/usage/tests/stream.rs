//! Telling and following over a real nats-server.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::time::Duration;

use futures::StreamExt as _;
use names::TokenId;
use servers::{NatsOptions, NatsServer};
use time::macros::datetime;
use usage::{Delivered, Family, Following, MAX_WAITING, Outcome, Position, Publisher, Use};

/// Generous: a loaded machine is slow, not wrong.
const SOON: Duration = Duration::from_secs(30);
/// Between two looks at a connection.
const LOOK: Duration = Duration::from_millis(50);

async fn server(options: NatsOptions) -> (tempfile::TempDir, NatsServer) {
    let dir = tempfile::tempdir().unwrap();
    let server = NatsServer::start(dir.path(), options).await.unwrap();
    (dir, server)
}

/// A client once it is connected, and the stream made.
async fn ready(server: &NatsServer) -> async_nats::Client {
    let client = usage::connect(&server.url(), "test").await.unwrap();
    client.flush().await.unwrap();
    usage::ensure(&client, 1).await.unwrap();
    client
}

fn used(number: u128) -> Use {
    Use {
        token: TokenId(uuid::Uuid::from_u128(number)),
        string_no: 1,
        outcome: Outcome::Served,
        family: Family::Python,
        at: datetime!(2026-11-21 12:00 UTC),
        requests: 1,
        address: Some([192, 0, 2, 7].into()),
        client: "uv/0.9".into(),
    }
}

async fn next(following: &mut Following) -> Delivered {
    tokio::time::timeout(SOON, following.messages.next()).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn what_is_told_is_followed_and_a_follower_goes_on_where_it_was() {
    let (_dir, server) = server(NatsOptions::default()).await;
    let client = ready(&server).await;
    usage::ensure(&client, 1).await.unwrap();
    let publisher = Publisher::start(client.clone(), "g-1");
    for number in 1..=3 {
        publisher.note(used(number));
        publisher.flush().await;
    }
    let mut following = usage::follow(&client, &Position::default()).await.unwrap();
    for number in 1..=3 {
        let delivered = next(&mut following).await;
        assert_eq!(delivered.uses, [used(number)]);
        assert_eq!(u128::from(delivered.seq), number);
    }
    let at = |epoch: &str, seq| Position { epoch: epoch.into(), seq };
    let epoch = following.epoch.clone();
    for (after, first) in [
        (at(&epoch, 2), 3),
        // Of another stream of that name, or of more than there is: once more from the beginning.
        (at("another", 2), 1),
        (at(&epoch, 4), 1),
    ] {
        let mut again = usage::follow(&client, &after).await.unwrap();
        assert_eq!(next(&mut again).await.seq, first, "{after:?}");
    }
}

#[tokio::test]
async fn without_nats_uses_are_dropped_at_once_and_told_again_when_it_is_back() {
    let (_dir, mut server) = server(NatsOptions::default()).await;
    let client = ready(&server).await;
    let publisher = Publisher::start(client.clone(), "g-1");
    server.kill9().await;
    // The client notices when it writes. A flush that is under way then waits for the server to be back.
    while client.connection_state() == async_nats::connection::State::Connected {
        tokio::time::timeout(LOOK, client.flush()).await.ok();
    }
    for number in 0..2 * MAX_WAITING {
        publisher.note(used(number as u128));
    }
    tokio::time::timeout(SOON, publisher.flush()).await.unwrap();
    server.restart().await.unwrap();
    let mut following = loop {
        match usage::follow(&client, &Position::default()).await {
            Ok(following) => break following,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    publisher.note(used(1 << 64));
    publisher.flush().await;
    assert_eq!(next(&mut following).await.uses, [used(1 << 64)], "nothing that was dropped comes late");
}

#[tokio::test]
async fn a_small_disk_gets_a_small_stream() {
    let mut options = NatsOptions::default();
    options.max_store_bytes = Some(40 << 20);
    let (_dir, server) = server(options).await;
    let client = ready(&server).await;
    let context = async_nats::jetstream::new(client);
    let found = context.get_stream(usage::NAME).await.unwrap().cached_info().config.clone();
    assert_eq!(found.max_bytes, 32 << 20);
    assert_eq!((found.max_age, found.subjects), (usage::KEPT, vec![usage::SUBJECTS.to_owned()]));
    assert_eq!(found.discard, async_nats::jetstream::stream::DiscardPolicy::Old);
}
