//! Executes every statement of this crate on a real Postgres.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

#[path = "statements/rows.rs"]
mod rows;

use std::time::Duration;

use names::{AccountId, ChannelId, GroupId, LabelName, PackageId, PackageKind, Privacy, TokenId};
use readmodel::{
    ArtifactRow, Checkpoint, FileKey, HistoryFilter, Order, PORTION, Packages, ReadError, Reader, Shelves,
    Stream, Wanted,
    write::{
        Beat, Database, LedgerCheckRow, Lock, NewLedgerRow, Purpose, PutBackRow, Rows, SHAPE, TABLES,
        WriteError,
    },
};
use servers::{Postgres, PostgresOptions};

use rows::{NOON, conda, full, history, id, keys_of, wheel};

const SOON: Duration = Duration::from_secs(10);

async fn postgres() -> (tempfile::TempDir, Postgres) {
    let dir = tempfile::tempdir().unwrap();
    let postgres = Postgres::start(dir.path(), PostgresOptions::default()).await.unwrap();
    (dir, postgres)
}

fn at(seq: u64) -> Checkpoint {
    Checkpoint { epoch: "e".into(), seq }
}

/// Saves the rows in the live version and moves CATALOG from one sequence to another.
async fn save(db: &Database, before: &Rows, after: &Rows, from: u64, to: u64) -> Result<(), WriteError> {
    let mut tx = db.begin_live().await?;
    tx.save(before, after).await?;
    let row = NewLedgerRow { seq: to, subject: "evt.catalog.x", raw: b"raw", original_seq: None };
    tx.append_ledger(Stream::Catalog, &[row]).await?;
    tx.advance(Stream::Catalog, from, &at(to)).await?;
    tx.announce(Stream::Catalog, &at(to)).await?;
    tx.commit().await
}

#[tokio::test]
async fn a_channel_larger_than_a_portion_is_read_to_its_end() {
    let (_dir, postgres) = postgres().await;
    let db = Database::connect(&postgres.url()).unwrap();
    db.migrate().await.unwrap();
    let reader = Reader::connect(&postgres.url()).await.unwrap();
    let (mut seq, mut before) = (0, Rows::default());
    for count in [PORTION, PORTION + 1] {
        let mut rows = Rows { history: vec![], ..full() };
        rows.files.clear();
        let files = (0..count).map(|n| conda(n.into(), &format!("p{n:06}")));
        rows.files.extend(files.map(|file| (file.key(), file)));
        save(&db, &before, &rows, seq, seq + 1).await.unwrap();
        (seq, before) = (seq + 1, rows);
        for subdir in [None, Some("linux-64")] {
            let read = reader.artifacts(ChannelId(id(3)), PackageKind::Conda, subdir).await.unwrap();
            assert_eq!(read.0, seq);
            assert!(read.1.iter().eq(before.files.values()), "{count} files, in order");
        }
    }
}

#[tokio::test]
async fn what_is_saved_is_loaded() {
    let (_dir, postgres) = postgres().await;
    let db = Database::connect(&postgres.url()).unwrap();
    db.migrate().await.unwrap();
    db.migrate().await.unwrap();
    let rows = full();
    save(&db, &Rows::default(), &rows, 0, 11).await.unwrap();
    let mut tx = db.begin_live().await.unwrap();
    let loaded = tx.load(&keys_of(&rows)).await.unwrap();
    assert_eq!(loaded, Rows { history: vec![], ..rows.clone() });

    let mut changed = loaded.clone();
    changed.accounts.get_mut(&AccountId(id(1))).unwrap().disabled = true;
    changed.tokens.get_mut(&TokenId(id(2))).unwrap().revoked_at = Some(NOON);
    changed.channels.get_mut(&ChannelId(id(3))).unwrap().privacy = Privacy::Public;
    changed.packages.get_mut(&PackageId(id(5))).unwrap().private = false;
    changed.packages.get_mut(&PackageId(id(5))).unwrap().grants.clear();
    changed.groups.get_mut(&GroupId(id(7))).unwrap().members.remove(&AccountId(id(90)));
    changed.files.remove(&conda(10, "b").key());
    changed.files.get_mut(&wheel().key()).unwrap().size = 5;
    tx.save(&loaded, &changed).await.unwrap();
    assert_eq!(tx.load(&keys_of(&rows)).await.unwrap(), changed);
    assert_eq!(tx.checkpoints().await.unwrap().catalog, at(11));
    assert_eq!(tx.live_checkpoints().await.unwrap().catalog, at(11));
}

