//! What is appended stands in the rows: in order, once, and not if it is void.

use names::{AccountId, LabelName, PackageKind, Privacy, TokenId};
use proto::event::v1::event::Event;
use readmodel::{ReadError, Stream, write::Keys};
use std::time::Duration;

use crate::{
    events::{self, OWNER, TOKEN, channel_id, id, system, token_actor},
    world::World,
};

/// An owner with a token, a channel and a package.
async fn furnished() -> World {
    let mut world = World::following().await;
    for event in [
        events::account(1),
        events::issued(1, 1, 1),
        events::channel(1, 1),
        events::package(1, 1),
        events::package(1, 2),
    ] {
        world.writer.append(event).await;
    }
    world
}

#[tokio::test]
async fn each_noun_has_its_rows() {
    let mut world = furnished().await;
    for event in [
        events::revoked(1, 1),
        events::appointed(1, true),
        events::role(names::RoleId(id(OWNER, 9)), 1, false),
        events::disabled(1),
        events::described(1, "new"),
        events::opened(1),
        events::published(1, 1, 1, 10),
        events::published(1, 1, 1, 11),
        events::published(1, 2, 1, 10),
        events::removed(1, 2, 1, 10),
        events::labelled(1, 1, 1, 11, "dev rc1"),
        events::locked(1, "dev", true),
        events::indexed(1, true),
        events::wheel(1, 1),
        events::deleted(1),
    ] {
        world.writer.append(event).await;
    }
    world.caught_up().await;
    let mut keys = Keys::default();
    keys.accounts.insert(AccountId(id(OWNER, 1)));
    keys.tokens.insert(TokenId(id(TOKEN, 1)));
    keys.channels.insert(channel_id(1));
    let rows = world.db.begin_live().await.unwrap().load(&keys).await.unwrap();
    let account = &rows.accounts[&AccountId(id(OWNER, 1))];
    assert!(account.disabled && account.admin, "another role takes nothing of that");
    let token = &rows.tokens[&TokenId(id(TOKEN, 1))];
    assert!(token.revoked_at.is_some() && token.description.contains('\u{fffd}'));
    let channel = &rows.channels[&channel_id(1)];
    assert_eq!((channel.privacy, channel.description.as_str()), (Privacy::Public, "new"));
    assert!(channel.deleted_at.is_some());

    let (_, conda) = world.reader.artifacts(channel_id(1), PackageKind::Conda, None).await.unwrap();
    assert_eq!(
        conda.iter().map(|row| row.sha256[0]).collect::<Vec<_>>(),
        [11],
        "the last one published stands"
    );
    assert_eq!(conda[0].labels, ["dev", "rc1"].map(|label| LabelName::parse(label).unwrap()).into());
    let (_, python) = world.reader.artifacts(channel_id(1), PackageKind::Pypi, None).await.unwrap();
    assert_eq!(python.len(), 1);
    let mut history: Vec<String> = world
        .reader
        .history(channel_id(1), &readmodel::HistoryFilter::default(), None, 99)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.event)
        .collect();
    history.sort();
    let published = ["artifact_published"; 4];
    let others = [
        "artifact_removed",
        "channel_created",
        "channel_deleted",
        "channel_described",
        "indexing_changed",
        "label_lock_changed",
        "labels_changed",
    ];
    let expected: Vec<&str> = ["access_changed"]
        .into_iter()
        .chain(published)
        .chain(others)
        .chain(["package_created", "package_created", "token_issued", "token_revoked"])
        .collect();
    assert_eq!(history, expected);
    world.agrees().await;
}

#[tokio::test]
async fn a_void_event_is_in_the_ledger_and_in_no_row() {
    let mut world = furnished().await;
    world.writer.append(events::revoked(1, 1)).await;
    let seq = world.writer.append_by(token_actor(1, 1), events::described(1, "by a thief")).await;
    world.caught_up().await;
    let mut keys = Keys::default();
    keys.channels.insert(channel_id(1));
    let rows = world.db.begin_live().await.unwrap().load(&keys).await.unwrap();
    assert_eq!(rows.channels[&channel_id(1)].description, "");
    assert_eq!(world.db.ledger_end(Stream::Authz).await.unwrap().unwrap().seq, seq);

    // The table that knows it is made from the ledger after a restart.
    world.stop().await;
    world.follow().await;
    world.writer.append_by(token_actor(1, 1), events::described(1, "by a thief")).await;
    world.caught_up().await;
    let rows = world.db.begin_live().await.unwrap().load(&keys).await.unwrap();
    assert_eq!(rows.channels[&channel_id(1)].description, "");
    world.agrees().await;
}

