//! When the cache answers from memory, what it reads again, and what it says when it cannot know.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use access::View;
use gateway::index::Indexes;
use gateway::render::Rendered;
use gateway::render::negotiate::Format;
use names::{ChannelId, ProjectName};
use proptest::prelude::*;
use readmodel::ArtifactRow;
use runtime::{Code, TestClock};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::script::{OWNERS, READS_MAX, Script, change, conda, noarch, wheel};

/// Indexes whose feed has started, over these rows.
pub(crate) fn indexes(rows: &[ArtifactRow]) -> (Script, Arc<Indexes<Script>>, Arc<TestClock>) {
    let script = Script::new();
    for row in rows {
        script.apply(row, true);
    }
    let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
    let indexes = Arc::new(Indexes::new(script.clone(), script.0.access.clone(), clock.clone()));
    indexes.floor(*script.0.checkpoint.borrow());
    (script, indexes, clock)
}

async fn repodata(script: &Script, indexes: &Indexes<Script>) -> String {
    let rendered = indexes.conda(&all(script), &noarch(), None).await.unwrap().repodata_json().await.unwrap();
    String::from_utf8(rendered.bytes.to_vec()).unwrap()
}

fn all(script: &Script) -> View {
    script.sees(&OWNERS)
}

/// The shard of this hash, as the owner may have it.
async fn shard(script: &Script, indexes: &Indexes<Script>, hash: &[u8; 32]) -> Option<Arc<Rendered>> {
    indexes.shard(&all(script), &noarch(), None, hash).await.unwrap()
}

pub(crate) fn hash(rendered: &Rendered) -> [u8; 32] {
    Sha256::digest(&rendered.bytes).into()
}

#[tokio::test]
async fn nothing_is_answered_before_the_feed_has_said_where_it_starts() {
    let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
    let script = Script::new();
    let indexes = Indexes::new(script.clone(), script.0.access.clone(), clock);
    let failure = indexes.pypi(&script.sees(&OWNERS), None).await.err().unwrap();
    assert_eq!((failure.code, failure.retry_after_s), (Code::Unavailable, Some(1)));
}

#[tokio::test]
async fn memory_answers_alone_while_nothing_newer_was_heard() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    let first = repodata(&script, &indexes).await;
    script.set_away(true);
    assert_eq!(repodata(&script, &indexes).await, first);
    assert_eq!(script.reads(), ["all noarch"]);
}

#[tokio::test]
async fn a_change_reads_its_name_and_no_other() {
    let (script, indexes, _) = indexes(&[conda("a", "1"), conda("b", "1")]);
    let before = indexes.conda(&all(&script), &noarch(), None).await.unwrap();
    let index = before.shard_index().await.unwrap();
    indexes.heard(&script.apply(&conda("b", "2"), true));
    assert!(repodata(&script, &indexes).await.contains("b-2-0.conda"));
    assert_eq!(script.reads(), ["all noarch", "named b"]);
    let after = indexes.conda(&all(&script), &noarch(), None).await.unwrap();
    assert_ne!(after.shard_index().await.unwrap().etag, index.etag);
    assert_eq!(after.names().collect::<Vec<_>>(), ["a", "b"]);
    assert!(after.file("b-2-0.conda").is_some() && before.file("b-2-0.conda").is_none());
}

#[tokio::test]
async fn a_change_in_another_subdir_or_kind_or_channel_reads_nothing_here() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    let first = repodata(&script, &indexes).await;
    let elsewhere = ArtifactRow { subdir: "linux-64".into(), ..conda("a", "2") };
    let other = ArtifactRow { channel_id: ChannelId(Uuid::from_u128(9)), ..conda("a", "3") };
    for row in [elsewhere, other, wheel("a", "1")] {
        indexes.heard(&script.apply(&row, true));
    }
    script.set_away(true);
    assert_eq!(repodata(&script, &indexes).await, first);
}