#[tokio::test]
async fn readers_see_rows_and_their_sequence_together() {
    let (_dir, postgres) = postgres().await;
    let reader = Reader::connect(&postgres.url()).await.unwrap();
    let error = reader.checkpoint(Stream::Catalog).await.unwrap_err();
    assert!(error.may_pass(), "a database that nobody has migrated yet is unavailable: {error:?}");
    let db = Database::connect(&postgres.url()).unwrap();
    db.migrate().await.unwrap();
    save(&db, &Rows::default(), &full(), 0, 11).await.unwrap();

    let channel = ChannelId(id(3));
    assert_eq!(reader.checkpoint(Stream::Catalog).await.unwrap(), at(11));
    let conda_files = vec![conda(11, "a.c"), conda(10, "b")];
    let of = |subdir| reader.artifacts(channel, PackageKind::Conda, subdir);
    assert_eq!(of(None).await.unwrap(), (11, conda_files.clone()));
    assert_eq!(of(Some("linux-64")).await.unwrap(), (11, conda_files));
    assert_eq!(of(Some("noarch")).await.unwrap(), (11, vec![]), "nothing there has a sequence too");
    let named = reader.artifacts_named(channel, PackageKind::Pypi, "leaf-pkg").await.unwrap();
    assert_eq!(named, (11, vec![wheel()]));
    let file = reader.artifact_file(channel, PackageKind::Pypi, None, &wheel().filename).await.unwrap();
    assert_eq!(file, (11, Some(wheel())));
    let none = reader.artifact_file(channel, PackageKind::Conda, Some("noarch"), "x").await.unwrap();
    assert_eq!(none, (11, None));
    let dev = reader.artifacts_labelled(channel, &LabelName::parse("dev").unwrap()).await.unwrap();
    assert_eq!((dev.0, dev.1.len()), (11, 3));
    let absent = reader.artifacts_labelled(channel, &LabelName::parse("absent").unwrap()).await.unwrap();
    assert_eq!((absent.0, absent.1.len()), (11, 0));
    let labels = vec![("dev".to_owned(), 3), ("main".to_owned(), 3)];
    assert_eq!(reader.labels(channel, &Packages::all()).await.unwrap(), (11, labels));
    assert_eq!(reader.labels(ChannelId(id(99)), &Packages::all()).await.unwrap(), (11, vec![]));
    assert_eq!(reader.count_artifacts(channel, &Packages::all()).await.unwrap(), (11, 3));
    let wheels = wheel().package_id;
    for (packages, listed) in [
        (Packages::only([wheels]), vec![wheel()]),
        (Packages::only([]), vec![]),
        (Packages::except([wheels], wheel().authz_seq), vec![conda(11, "a.c"), conda(10, "b")]),
        (Packages::except([], wheel().authz_seq - 1), vec![]),
    ] {
        let (_, rows) = reader.list_artifacts(channel, &packages, None, 10).await.unwrap();
        assert_eq!(rows, listed, "{packages:?}");
        let (_, count) = reader.count_artifacts(channel, &packages).await.unwrap();
        assert_eq!(count, listed.len() as u64, "{packages:?}");
        let (_, labels) = reader.labels(channel, &packages).await.unwrap();
        assert_eq!(labels.first().map_or(0, |(_, files)| *files), count, "{packages:?}");
    }
    assert_eq!(reader.subdirs(channel).await.unwrap(), (11, vec!["linux-64".to_owned()]));
    listings_across_channels(&reader, channel).await;
}

