//! A log that has lost something: it is found, put back, and everything agrees again.

use std::{path::Path, sync::Arc, time::Duration};

use eventlog::{JetStream, Log, NatsConfig, Stream, keys::Signer};
use projector::{Database, SWEEP};
use readmodel::{
    LedgerCheck, Reader,
    write::{Keys, Lock},
};
use runtime::{Ambient, Drain};
use servers::{Postgres, PostgresOptions};

use crate::{
    crash::servers,
    events::{self, channel_id},
    world::{CHECK_EVERY, SOON, World, Writer, habits, stamps},
};

/// What the acceptance grants, with the default pause between two rounds in it.
const FOUND_WITHIN: Duration = Duration::from_secs(60);

/// Waits for the checker's word, which gives no notice.
async fn until(reader: &Reader, what: &str, holds: impl Fn(&LedgerCheck) -> bool) -> LedgerCheck {
    let mut look = tokio::time::interval(CHECK_EVERY / 5);
    let looking = async {
        loop {
            look.tick().await;
            // On a machine that is busy Postgres may be late: asked again, it answers.
            let Ok(checks) = reader.ledger_checks().await else { continue };
            if let Some(found) = checks.into_iter().find(&holds) {
                return found;
            }
        }
    };
    tokio::time::timeout(FOUND_WITHIN, looking).await.unwrap_or_else(|_| panic!("not seen in time: {what}"))
}

fn is(stream: readmodel::Stream) -> impl Fn(&LedgerCheck) -> bool {
    move |check| check.stream == stream
}

/// Waits until a database that began while something was lost has it at its place.
async fn built_anew(db: &Database) {
    let first = 1;
    let mut look = tokio::time::interval(CHECK_EVERY / 5);
    let looking = async {
        while db.live().await.unwrap().number == first {
            look.tick().await;
        }
    };
    tokio::time::timeout(FOUND_WITHIN, looking).await.unwrap();
    // Whoever built it tidies up after it went live.
    drop(db.lock(Lock::Builder).await.unwrap());
}

async fn description(db: &Database) -> String {
    let mut keys = Keys::default();
    keys.channels.insert(channel_id(1));
    db.begin_live().await.unwrap().load(&keys).await.unwrap().channels[&channel_id(1)].description.clone()
}

/// A channel that was described three times.
async fn described() -> (World, [u64; 3]) {
    let mut world = World::checking().await;
    for event in [events::account(1), events::issued(1, 1, 1), events::channel(1, 1)] {
        world.writer.append(event).await;
    }
    let mut seqs = [0; 3];
    for (seq, text) in seqs.iter_mut().zip(["first", "second", "third"]) {
        *seq = world.writer.append(events::described(1, text)).await;
    }
    world.caught_up().await;
    (world, seqs)
}

#[tokio::test]
async fn what_is_lost_from_the_middle_is_found_and_comes_back_to_its_place() {
    let (mut world, [_, second, _]) = described().await;
    let (log, authz) = (world.log(), readmodel::Stream::Authz);
    until(&world.reader, "nothing is missing", |check| is(authz)(check) && check.missing == 0).await;
    world.memory.remove(Stream::Authz, second);
    let found = until(&world.reader, "one is missing", |check| is(authz)(check) && check.missing > 0).await;
    assert_eq!((found.missing, found.first_missing, found.differing), (1, Some(second), 0));
    let report = world.verify().await;
    assert!(report.to_string().contains(&format!("only the ledger has {second} on")), "{report}");

    let looked = projector::put_back(&world.db, &log, true).await.unwrap();
    assert_eq!((looked.len(), looked[0].place, looked[0].seq), (1, second, None));
    let restored = projector::put_back(&world.db, &log, false).await.unwrap();
    let seq = restored[0].seq.unwrap();
    world.writer.moved(&restored[0]);
    assert!(projector::put_back(&world.db, &log, false).await.unwrap().is_empty(), "once is enough");
    world.caught_up().await;
    until(&world.reader, "it is back", |check| is(authz)(check) && check.missing == 0 && check.seq >= seq)
        .await;
    assert_eq!(description(&world.db).await, "third", "the last word stands, whatever was put back after it");
    world.agrees().await;

    // The read models built anew, from either copy, and by a projector that begins with nothing.
    for origin in [projector::Origin::Log(log.clone()), projector::Origin::Ledger] {
        projector::rebuild(&world.db, origin, &world.memory.keyring()).await.unwrap();
        assert_eq!(description(&world.db).await, "third");
        world.agrees().await;
    }
    world.stop().await;
    let dir = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(dir.path(), PostgresOptions::default()).await.unwrap();
    world.db = Database::connect(&postgres.url()).unwrap();
    world.reader = Reader::connect(&postgres.url()).await.unwrap();
    world.follow().await;
    world.caught_up().await;
    built_anew(&world.db).await;
    world.agrees().await;
    assert_eq!(description(&world.db).await, "third");
    world.stop().await;
    world.follow().await;
    world.writer.append(events::described(1, "fourth")).await;
    world.caught_up().await;
    world.agrees().await;
}

