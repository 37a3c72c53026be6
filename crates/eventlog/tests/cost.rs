//! What a long history costs: the 10,000th append to one aggregate no more than twice the 100th.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use eventlog::{
    Done, JetStream, Meta, NatsConfig, NoVoids, Rules, Stamps, Store, Stream,
    keys::{self, Signer},
};
use proto::event::v1::{Actor, ArtifactPublished, Event, event};
use servers::{NatsOptions, NatsServer};
use tokio::time::Instant;
use uuid::Uuid;

type Files = HashMap<String, ArtifactPublished>;

const RULES: Rules<Files, ArtifactPublished> = Rules {
    decode: |event| match &event.event {
        Some(event::Event::ArtifactPublished(event)) => Ok(Some(event.clone())),
        other => Err(format!("{other:?} does not belong here")),
    },
    encode: |event| Event { event: Some(event::Event::ArtifactPublished(event.clone())) },
    evolve: |files, event| {
        let mut files = files.unwrap_or_default();
        files.insert(event.filename.clone(), event);
        Some(files)
    },
};

static NEXT: AtomicU64 = AtomicU64::new(1);

async fn store(server: &NatsServer) -> Store<Files, ArtifactPublished> {
    let stamps = Stamps::new(
        || {
            Uuid::from_u64_pair(
                0x0190_0000_0000_7000,
                0x8000_0000_0000_0000 | NEXT.fetch_add(1, Ordering::Relaxed),
            )
        },
        || time::OffsetDateTime::UNIX_EPOCH,
    );
    let generated = keys::generate();
    let signer = Signer::parse(&generated.private_pem).expect("a generated key is in its own format");
    let config = NatsConfig::new(server.url(), "cost");
    let log = JetStream::connect(config, stamps.clone(), Some(signer), generated.keyring);
    Store::new(Arc::new(log.await.expect("it connects")), Stream::Catalog, RULES, stamps, Arc::new(NoVoids))
}

/// Appends one file and tells how long it took.
async fn publish(store: &Store<Files, ArtifactPublished>, subject: &str, n: usize) -> Duration {
    let meta = Meta {
        actor: Actor::default(),
        request_id: String::new(),
        traceparent: String::new(),
        authz_seq: Arc::new(|| 1),
    };
    let filename = format!("p-{n}-0.conda");
    let file =
        ArtifactPublished { filename: filename.clone(), md5: vec![7; 1_000], ..ArtifactPublished::default() };
    let started = Instant::now();
    let done = store.execute(subject, &meta, |files: Option<&Files>| {
        if files.is_some_and(|files| files.contains_key(&filename)) {
            Err(())
        } else {
            Ok(vec![file.clone()])
        }
    });
    let Done { appended, state, .. } = done.await.expect("nobody else writes");
    let took = started.elapsed();
    assert!(appended && state.is_some_and(|files| files.len() == n + 1));
    took
}

#[tokio::test]
async fn the_ten_thousandth_append_costs_no_more_than_twice_the_hundredth() {
    const ROUNDS: usize = 200;
    let dir = tempfile::tempdir().unwrap();
    let server = NatsServer::start(dir.path(), NatsOptions::default()).await.unwrap();
    let store = store(&server).await;
    let (short, long) = ("evt.catalog.c.conda.short", "evt.catalog.c.conda.long");
    for n in 0..100 {
        publish(&store, short, n).await;
    }
    for n in 0..10_000 {
        publish(&store, long, n).await;
    }
    // In turn, so that both meet the same machine.
    let (mut shorts, mut longs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        shorts.push(publish(&store, short, 100 + round).await);
        longs.push(publish(&store, long, 10_000 + round).await);
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[ROUNDS / 2]
    };
    let (hundredth, ten_thousandth) = (median(&mut shorts), median(&mut longs));
    println!("the 100th append takes {hundredth:?}, the 10,000th {ten_thousandth:?}");
    assert!(ten_thousandth <= hundredth * 2, "{ten_thousandth:?} against {hundredth:?}");
}