async fn listings_across_channels(reader: &Reader, channel: ChannelId) {
    let wheels = wheel().package_id;
    for (packages, listed) in [
        (Packages::only([wheels]), vec!["leaf-pkg"]),
        (Packages::only([]), vec![]),
        (Packages::except([wheels], wheel().authz_seq), vec!["a.c", "b"]),
        (Packages::except([], wheel().authz_seq), vec!["a.c", "b", "leaf-pkg"]),
        (Packages::except([], wheel().authz_seq - 1), vec![]),
    ] {
        let mut shelves = Shelves::default();
        shelves.add(channel, packages);
        let named = async |order, window| {
            let found = reader.shelved(&shelves, &Wanted::default(), order, window).await.unwrap();
            found.into_iter().map(|package| package.name).collect::<Vec<_>>()
        };
        assert_eq!(named(Order::Name, (0, 10)).await, listed, "{shelves:?}");
        assert_eq!(named(Order::Backwards, (0, 10)).await, listed.iter().rev().copied().collect::<Vec<_>>());
        assert_eq!(named(Order::Name, (1, 1)).await, listed.get(1..2).unwrap_or_default());
        for order in [Order::Newest, Order::Oldest] {
            assert_eq!(named(order, (0, 10)).await.len(), listed.len());
        }
        let count = reader.count_shelved(&shelves, &Wanted::default()).await.unwrap();
        assert_eq!(count, listed.len() as u64, "{shelves:?}");
        let tallies = reader.tallies(&shelves).await.unwrap();
        assert_eq!(tallies.iter().map(|tally| tally.packages).sum::<u64>(), count);
        let wanted = Wanted { text: "leaf".into(), ..Wanted::default() };
        assert_eq!(
            reader.count_shelved(&shelves, &wanted).await.unwrap(),
            u64::from(listed.contains(&"leaf-pkg"))
        );
    }
}

#[tokio::test]
async fn pages_neither_repeat_nor_skip() {
    let (_dir, postgres) = postgres().await;
    let db = Database::connect(&postgres.url()).unwrap();
    db.migrate().await.unwrap();
    save(&db, &Rows::default(), &full(), 0, 11).await.unwrap();
    let reader = Reader::connect(&postgres.url()).await.unwrap();
    let channel = ChannelId(id(3));
    let (mut seen, mut after): (Vec<FileKey>, Option<FileKey>) = (Vec::new(), None);
    loop {
        let (seq, page) = reader.list_artifacts(channel, &Packages::all(), after.as_ref(), 2).await.unwrap();
        assert_eq!(seq, 11);
        after = page.last().map(ArtifactRow::key);
        seen.extend(page.iter().map(ArtifactRow::key));
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, full().files.keys().cloned().collect::<Vec<_>>());
    let all = HistoryFilter::default();
    let newest = reader.history(channel, &all, None, 1).await.unwrap();
    assert_eq!(newest, [history(2)]);
    assert_eq!(reader.history(channel, &all, newest.first(), 9).await.unwrap(), [history(1)]);
    assert_eq!(reader.history(channel, &all, Some(&history(1)), 9).await.unwrap(), []);
    let others = HistoryFilter { event: Some("channel_created".into()), actor: None };
    assert_eq!(reader.history(channel, &others, None, 9).await.unwrap(), []);
    let own = HistoryFilter { event: Some("artifact_published".into()), actor: Some(AccountId(id(1))) };
    assert_eq!(reader.history(channel, &own, None, 9).await.unwrap().len(), 2);
    for (filter, total) in [(&all, 2), (&others, 0), (&own, 2)] {
        assert_eq!(reader.count_history(channel, filter).await.unwrap(), total);
    }
    for (window, lines) in
        [((0, 9), &[history(2), history(1)][..]), ((1, 1), &[history(1)]), ((u64::MAX, 1), &[])]
    {
        assert_eq!(reader.history_window(channel, &all, window).await.unwrap(), lines, "{window:?}");
    }
    let unheard = HistoryFilter { event: Some("access\0changed".into()), actor: None };
    let refused = reader.history(channel, &unheard, None, 9).await;
    assert!(matches!(refused, Err(ReadError::Character(_))), "{refused:?}");
}

