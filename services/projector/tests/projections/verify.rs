//! Rebuilding beside the live version, and showing that the two are the same.

use names::{PackageKind, TokenId};
use projector::Origin;
use readmodel::{
    Stream, UseRow,
    write::{NewLedgerRow, Rows, UsagePosition},
};
use time::macros::datetime;
use uuid::Uuid;

use crate::{
    events::{self, channel_id},
    world::World,
};

async fn stocked() -> World {
    let mut world = World::following().await;
    for event in [events::account(1), events::channel(1, 1), events::package(1, 1)] {
        world.writer.append(event).await;
    }
    for build in 0..20 {
        world.writer.append(events::published(1, 1, build, 10)).await;
        world.memory_barrier().await;
    }
    world.caught_up().await;
    world
}

impl World {
    async fn memory_barrier(&mut self) {
        let seq = self.log().barrier(eventlog::Stream::Catalog).await.unwrap();
        self.writer.ends.insert(eventlog::Stream::Catalog, seq);
    }
}

#[tokio::test]
async fn a_rebuild_beside_readers_and_writers_changes_no_byte() {
    let mut world = stocked().await;
    let (_, before) = world.reader.artifacts(channel_id(1), PackageKind::Conda, None).await.unwrap();
    let reading = tokio::spawn({
        let (reader, before) = (world.reader.clone(), before.clone());
        async move {
            for _ in 0..200 {
                let (_, rows) = reader.artifacts(channel_id(1), PackageKind::Conda, None).await.unwrap();
                assert!(
                    rows.starts_with(&before) || rows.iter().filter(|row| before.contains(row)).count() == 20
                );
            }
        }
    });
    let keyring = world.memory.keyring();
    // Not of the log, so no rebuild can bring it back: it is kept, and nobody finds it odd.
    let used = UseRow {
        token_id: TokenId(Uuid::from_u128(7)),
        string_no: 0,
        alive: true,
        at: datetime!(2026-11-21 12:00 UTC),
        address: "192.0.2.1".into(),
        client: "conda/24.9".into(),
        family: "conda".into(),
        outcome: "served".into(),
    };
    let position = UsagePosition { epoch: "e".into(), seq: 1 };
    world.db.record_uses(std::slice::from_ref(&used), &position).await.unwrap();
    for origin in [Origin::Log(world.log()), Origin::Ledger, Origin::Log(world.log())] {
        let number = world.db.live().await.unwrap().number;
        let (db, keyring) = (world.db.clone(), keyring.clone());
        let rebuilding = tokio::spawn(async move { projector::rebuild(&db, origin, &keyring).await });
        for build in 100..120 {
            world.writer.append(events::published(1, 1, build, 10)).await;
        }
        let rebuilt = rebuilding.await.unwrap().unwrap();
        assert_eq!(world.db.live().await.unwrap(), rebuilt.version);
        assert!(rebuilt.version.number > number);
        world.caught_up().await;
    }
    reading.await.unwrap();
    let (_, after) = world.reader.artifacts(channel_id(1), PackageKind::Conda, None).await.unwrap();
    assert!(before.iter().all(|row| after.contains(row)) && after.len() == 40);
    assert_eq!(world.reader.token_uses(&[used.token_id]).await.unwrap(), [used]);
    world.agrees().await;
}

#[tokio::test]
async fn a_tampered_row_and_a_tampered_ledger_are_found() {
    let world = stocked().await;
    let report = world.agrees().await;
    assert_eq!(report.lines.len(), 16, "{report}");
    let (_, rows) = world.reader.artifacts(channel_id(1), PackageKind::Conda, None).await.unwrap();
    let before = Rows { files: [(rows[0].key(), rows[0].clone())].into(), ..Rows::default() };
    let mut after = before.clone();
    after.files.values_mut().for_each(|row| row.sha256 = [66; 32]);
    let mut tx = world.db.begin_live().await.unwrap();
    tx.save(&before, &after).await.unwrap();
    let forged = NewLedgerRow { seq: 2, subject: "evt.catalog.forged", raw: b"forged", original_seq: None };
    tx.append_ledger(Stream::Catalog, &[forged]).await.unwrap();
    tx.commit().await.unwrap();

    let report = world.verify().await;
    assert!(!report.agrees());
    let wrong: Vec<_> = report.lines.iter().filter(|line| !line.agrees).collect();
    assert_eq!(
        wrong.iter().map(|line| line.what.as_str()).collect::<Vec<_>>(),
        ["table artifacts", "ledger CATALOG"]
    );
    assert_eq!((wrong[0].live, wrong[0].expected, wrong[0].differences.len()), (20, 20, 2));
    assert!(wrong[0].differences[0].contains(&"42".repeat(32)), "{report}");
    assert_eq!(wrong[1].differences, ["only the ledger has 2 on evt.catalog.forged"]);
}

#[tokio::test]
async fn two_builders_do_not_get_in_each_others_way() {
    let world = stocked().await;
    let guard = world.db.lock(readmodel::write::Lock::Builder).await.unwrap();
    let error = projector::verify(&world.db, &world.log()).await.unwrap_err();
    assert!(error.to_string().contains("under way"), "{error}");
    drop(guard);
    drop(world.db.lock(readmodel::write::Lock::Builder).await.unwrap());
    world.agrees().await;
}