#[tokio::test]
async fn what_is_lost_twice_is_put_back_twice_and_what_is_many_is_found_one_by_one() {
    let (mut world, [first, second, third]) = described().await;
    let catalog = readmodel::Stream::Catalog;
    for number in 0..SWEEP + 50 {
        let build = u8::try_from(number % 250).unwrap();
        world.writer.append(events::published(1, 1, build, 10)).await;
    }
    world.caught_up().await;
    let lost = [7, 1_030, SWEEP + 20];
    lost.iter().for_each(|seq| world.memory.remove(Stream::Catalog, *seq));
    let found =
        until(&world.reader, "three are missing", |check| is(catalog)(check) && check.missing == 3).await;
    assert_eq!(found.first_missing, Some(lost[0]));

    let mut stands = third;
    for _ in 0..2 {
        world.memory.remove(Stream::Authz, stands);
        let restored = projector::put_back(&world.db, &world.log(), false).await.unwrap();
        let back = restored.iter().find(|one| one.stream == Stream::Authz).unwrap();
        assert_eq!(back.place, third);
        stands = back.seq.unwrap();
        world.writer.moved(back);
        world.caught_up().await;
    }
    let end = world.log().barrier(Stream::Catalog).await.unwrap();
    world.writer.ends.insert(Stream::Catalog, end);
    world.caught_up().await;
    world.agrees().await;
    until(&world.reader, "all are back", |check| {
        is(catalog)(check) && check.missing == 0 && check.seq >= end
    })
    .await;
    assert!(first < second && description(&world.db).await == "third");
}