#[tokio::test]
async fn content_waits_for_the_access_it_was_decided_at() {
    let mut world = furnished().await;
    world.caught_up().await;
    let (subject, event) = events::published(1, 1, 1, 10);
    let authz_seq = world.writer.end(eventlog::Stream::Authz) + 1;
    let envelope = world.writer.envelope(system(), authz_seq, vec![event]);
    let seq = world.writer.append_envelope(subject, envelope).await;
    let early = world.reader.wait_checkpoint(Stream::Catalog, seq, Duration::from_millis(300)).await;
    assert!(matches!(early, Err(ReadError::Behind { .. })), "{early:?}");
    world.writer.append(events::opened(1)).await;
    world.caught_up().await;
    let (_, files) = world.reader.artifacts(channel_id(1), PackageKind::Conda, None).await.unwrap();
    assert_eq!(files[0].authz_seq, authz_seq);
}

#[tokio::test]
async fn an_event_that_the_log_holds_twice_is_applied_once() {
    let mut world = furnished().await;
    let (subject, event) = events::published(1, 1, 1, 10);
    let envelope = world.writer.envelope(system(), 1, vec![event]);
    let first = world.writer.append_envelope(subject.clone(), envelope.clone()).await;
    world.writer.append(events::removed(1, 1, 1, 10)).await;
    let mut put_back = envelope;
    put_back.original_seq = Some(first);
    world.writer.append_envelope(subject, put_back).await;
    world.caught_up().await;
    let (_, files) = world.reader.artifacts(channel_id(1), PackageKind::Conda, None).await.unwrap();
    assert_eq!(files, [], "it was removed after it was published");
    assert_eq!(world.agrees().await.lines.iter().find(|line| line.what == "ledger CATALOG").unwrap().live, 3);
}

#[tokio::test]
async fn content_that_cannot_be_applied_parks_its_package_alone() {
    let mut world = furnished().await;
    world.writer.append(events::published(1, 1, 1, 10)).await;
    world.writer.append(events::removed(1, 1, 9, 9)).await;
    world.writer.append(events::published(1, 1, 2, 10)).await;
    world.writer.append(events::published(1, 2, 1, 10)).await;
    let (subject, Event::ArtifactPublished(mut strange)) = events::published(1, 2, 3, 10) else {
        unreachable!()
    };
    strange.sha256 = vec![1, 2, 3];
    let good = events::published(1, 2, 2, 10).1;
    let envelope = world.writer.envelope(system(), 1, vec![good, Event::ArtifactPublished(strange)]);
    world.writer.append_envelope(subject, envelope).await;
    world.caught_up().await;
    let (_, files) = world.reader.artifacts(channel_id(1), PackageKind::Conda, None).await.unwrap();
    let places: Vec<_> = files.iter().map(|row| row.filename.as_str()).collect();
    assert_eq!(
        places,
        ["pkg.1-1.0-h_1.conda", "pkg.2-1.0-h_1.conda"],
        "a decision is applied whole or not at all"
    );
    let mut keys = Keys::default();
    keys.subjects.extend([events::files_subject(1, 1), events::files_subject(1, 2)]);
    let parked = world.db.begin_live().await.unwrap().load(&keys).await.unwrap().parked;
    assert_eq!(parked.values().map(|row| row.seq).collect::<Vec<_>>(), [2, 5]);
    world.agrees().await;
}

#[tokio::test]
async fn access_that_cannot_be_applied_stops_authz_and_readiness() {
    let mut world = furnished().await;
    world.writer.append(events::published(1, 1, 1, 10)).await;
    world.caught_up().await;
    let last_good = world.writer.end(eventlog::Stream::Authz);
    world.writer.append(events::revoked(1, 77)).await;
    world.unready().await;
    let (subject, event) = events::published(1, 1, 2, 10);
    let envelope = world.writer.envelope(system(), last_good, vec![event]);
    let seq = world.writer.append_envelope(subject, envelope).await;
    world.reader.wait_checkpoint(Stream::Catalog, seq, crate::world::SOON).await.unwrap();
    assert_eq!(world.reader.checkpoint(Stream::Authz).await.unwrap().seq, last_good);
}
