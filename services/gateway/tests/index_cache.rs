//! The cache of indexes over a scripted read model: when it answers from memory, what it reads again, and what it
//! says when it cannot know.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gateway::index::{Indexes, Rows};
use gateway::render::Rendered;
use gateway::render::negotiate::Format;
use names::{ArtifactId, ChannelId, LabelName, PackageId, PackageKind, ProjectName, Subdir};
use proptest::prelude::*;
use proto::event::v1::PackageKind as Kind;
use proto::feed::v1::ContentChange;
use readmodel::ArtifactRow;
use runtime::{Code, Failure, TestClock};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use tokio::sync::{Semaphore, watch};
use uuid::Uuid;

const CHANNEL: ChannelId = ChannelId(Uuid::from_u128(1));

/// Reads at one time, more than any test needs.
const READS_MAX: u32 = 1000;

/// A read model that a test moves by hand.
#[derive(Clone)]
struct Script(Arc<World>);

struct World {
    checkpoint: watch::Sender<u64>,
    rows: Mutex<Vec<ArtifactRow>>,
    reads: Mutex<Vec<String>>,
    /// One permit per read; a test that holds them all holds every read.
    gate: Semaphore,
    away: Mutex<bool>,
}

impl Script {
    fn new() -> Self {
        Self(Arc::new(World {
            checkpoint: watch::Sender::new(0),
            rows: Mutex::default(),
            reads: Mutex::default(),
            gate: Semaphore::new(READS_MAX as usize),
            away: Mutex::new(false),
        }))
    }

    /// The projector applies a change; gives what the content feed says of it.
    fn apply(&self, row: &ArtifactRow, listed: bool) -> ContentChange {
        let seq = *self.0.checkpoint.borrow() + 1;
        let mut rows = self.0.rows.lock().unwrap();
        rows.retain(|other| other.filename != row.filename || other.subdir != row.subdir);
        if listed {
            rows.push(row.clone());
        }
        drop(rows);
        self.0.checkpoint.send_replace(seq);
        change(row, seq)
    }

    fn set_away(&self, away: bool) {
        *self.0.away.lock().unwrap() = away;
    }

    fn reads(&self) -> Vec<String> {
        std::mem::take(&mut self.0.reads.lock().unwrap())
    }

    async fn read(
        &self,
        what: String,
        wanted: impl Fn(&ArtifactRow) -> bool,
    ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
        self.0.reads.lock().unwrap().push(what);
        let _permit = self.0.gate.acquire().await.unwrap();
        if *self.0.away.lock().unwrap() {
            return Err(Failure::unavailable("away"));
        }
        let rows = self.0.rows.lock().unwrap().iter().filter(|row| wanted(row)).cloned().collect();
        Ok((*self.0.checkpoint.borrow(), rows))
    }
}

impl Rows for Script {
    async fn wait(&self, seq: u64) -> Result<(), Failure> {
        if *self.0.away.lock().unwrap() {
            return Err(Failure::unavailable("away"));
        }
        self.0.checkpoint.subscribe().wait_for(|reached| *reached >= seq).await.unwrap();
        Ok(())
    }

    async fn all(
        &self,
        channel: ChannelId,
        kind: PackageKind,
        subdir: Option<&str>,
    ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
        let of = |row: &ArtifactRow| {
            row.channel_id == channel && row.kind == kind && subdir.is_none_or(|subdir| row.subdir == subdir)
        };
        self.read(format!("all {}", subdir.unwrap_or("pypi")), of).await
    }

    async fn named(
        &self,
        channel: ChannelId,
        kind: PackageKind,
        name: &str,
    ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
        let of = |row: &ArtifactRow| row.channel_id == channel && row.kind == kind && row.name == name;
        self.read(format!("named {name}"), of).await
    }
}

