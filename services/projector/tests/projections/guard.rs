//! Two writers, and logs that are not the one the read models are of.

use std::sync::Arc;

use eventlog::{Log, Memory, MemoryOptions};
use projector::Stop;
use readmodel::{Checkpoint, Stream, write::NewLedgerRow};

use crate::{
    events,
    world::{SOON, World, Writer, stamps},
};

fn memory(epoch: &str) -> Arc<dyn Log> {
    Arc::new(Memory::new(stamps(), MemoryOptions { epoch: epoch.into(), ..MemoryOptions::default() }))
}

async fn two_accounts() -> World {
    let mut world = World::following().await;
    world.writer.append(events::account(1)).await;
    world.writer.append(events::account(2)).await;
    world.caught_up().await;
    world
}

#[tokio::test]
async fn a_second_projector_stands_by_and_takes_over() {
    let mut world = two_accounts().await;
    let (drain, mut second) = world.start(world.log());
    second.ready.wait_for(|ready| *ready).await.unwrap();
    world.writer.append(events::account(3)).await;
    world.caught_up().await;
    world.stop().await;
    world.writer.append(events::account(4)).await;
    world.caught_up().await;
    drain.start();
    second.task.await.unwrap().unwrap();
    world.agrees().await;
}

#[tokio::test]
async fn a_writer_that_was_overtaken_begins_again_from_the_checkpoint() {
    let mut world = two_accounts().await;
    // Somebody else has applied the next event, and commits while the projector tries to.
    let mut tx = world.db.begin_live().await.unwrap();
    let (subject, event) = events::account(3);
    let checkpoint = Checkpoint { epoch: "memory".into(), seq: 3 };
    tx.advance(Stream::Authz, 2, &checkpoint).await.unwrap();
    world.writer.append((subject.clone(), event)).await;
    let raw = world.log().read(eventlog::Stream::Authz, &subject, 0, 0).await.unwrap().remove(0).raw;
    let row = NewLedgerRow { seq: 3, subject: &subject, raw: &raw, original_seq: None };
    tx.append_ledger(Stream::Authz, &[row]).await.unwrap();
    tx.commit().await.unwrap();
    world.writer.append(events::account(4)).await;
    world.reader.wait_checkpoint(Stream::Authz, 4, SOON).await.unwrap();
    let ledger = world.db.ledger(Stream::Authz, 0, 99, 99).await.unwrap();
    assert_eq!(ledger.iter().map(|row| row.seq).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn another_log_is_refused_with_a_sentence() {
    let mut world = two_accounts().await;
    world.stop().await;
    let stop = world.refused(memory("another")).await;
    assert!(
        matches!(&stop, Stop::Epoch { known, found, .. } if known == "memory" && found == "another"),
        "{stop}"
    );
    assert!(stop.to_string().contains("DATABASE_URL"), "{stop}");
}

#[tokio::test]
async fn an_older_copy_of_the_log_is_refused() {
    let mut world = two_accounts().await;
    world.stop().await;
    let mut older = Writer::new(memory("memory"));
    older.append(events::account(1)).await;
    let stop = world.refused(older.log).await;
    assert!(matches!(stop, Stop::Older { end: 2, applied: 2, .. }), "{stop}");
}

#[tokio::test]
async fn a_log_with_other_events_is_refused() {
    let mut world = two_accounts().await;
    world.stop().await;
    let mut other = Writer::new(memory("memory"));
    for n in 5..9 {
        other.append(events::account(n)).await;
    }
    let stop = world.refused(other.log).await;
    assert!(matches!(stop, Stop::Replaced { seq: 2, .. }), "{stop}");
}