#[tokio::test]
async fn what_was_heard_is_waited_for_and_then_shown() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    repodata(&script, &indexes).await;
    // The feed is ahead of the projector.
    indexes.heard(&change(&conda("a", "2"), 2));
    let asked = tokio::spawn({
        let (script, indexes) = (script.clone(), indexes.clone());
        async move { repodata(&script, &indexes).await }
    });
    tokio::task::yield_now().await;
    assert!(!asked.is_finished() && script.reads() == ["all noarch"]);
    script.apply(&conda("a", "2"), true);
    assert!(asked.await.unwrap().contains("a-2-0.conda"));
}

#[tokio::test]
async fn a_view_older_than_what_was_heard_is_refused_when_the_rows_are_away() {
    let (script, indexes, _) = indexes(&[conda("a", "1"), wheel("w", "1")]);
    repodata(&script, &indexes).await;
    indexes.heard(&script.apply(&conda("a", "2"), true));
    script.set_away(true);
    let failure = indexes.conda(&all(&script), &noarch(), None).await.err().unwrap();
    assert_eq!((failure.code, failure.retry_after_s), (Code::Unavailable, Some(1)));
    assert!(indexes.pypi(&all(&script), None).await.is_err(), "what was never read is not empty");
    script.set_away(false);
    assert!(repodata(&script, &indexes).await.contains("a-2-0.conda"));
}

#[tokio::test]
async fn a_new_floor_reads_everything_again() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    repodata(&script, &indexes).await;
    // Changes that nobody heard.
    script.apply(&conda("a", "1"), false);
    script.apply(&conda("c", "1"), true);
    indexes.floor(3);
    let read = repodata(&script, &indexes).await;
    assert!(read.contains("c-1-0.conda") && !read.contains("a-1-0.conda"));
    assert_eq!(script.reads(), ["all noarch", "all noarch"]);
}

#[tokio::test]
async fn a_replaced_shard_can_be_fetched_for_a_week() {
    let (script, indexes, clock) = indexes(&[conda("a", "1")]);
    let mut view = indexes.conda(&all(&script), &noarch(), None).await.unwrap();
    let mut hashes = Vec::new();
    for version in ["2", "3"] {
        hashes.push(shard_hash(&view.shard_index().await.unwrap()));
        indexes.heard(&script.apply(&conda("a", version), true));
        view = indexes.conda(&all(&script), &noarch(), None).await.unwrap();
    }
    for old in &hashes {
        let shard = shard(&script, &indexes, old).await.expect("a replaced shard");
        assert_eq!(hash(&shard), *old);
    }
    let current = shard_hash(&view.shard_index().await.unwrap());
    clock.advance(Duration::from_secs(7 * 24 * 3600));
    assert!(shard(&script, &indexes, &hashes[1]).await.is_none());
    assert!(shard(&script, &indexes, &current).await.is_some());
    assert!(shard(&script, &indexes, &[0; 32]).await.is_none());
}

/// The hash of the one shard in an index.
pub(crate) fn shard_hash(index: &Rendered) -> [u8; 32] {
    let content = zstd::decode_all(&*index.bytes).unwrap();
    let read: rattler_conda_types::ShardedRepodata = rmp_serde::from_slice(&content).unwrap();
    read.shards.values().next().unwrap().as_slice().try_into().unwrap()
}

#[tokio::test]
async fn a_read_that_shows_an_unchanged_package_keeps_its_shard() {
    let (script, indexes, _) = indexes(&[conda("a", "1"), conda("b", "1")]);
    let before = indexes.conda(&all(&script), &noarch(), None).await.unwrap().shard_index().await.unwrap();
    indexes.floor(2);
    script.apply(&wheel("w", "1"), true);
    indexes.floor(3);
    assert_eq!(
        indexes.conda(&all(&script), &noarch(), None).await.unwrap().shard_index().await.unwrap(),
        before
    );
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_read() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    let held = script.0.gate.acquire_many(READS_MAX).await.unwrap();
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let (script, indexes) = (script.clone(), indexes.clone());
            tokio::spawn(async move { repodata(&script, &indexes).await })
        })
        .collect();
    tokio::task::yield_now().await;
    assert!(asked.iter().all(|one| !one.is_finished()));
    drop(held);
    for one in asked {
        assert!(one.await.unwrap().contains("a-1-0.conda"));
    }
    assert_eq!(script.reads(), ["all noarch"]);
}