fn change(row: &ArtifactRow, seq: u64) -> ContentChange {
    let kind = match row.kind {
        PackageKind::Conda => Kind::Conda,
        PackageKind::Pypi => Kind::Pypi,
    };
    ContentChange {
        seq,
        channel_id: row.channel_id.to_bytes(),
        kind: kind.into(),
        subdir: row.subdir.clone(),
        name: row.name.clone(),
        authz_seq: 0,
    }
}

fn row(kind: PackageKind, name: &str, version: &str, filename: String) -> ArtifactRow {
    ArtifactRow {
        artifact_id: ArtifactId(Uuid::from_u128(2)),
        package_id: PackageId(Uuid::from_u128(3)),
        channel_id: CHANNEL,
        kind,
        name: name.into(),
        subdir: String::new(),
        version: version.into(),
        build: "0".into(),
        build_number: 0,
        sha256: Sha256::digest(&filename).into(),
        md5: [0; 16],
        size: 1,
        record_json: format!(r#"{{"name":"{name}","version":"{version}"}}"#),
        run_exports_json: "{}".into(),
        channeldata_json: "{}".into(),
        indexed_timestamp_ms: 0,
        filetype: None,
        project: name.into(),
        requires_python: String::new(),
        metadata_sha256: None,
        metadata_size: 0,
        summary: String::new(),
        uploaded_at: OffsetDateTime::UNIX_EPOCH,
        seq: 0,
        authz_seq: 0,
        labels: [LabelName::main()].into(),
        filename,
    }
}

fn conda(name: &str, version: &str) -> ArtifactRow {
    ArtifactRow {
        subdir: "noarch".into(),
        ..row(PackageKind::Conda, name, version, format!("{name}-{version}-0.conda"))
    }
}

fn wheel(name: &str, version: &str) -> ArtifactRow {
    row(PackageKind::Pypi, name, version, format!("{name}-{version}-py3-none-any.whl"))
}

fn noarch() -> Subdir {
    Subdir::parse("noarch").unwrap()
}

/// Indexes whose feed has started, over these rows.
fn indexes(rows: &[ArtifactRow]) -> (Script, Arc<Indexes<Script>>, Arc<TestClock>) {
    let script = Script::new();
    for row in rows {
        script.apply(row, true);
    }
    let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
    let indexes = Arc::new(Indexes::new(script.clone(), clock.clone()));
    indexes.floor(*script.0.checkpoint.borrow());
    (script, indexes, clock)
}

async fn repodata(indexes: &Indexes<Script>) -> String {
    let rendered = indexes.conda(CHANNEL, &noarch()).await.unwrap().repodata_json().await.unwrap();
    String::from_utf8(rendered.bytes.to_vec()).unwrap()
}

fn hash(rendered: &Rendered) -> [u8; 32] {
    Sha256::digest(&rendered.bytes).into()
}

#[tokio::test]
async fn nothing_is_answered_before_the_feed_has_said_where_it_starts() {
    let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
    let indexes = Indexes::new(Script::new(), clock);
    let failure = indexes.pypi(CHANNEL).await.err().unwrap();
    assert_eq!((failure.code, failure.retry_after_s), (Code::Unavailable, Some(1)));
}

#[tokio::test]
async fn memory_answers_alone_while_nothing_newer_was_heard() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    let first = repodata(&indexes).await;
    script.set_away(true);
    assert_eq!(repodata(&indexes).await, first);
    assert_eq!(script.reads(), ["all noarch"]);
}

#[tokio::test]
async fn a_change_reads_its_name_and_no_other() {
    let (script, indexes, _) = indexes(&[conda("a", "1"), conda("b", "1")]);
    let before = indexes.conda(CHANNEL, &noarch()).await.unwrap();
    let index = before.shard_index().await.unwrap();
    indexes.heard(&script.apply(&conda("b", "2"), true));
    assert!(repodata(&indexes).await.contains("b-2-0.conda"));
    assert_eq!(script.reads(), ["all noarch", "named b"]);
    let after = indexes.conda(CHANNEL, &noarch()).await.unwrap();
    assert_ne!(after.shard_index().await.unwrap().etag, index.etag);
    assert_eq!(after.names().collect::<Vec<_>>(), ["a", "b"]);
    assert!(after.file("b-2-0.conda").is_some() && before.file("b-2-0.conda").is_none());
}