#[tokio::test]
async fn a_waiter_is_woken_by_the_commit_and_told_when_postgres_is_away() {
    let (_dir, mut postgres) = postgres().await;
    let db = Database::connect(&postgres.url()).unwrap();
    db.migrate().await.unwrap();
    let reader = Reader::connect(&postgres.url()).await.unwrap();
    let waiting = tokio::spawn({
        let reader = reader.clone();
        async move { reader.wait_checkpoint(Stream::Catalog, 11, SOON).await }
    });
    save(&db, &Rows::default(), &full(), 0, 11).await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 11);
    let behind = reader.wait_checkpoint(Stream::Catalog, 12, Duration::from_millis(50)).await.unwrap_err();
    assert!(matches!(behind, ReadError::Behind { wanted: 12, seen: 11, .. }), "{behind:?}");

    postgres.kill9().await;
    let away = reader.wait_checkpoint(Stream::Catalog, 12, Duration::from_millis(500)).await.unwrap_err();
    assert!(matches!(away, ReadError::Away { wanted: 12, .. }), "{away:?}");
    let away = reader.artifacts(ChannelId(id(3)), PackageKind::Conda, None).await.unwrap_err();
    assert!(matches!(away, ReadError::Unavailable(_)), "{away:?}");
    postgres.restart().await.unwrap();
    assert_eq!(reader.wait_checkpoint(Stream::Catalog, 11, SOON).await.unwrap(), 11);
    let later = Rows { history: vec![], ..full() };
    save(&db, &later, &later, 11, 12).await.unwrap();
    assert_eq!(reader.wait_checkpoint(Stream::Catalog, 12, SOON).await.unwrap(), 12);
}

#[tokio::test]
async fn a_second_writer_is_fenced_and_leaves_nothing() {
    let (_dir, postgres) = postgres().await;
    let db = Database::connect(&postgres.url()).unwrap();
    db.migrate().await.unwrap();
    save(&db, &Rows::default(), &Rows::default(), 0, 11).await.unwrap();
    let fenced = save(&db, &Rows::default(), &full(), 0, 12).await.unwrap_err();
    assert!(matches!(fenced, WriteError::Fenced { stream: Stream::Catalog, expected: 0 }), "{fenced:?}");
    let mut tx = db.begin_live().await.unwrap();
    let other_log = Checkpoint { epoch: "f".into(), seq: 12 };
    tx.advance(Stream::Catalog, 11, &other_log).await.unwrap_err();
    drop(tx);
    assert_eq!(db.ledger(Stream::Catalog, 0, 99, 9).await.unwrap().len(), 1);
    assert_eq!(db.ledger_end(Stream::Catalog).await.unwrap().unwrap().seq, 11);
    assert_eq!(db.ledger_end(Stream::Authz).await.unwrap(), None);
    assert_eq!(db.ledger_count(Stream::Catalog, 10, 11).await.unwrap(), 1);
    assert_eq!(db.ledger_count(Stream::Catalog, 11, 99).await.unwrap(), 0);
    let guard = db.lock(Lock::Writer).await.unwrap();
    assert!(db.try_lock(Lock::Writer).await.unwrap().is_none(), "somebody holds it");
    drop(guard);
    db.lock(Lock::Writer).await.unwrap();
}