#[tokio::test]
async fn a_client_that_goes_away_takes_nobody_elses_read_with_it() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    let held = script.0.gate.acquire_many(READS_MAX).await.unwrap();
    let first = tokio::spawn({
        let (script, indexes) = (script.clone(), indexes.clone());
        async move { repodata(&script, &indexes).await }
    });
    tokio::task::yield_now().await;
    first.abort();
    drop(held);
    assert!(repodata(&script, &indexes).await.contains("a-1-0.conda"));
}

#[tokio::test]
async fn the_last_file_removed_leaves_an_empty_view() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    repodata(&script, &indexes).await;
    indexes.heard(&script.apply(&conda("a", "1"), false));
    assert!(repodata(&script, &indexes).await.contains(r#""packages.conda":{}"#));
    let view = indexes.conda(&all(&script), &noarch(), None).await.unwrap();
    assert_eq!((view.names().count(), view.last_modified()), (0, None));
}

#[tokio::test]
async fn an_upload_to_one_project_changes_its_page_and_no_other() {
    let (script, indexes, _) = indexes(&[wheel("a", "1"), wheel("b", "1")]);
    let page = |view: &gateway::index::PypiView, name: &str| {
        view.project_page(&ProjectName::parse(name).unwrap(), Format::Json)
    };
    let before = indexes.pypi(&all(&script), None).await.unwrap();
    indexes.heard(&script.apply(&wheel("a", "2"), true));
    let after = indexes.pypi(&all(&script), None).await.unwrap();
    assert_ne!(page(&before, "a"), page(&after, "a"));
    assert_eq!(page(&before, "b"), page(&after, "b"));
    assert!(page(&after, "c").is_none());
    assert!(after.file("a-2-py3-none-any.whl").is_some() && after.file("a-3-py3-none-any.whl").is_none());
    assert_eq!(before.projects(Format::Json), after.projects(Format::Json));
    assert_eq!(script.reads(), ["all pypi", "named a"]);
}

#[tokio::test]
async fn channeldata_follows_every_subdir() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    let first = indexes.channeldata(&all(&script), None).await.unwrap();
    assert_eq!(indexes.channeldata(&all(&script), None).await.unwrap(), first);
    let linux = ArtifactRow { subdir: "linux-64".into(), ..conda("a", "2") };
    indexes.heard(&script.apply(&linux, true));
    let read: serde_json::Value =
        serde_json::from_slice(&indexes.channeldata(&all(&script), None).await.unwrap().bytes).unwrap();
    assert_eq!(read["packages"]["a"]["version"], "2");
    assert_eq!(read["subdirs"], serde_json::json!(["linux-64", "noarch"]));
}

/// Everything that is cut from one subdir.
async fn documents(script: &Script, indexes: &Indexes<Script>) -> Vec<Arc<Rendered>> {
    let view = indexes.conda(&all(script), &noarch(), None).await.unwrap();
    vec![
        view.repodata_json().await.unwrap(),
        view.repodata_zst().await.unwrap(),
        view.shard_index().await.unwrap(),
        view.run_exports().await.unwrap(),
        view.run_exports_zst().await.unwrap(),
        indexes.channeldata(&all(script), None).await.unwrap(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn views_changed_name_by_name_equal_views_read_as_a_whole(
        changes in prop::collection::vec(("[a-c]", 0..4_u8, any::<bool>(), any::<bool>()), 1..24),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (script, indexes, clock) = indexes(&[]);
            let mut listed = BTreeMap::new();
            for (name, version, publish, ask) in changes {
                let row = conda(&name, &version.to_string());
                indexes.heard(&script.apply(&row, publish));
                listed.insert(row.filename, publish);
                if ask {
                    repodata(&script, &indexes).await;
                }
            }
            let afresh = Indexes::new(script.clone(), script.0.access.clone(), clock.clone());
            afresh.floor(*script.0.checkpoint.borrow());
            assert_eq!(documents(&script, &indexes).await, documents(&script, &afresh).await);
            let view = indexes.conda(&all(&script), &noarch(), None).await.unwrap();
            for (filename, listed) in listed {
                assert_eq!(view.file(&filename).is_some(), listed);
            }
        });
    }
}