#[tokio::test]
async fn a_change_in_another_subdir_or_kind_or_channel_reads_nothing_here() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    let first = repodata(&indexes).await;
    let elsewhere = ArtifactRow { subdir: "linux-64".into(), ..conda("a", "2") };
    let other = ArtifactRow { channel_id: ChannelId(Uuid::from_u128(9)), ..conda("a", "3") };
    for row in [elsewhere, other, wheel("a", "1")] {
        indexes.heard(&script.apply(&row, true));
    }
    script.set_away(true);
    assert_eq!(repodata(&indexes).await, first);
}

#[tokio::test]
async fn what_was_heard_is_waited_for_and_then_shown() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    repodata(&indexes).await;
    // The feed is ahead of the projector.
    indexes.heard(&change(&conda("a", "2"), 2));
    let asked = tokio::spawn({
        let indexes = indexes.clone();
        async move { repodata(&indexes).await }
    });
    tokio::task::yield_now().await;
    assert!(!asked.is_finished() && script.reads() == ["all noarch"]);
    script.apply(&conda("a", "2"), true);
    assert!(asked.await.unwrap().contains("a-2-0.conda"));
}

#[tokio::test]
async fn a_view_older_than_what_was_heard_is_refused_when_the_rows_are_away() {
    let (script, indexes, _) = indexes(&[conda("a", "1"), wheel("w", "1")]);
    repodata(&indexes).await;
    indexes.heard(&script.apply(&conda("a", "2"), true));
    script.set_away(true);
    let failure = indexes.conda(CHANNEL, &noarch()).await.err().unwrap();
    assert_eq!((failure.code, failure.retry_after_s), (Code::Unavailable, Some(1)));
    assert!(indexes.pypi(CHANNEL).await.is_err(), "what was never read is not empty");
    script.set_away(false);
    assert!(repodata(&indexes).await.contains("a-2-0.conda"));
}

#[tokio::test]
async fn a_new_floor_reads_everything_again() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    repodata(&indexes).await;
    // Changes that nobody heard.
    script.apply(&conda("a", "1"), false);
    script.apply(&conda("c", "1"), true);
    indexes.floor(3);
    let read = repodata(&indexes).await;
    assert!(read.contains("c-1-0.conda") && !read.contains("a-1-0.conda"));
    assert_eq!(script.reads(), ["all noarch", "all noarch"]);
}

#[tokio::test]
async fn a_replaced_shard_can_be_fetched_for_a_week() {
    let (script, indexes, clock) = indexes(&[conda("a", "1")]);
    let mut view = indexes.conda(CHANNEL, &noarch()).await.unwrap();
    let mut hashes = Vec::new();
    for version in ["2", "3"] {
        hashes.push(shard_hash(&view.shard_index().await.unwrap()));
        indexes.heard(&script.apply(&conda("a", version), true));
        view = indexes.conda(CHANNEL, &noarch()).await.unwrap();
    }
    for old in &hashes {
        let shard = view.shard(old).await.unwrap().expect("a replaced shard");
        assert_eq!(hash(&shard), *old);
    }
    let current = shard_hash(&view.shard_index().await.unwrap());
    clock.advance(Duration::from_secs(7 * 24 * 3600));
    assert!(view.shard(&hashes[1]).await.unwrap().is_none());
    assert!(view.shard(&current).await.unwrap().is_some());
    assert!(view.shard(&[0; 32]).await.unwrap().is_none());
}

/// The hash of the one shard in an index.
fn shard_hash(index: &Rendered) -> [u8; 32] {
    let content = zstd::decode_all(&*index.bytes).unwrap();
    let read: rattler_conda_types::ShardedRepodata = rmp_serde::from_slice(&content).unwrap();
    read.shards.values().next().unwrap().as_slice().try_into().unwrap()
}