#[tokio::test]
async fn a_version_goes_live_in_one_step_and_the_last_but_one_is_dropped() {
    let (_dir, postgres) = postgres().await;
    let db = Database::connect(&postgres.url()).unwrap();
    db.migrate().await.unwrap();
    save(&db, &Rows::default(), &full(), 0, 11).await.unwrap();
    let reader = Reader::connect(&postgres.url()).await.unwrap();
    let mut last = 1;
    for _ in 0..3 {
        let version = db.create(Purpose::Building).await.unwrap();
        assert_eq!(version.shape, SHAPE);
        assert!(version.number > last, "numbers are never used again");
        let mut tx = db.begin_swap(version).await.unwrap();
        let empty = tx.compare("artifacts").await.unwrap();
        assert_eq!((empty.live_rows, empty.rebuilt_rows, empty.is_none()), (3, 0, false));
        assert_eq!((empty.only_live.len(), empty.only_rebuilt.len()), (3, 0));
        tx.save(&Rows::default(), &full()).await.unwrap();
        tx.advance(Stream::Catalog, 0, &at(11)).await.unwrap();
        for table in TABLES {
            let difference = tx.compare(table).await.unwrap();
            assert!(difference.is_none(), "{difference:?}");
        }
        tx.go_live().await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(db.live().await.unwrap(), version);
        assert_eq!(db.checkpoints().await.unwrap().catalog, at(11));
        assert_eq!(reader.count_artifacts(ChannelId(id(3)), &Packages::all()).await.unwrap(), (11, 3));
        db.create(Purpose::Scratch).await.map(drop).unwrap();
        db.drop_leftovers().await.unwrap();
        last = version.number;
    }
    let pool = sqlx::PgPool::connect(&postgres.url()).await.unwrap();
    let schemas: i64 = sqlx::query_scalar(r"SELECT count(*) FROM pg_namespace WHERE nspname ~ '^p\d+$'")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(schemas, 2, "the live version and the one before it");
}

#[tokio::test]
async fn what_was_put_back_and_what_a_comparison_found_are_told() {
    let (_dir, postgres) = postgres().await;
    let db = Database::connect(&postgres.url()).unwrap();
    db.migrate().await.unwrap();
    let row = |seq, original_seq| NewLedgerRow { seq, subject: "evt.catalog.x", raw: b"raw", original_seq };
    let mut tx = db.begin_live().await.unwrap();
    tx.append_ledger(Stream::Catalog, &[row(3, None), row(7, Some(3)), row(8, Some(2))]).await.unwrap();
    tx.commit().await.unwrap();
    let told = |row: PutBackRow| (row.seq, row.place, row.subject, row.known);
    let subject = || "evt.catalog.x".to_owned();
    let all: Vec<_> = db.put_back(Stream::Catalog, 99).await.unwrap().into_iter().map(told).collect();
    assert_eq!(all, [(7, 3, subject(), true), (8, 2, subject(), false)]);
    assert_eq!(db.put_back(Stream::Catalog, 7).await.unwrap().len(), 1);
    assert_eq!(db.put_back(Stream::Authz, 99).await.unwrap(), []);

    let reader = Reader::connect(&postgres.url()).await.unwrap();
    assert_eq!(reader.ledger_checks().await.unwrap(), []);
    for missing in [0, 2] {
        let first_missing = (missing > 0).then_some(5);
        let found = LedgerCheckRow { seq: 9, missing, first_missing, differing: 1 };
        db.save_check(Stream::Catalog, &found).await.unwrap();
        let checks = reader.ledger_checks().await.unwrap();
        let [check] = &checks[..] else { panic!("{checks:?}") };
        assert_eq!((check.stream, check.seq, check.missing), (Stream::Catalog, 9, missing));
        assert_eq!((check.first_missing, check.differing, check.age_s), (first_missing, 1, 0));
    }
}

#[tokio::test]
async fn projectors_say_that_they_live() {
    let (_dir, postgres) = postgres().await;
    let db = Database::connect(&postgres.url()).unwrap();
    db.migrate().await.unwrap();
    let reader = Reader::connect(&postgres.url()).await.unwrap();
    let beat = |n| Beat { incarnation: id(n), name: format!("projector-{n}"), version: "1".into() };
    db.beat(&beat(1), false).await.unwrap();
    db.beat(&beat(2), false).await.unwrap();
    db.beat(&beat(1), true).await.unwrap();
    let told = reader.projectors().await.unwrap();
    let told: Vec<_> = told.iter().map(|row| (row.name.as_str(), row.active, row.age_s)).collect();
    assert_eq!(told, [("projector-1", true, 0), ("projector-2", false, 0)]);
    db.last_beat(id(1)).await.unwrap();
    assert_eq!(reader.projectors().await.unwrap().len(), 1);
}
