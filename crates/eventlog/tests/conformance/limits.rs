//! What every log promises when there is no room, and when it is not there.

use std::time::Duration;

use eventlog::{AppendError, Log as _, LogError, Message, NatsConfig, Stream};
use servers::{NatsOptions, NatsUser};

use crate::lab::{Below, Lab, STREAM, described, envelope, message, revoked, subject};

/// Another stream than the other promises use, as nothing fits in afterwards.
const FILLED: Stream = Stream::Authz;

pub(crate) async fn a_full_stream_still_revokes(lab: &Lab) {
    let log = lab.open_as(NatsUser::Auth).await;
    let owner = |n: usize| format!("evt.auth.owner.full{n}");
    let text = "x".repeat(200_000);
    let mut stored = 0;
    let full = loop {
        let message = Message { subject: owner(stored), expect: 0, envelope: envelope(described(&text)) };
        match log.append(FILLED, vec![message]).await {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 100, "it is never full");
    };
    assert!(matches!(full, AppendError::Full), "{full:?}");
    let small = Message { subject: owner(stored), expect: 0, envelope: envelope(described("small")) };
    assert!(matches!(log.append(FILLED, vec![small]).await, Err(AppendError::Full)));

    let revoke = Message { subject: owner(stored), expect: 0, envelope: envelope(revoked()) };
    let seq = log.append(FILLED, vec![revoke]).await.unwrap();
    let barrier = log.barrier(FILLED).await.unwrap();
    let records = log.read(FILLED, &owner(stored), 0, barrier).await.unwrap();
    assert_eq!((records.len(), records[0].seq), (1, seq));
}

/// Runs last on its log, which is gone afterwards.
pub(crate) async fn a_log_that_is_away_says_so_within_seconds(lab: &Lab) {
    const LIMIT: Duration = Duration::from_secs(15);
    let log = lab.open().await;
    let subject = subject();
    let last = log.append(Stream::Catalog, vec![message(&subject, 0, "before")]).await.unwrap();
    match &lab.below {
        Below::Memory(memory) => memory.set_away(true),
        Below::One(server) => server.kill9().await,
        Below::Three(cluster) => {
            cluster.kill9(0).await;
            cluster.kill9(1).await;
        }
    }
    let append = log.append(Stream::Catalog, vec![message(&subject, last, "after")]);
    let barrier = log.barrier(Stream::Catalog);
    let read = log.read(Stream::Catalog, &subject, 0, last + 1);
    let refusals = tokio::time::timeout(LIMIT, futures::future::join3(append, barrier, read));
    let (append, barrier, read) = refusals.await.expect("everything is limited");
    assert!(matches!(append, Err(AppendError::Unavailable(_))), "{append:?}");
    assert!(matches!(barrier, Err(LogError::Unavailable(_))), "{barrier:?}");
    assert!(matches!(read, Err(LogError::Unavailable(_))), "{read:?}");
}

/// A laptop whose disk cannot promise the usual sizes still gets both streams, and room for what is made after them.
#[tokio::test]
async fn a_small_disk_gets_smaller_streams_and_keeps_room() {
    is_kept_small(Lab::one_with(small_disk()).await, 1).await;
}

/// The same of each server where three share a machine.
#[tokio::test]
async fn three_small_disks_get_smaller_streams_and_keep_room() {
    is_kept_small(Lab::three_with(small_disk()).await, 3).await;
}

fn small_disk() -> NatsOptions {
    const DISK_BYTES: u64 = 5 << 30;
    let mut options = NatsOptions::default();
    options.max_store_bytes = Some(DISK_BYTES);
    options
}

async fn is_kept_small(lab: Lab, replicas: usize) {
    let config = |name: &str| NatsConfig { replicas, ..NatsConfig::new(lab.url(), name) };
    let log = lab.connect_to(config("conformance")).await.unwrap();
    let seq = log.append(STREAM, vec![message(&subject(), 0, "fits")]).await.unwrap();
    assert!(seq > 0);
    let context = async_nats::jetstream::new(log.client());
    let later = async_nats::jetstream::stream::Config {
        name: "LATER".into(),
        max_bytes: 256 << 20,
        num_replicas: replicas,
        ..Default::default()
    };
    context.create_stream(later).await.unwrap();
    lab.connect_to(config("again")).await.expect("the smaller streams are taken as they are");
}

/// The streams just fit, and what is left is less than the keys' bucket would like.
#[tokio::test]
async fn a_disk_that_the_streams_take_almost_whole_has_room_for_the_keys() {
    const LEFT_BYTES: u64 = 100 << 20;
    let config = NatsConfig::new("", "");
    let mut options = NatsOptions::default();
    options.max_store_bytes = Some(config.authz_max_bytes + config.catalog_max_bytes + LEFT_BYTES);
    let lab = Lab::one_with(options).await;
    lab.connect_to(NatsConfig::new(lab.url(), "conformance")).await.expect("all three are made");
}