#[tokio::test]
async fn a_read_that_shows_an_unchanged_package_keeps_its_shard() {
    let (script, indexes, _) = indexes(&[conda("a", "1"), conda("b", "1")]);
    let before = indexes.conda(CHANNEL, &noarch()).await.unwrap().shard_index().await.unwrap();
    indexes.floor(2);
    script.apply(&wheel("w", "1"), true);
    indexes.floor(3);
    assert_eq!(indexes.conda(CHANNEL, &noarch()).await.unwrap().shard_index().await.unwrap(), before);
}

#[tokio::test]
async fn many_who_ask_at_once_share_one_read() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    let held = script.0.gate.acquire_many(READS_MAX).await.unwrap();
    let asked: Vec<_> = (0..50)
        .map(|_| {
            let indexes = indexes.clone();
            tokio::spawn(async move { repodata(&indexes).await })
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
        let indexes = indexes.clone();
        async move { repodata(&indexes).await }
    });
    tokio::task::yield_now().await;
    first.abort();
    drop(held);
    assert!(repodata(&indexes).await.contains("a-1-0.conda"));
}

#[tokio::test]
async fn the_last_file_removed_leaves_an_empty_view() {
    let (script, indexes, _) = indexes(&[conda("a", "1")]);
    repodata(&indexes).await;
    indexes.heard(&script.apply(&conda("a", "1"), false));
    assert!(repodata(&indexes).await.contains(r#""packages.conda":{}"#));
    let view = indexes.conda(CHANNEL, &noarch()).await.unwrap();
    assert_eq!((view.names().count(), view.last_modified()), (0, None));
}

#[tokio::test]
async fn an_upload_to_one_project_changes_its_page_and_no_other() {
    let (script, indexes, _) = indexes(&[wheel("a", "1"), wheel("b", "1")]);
    let page = |view: &gateway::index::PypiView, name: &str| {
        view.project_page(&ProjectName::parse(name).unwrap(), Format::Json)
    };
    let before = indexes.pypi(CHANNEL).await.unwrap();
    indexes.heard(&script.apply(&wheel("a", "2"), true));
    let after = indexes.pypi(CHANNEL).await.unwrap();
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
    let first = indexes.channeldata(CHANNEL).await.unwrap();
    assert_eq!(indexes.channeldata(CHANNEL).await.unwrap(), first);
    let linux = ArtifactRow { subdir: "linux-64".into(), ..conda("a", "2") };
    indexes.heard(&script.apply(&linux, true));
    let read: serde_json::Value =
        serde_json::from_slice(&indexes.channeldata(CHANNEL).await.unwrap().bytes).unwrap();
    assert_eq!(read["packages"]["a"]["version"], "2");
    assert_eq!(read["subdirs"], serde_json::json!(["linux-64", "noarch"]));
}

/// Everything that is cut from one subdir.
async fn documents(indexes: &Indexes<Script>) -> Vec<Rendered> {
    let view = indexes.conda(CHANNEL, &noarch()).await.unwrap();
    vec![
        view.repodata_json().await.unwrap(),
        view.repodata_zst().await.unwrap(),
        view.shard_index().await.unwrap(),
        view.run_exports().await.unwrap(),
        view.run_exports_zst().await.unwrap(),
        indexes.channeldata(CHANNEL).await.unwrap(),
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
                    repodata(&indexes).await;
                }
            }
            let afresh = Indexes::new(script.clone(), clock.clone());
            afresh.floor(*script.0.checkpoint.borrow());
            assert_eq!(documents(&indexes).await, documents(&afresh).await);
            let view = indexes.conda(CHANNEL, &noarch()).await.unwrap();
            for (filename, listed) in listed {
                assert_eq!(view.file(&filename).is_some(), listed);
            }
        });
    }
}