#[tokio::test]
async fn an_account_that_was_lost_when_a_database_began_is_known_there_afterwards() {
    let mut world = World::new().await;
    let account = world.writer.append(events::account(1)).await;
    for event in [events::issued(1, 1, 1), events::channel(1, 1)] {
        world.writer.append(event).await;
    }
    world.writer.append_by(events::token_actor(1, 1), events::described(1, "by the token")).await;
    world.follow().await;
    world.caught_up().await;
    world.memory.remove(Stream::Authz, account);
    let restored = projector::put_back(&world.db, &world.log(), false).await.unwrap();
    world.writer.moved(&restored[0]);
    world.caught_up().await;
    world.stop().await;
    let dir = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(dir.path(), PostgresOptions::default()).await.unwrap();
    world.db = Database::connect(&postgres.url()).unwrap();
    world.reader = Reader::connect(&postgres.url()).await.unwrap();
    world.follow().await;
    world.caught_up().await;
    built_anew(&world.db).await;
    world.agrees().await;
    assert_eq!(description(&world.db).await, "by the token", "it is not void: its maker's account is back");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_removed_through_the_api_is_found_and_put_back() {
    let dir = tempfile::tempdir().unwrap();
    let servers = servers(dir.path()).await;
    let nats = NatsConfig { deny_delete: false, ..NatsConfig::new(servers.nats.url(), "test") };
    let signer = Signer::parse(&servers.signer).unwrap();
    let jetstream = JetStream::connect(nats, stamps(), Some(signer), servers.keyring.clone()).await.unwrap();
    let log: Arc<dyn Log> = Arc::new(jetstream.clone());
    let (db, drain) = (Database::connect(&servers.postgres.url()).unwrap(), Drain::new());
    let reader = Reader::connect(&servers.postgres.url()).await.unwrap();
    let following = projector::follow(
        db.clone(),
        log.clone(),
        servers.keyring.clone(),
        habits(CHECK_EVERY),
        drain.clone(),
    );
    let mut writer = Writer::new(log.clone());
    for event in [events::account(1), events::channel(1, 1), events::package(1, 1)] {
        writer.append(event).await;
    }
    let mut published = Vec::new();
    for build in 0..30 {
        log.barrier(Stream::Catalog).await.unwrap();
        published.push(writer.append(events::published(1, 1, build, 10)).await);
    }
    reader.wait_checkpoint(readmodel::Stream::Catalog, writer.end(Stream::Catalog), SOON).await.unwrap();

    let stream = async_nats::jetstream::new(jetstream.client()).get_stream("CATALOG").await.unwrap();
    assert!(stream.delete_message(published[9]).await.unwrap());
    let found = until(&reader, "one is missing", |check| check.missing > 0).await;
    assert_eq!((found.stream, found.first_missing), (readmodel::Stream::Catalog, Some(published[9])));
    let restored = projector::put_back(&db, &log, false).await.unwrap();
    assert_eq!((restored.len(), restored[0].place), (1, published[9]));
    let seq = restored[0].seq.unwrap();
    reader.wait_checkpoint(readmodel::Stream::Catalog, seq, SOON).await.unwrap();
    let report = projector::verify(&db, &log).await.unwrap();
    assert!(report.agrees(), "{report}");
    until(&reader, "it is back", |check| check.seq >= seq && check.missing == 0).await;
    drain.start();
    following.task.await.unwrap().unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_nats_from_before_stops_the_projector_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let mut servers = servers(dir.path()).await;
    let (data, before) = (dir.path().join("nats"), dir.path().join("before"));
    let signer = Signer::parse(&servers.signer).unwrap();
    let nats = NatsConfig::new(servers.nats.url(), "test");
    let log = JetStream::connect(nats, stamps(), Some(signer), servers.keyring.clone()).await.unwrap();
    let log: Arc<dyn Log> = Arc::new(log);
    let mut writer = Writer::new(log.clone());
    writer.append(events::account(1)).await;
    servers.nats.stop().await;
    copy(&data, &before);
    servers.nats.restart().await.unwrap();
    let drain = Drain::new();
    let running = projector::start(servers.config.clone(), Ambient::system(), drain.clone()).await.unwrap();
    let reader = Reader::connect(&servers.config.database_url).await.unwrap();
    for n in 2..12 {
        writer.append(events::account(n)).await;
    }
    reader.wait_checkpoint(readmodel::Stream::Authz, writer.end(Stream::Authz), SOON).await.unwrap();

    servers.nats.kill9().await;
    std::fs::remove_dir_all(&data).unwrap();
    copy(&before, &data);
    servers.nats.restart().await.unwrap();
    // The one that runs notices, and so does every one that begins.
    let stopped = tokio::time::timeout(FOUND_WITHIN, running.task).await.unwrap().unwrap().unwrap_err();
    assert!(stopped.to_string().contains("restored from an older copy"), "{stopped:#}");
    let started = projector::start(servers.config.clone(), Ambient::system(), Drain::new()).await;
    let refused = match started {
        Ok(started) => started.task.await.unwrap().unwrap_err(),
        Err(refused) => refused,
    };
    let refused = format!("{refused:#}");
    assert!(refused.contains("AUTHZ is an older copy") && refused.contains("restore a newer"), "{refused}");
    let db = Database::connect(&servers.config.database_url).unwrap();
    let refused = projector::put_back(&db, &log, false).await.unwrap_err();
    assert!(refused.to_string().contains("restore a newer copy first"), "{refused}");
}
