//! What is shown to whom: nothing hidden in anything that is cut for a viewer, and nothing cut twice for two who see the
//! same.

use std::sync::Arc;

use access::Caller;
use gateway::index::Indexes;
use gateway::render::negotiate::Format;
use names::{LabelName, PackageKind, ProjectName};
use readmodel::ArtifactRow;
use time::macros::datetime;

use crate::cache::{indexes, shard_hash};
use crate::script::{OWNERS, Script, conda, noarch, wheel};

/// Everything that a caller reads of the channel, each with what stands around it: tags and times.
async fn read(script: &Script, indexes: &Indexes<Script>, caller: &Caller) -> Vec<String> {
    let view = script.sees(caller);
    let conda = indexes.conda(&view, &noarch(), None).await.unwrap();
    let python = indexes.pypi(&view, None).await.unwrap();
    let mut documents = vec![
        conda.repodata_json().await.unwrap(),
        conda.repodata_zst().await.unwrap(),
        conda.run_exports().await.unwrap(),
        conda.run_exports_zst().await.unwrap(),
        conda.shard_index().await.unwrap(),
        indexes.channeldata(&view, None).await.unwrap(),
    ];
    for format in [Format::Json, Format::Html, Format::TextHtml] {
        documents.push(python.projects(format));
        documents.extend(
            ["shown", "secret"].map(name).iter().filter_map(|name| python.project_page(name, format)),
        );
    }
    documents
        .iter()
        .map(|document| {
            let bytes = zstd::decode_all(&*document.bytes).unwrap_or_else(|_| document.bytes.to_vec());
            let text = String::from_utf8_lossy(&bytes).into_owned();
            format!("{} {:?} {text}", document.etag, document.last_modified)
        })
        .collect()
}

fn name(text: &str) -> ProjectName {
    ProjectName::parse(text).unwrap()
}

fn labelled(row: ArtifactRow, labels: &[&str]) -> ArtifactRow {
    ArtifactRow { labels: labels.iter().map(|label| label_name(label)).collect(), ..row }
}

fn label_name(text: &str) -> LabelName {
    LabelName::parse(text).unwrap()
}

fn late(row: ArtifactRow) -> ArtifactRow {
    ArtifactRow { uploaded_at: datetime!(2026-11-25 12:00 UTC), ..row }
}

fn hide(script: &Script) {
    script.package(PackageKind::Conda, "secret", true);
    script.package(PackageKind::Pypi, "secret", true);
}

#[tokio::test]
async fn a_private_package_leaves_no_trace_in_what_others_read() {
    let (script, indexes, _) = indexes(&[conda("shown", "1"), wheel("shown", "1")]);
    let before = read(&script, &indexes, &Caller::Nobody).await;
    hide(&script);
    for row in [late(conda("secret", "1")), late(wheel("secret", "1"))] {
        indexes.heard(&script.apply(&row, true));
    }
    assert_eq!(read(&script, &indexes, &Caller::Nobody).await, before);
    let owners = read(&script, &indexes, &OWNERS).await;
    assert!(owners.iter().filter(|document| document.contains("secret")).count() >= before.len());
    let view = script.sees(&Caller::Nobody);
    assert!(indexes.conda(&view, &noarch(), None).await.unwrap().file("secret-1-0.conda").is_none());
    assert!(indexes.pypi(&view, None).await.unwrap().file("secret-1-py3-none-any.whl").is_none());
}

#[tokio::test]
async fn a_package_that_the_table_does_not_know_is_shown_to_nobody() {
    let (script, indexes, _) = indexes(&[conda("shown", "1")]);
    let unknown = ArtifactRow { package_id: names::PackageId(uuid::Uuid::nil()), ..conda("shown", "2") };
    let older = ArtifactRow { name: "older".into(), filename: "older-1-0.conda".into(), ..unknown };
    script.package(PackageKind::Conda, "older", false);
    indexes.heard(&script.apply(&older, true));
    for caller in [&Caller::Nobody, &OWNERS] {
        let view = indexes.conda(&script.sees(caller), &noarch(), None).await.unwrap();
        assert_eq!(view.names().collect::<Vec<_>>(), ["shown"]);
    }
}

#[tokio::test]
async fn a_shard_is_served_to_those_who_see_its_package_and_to_nobody_else() {
    let (script, indexes, _) = indexes(&[]);
    hide(&script);
    indexes.heard(&script.apply(&conda("secret", "1"), true));
    let index =
        indexes.conda(&script.sees(&OWNERS), &noarch(), None).await.unwrap().shard_index().await.unwrap();
    let current = shard_hash(&index);
    let asks = async |caller: &Caller, hash: &[u8; 32]| {
        indexes.shard(&script.sees(caller), &noarch(), None, hash).await.unwrap().is_some()
    };
    assert!(asks(&OWNERS, &current).await && !asks(&Caller::Nobody, &current).await);
    indexes.heard(&script.apply(&conda("secret", "2"), true));
    let old = current;
    assert!(asks(&OWNERS, &old).await, "a client that read the index just before asks for it");
    assert!(!asks(&Caller::Nobody, &old).await);
}

#[tokio::test]
async fn viewers_who_see_the_same_share_what_is_cut() {
    let (script, indexes, _) = indexes(&[conda("shown", "1"), wheel("shown", "1")]);
    let conda_of =
        async |caller: &Caller| indexes.conda(&script.sees(caller), &noarch(), None).await.unwrap();
    assert!(Arc::ptr_eq(&conda_of(&OWNERS).await, &conda_of(&Caller::Nobody).await), "nothing is hidden");
    hide(&script);
    indexes.heard(&script.apply(&conda("secret", "1"), true));
    let (nobody, unknown) = (conda_of(&Caller::Nobody).await, conda_of(&Caller::Unknown).await);
    assert!(Arc::ptr_eq(&nobody, &unknown));
    let owners = conda_of(&OWNERS).await;
    assert!(!Arc::ptr_eq(&nobody, &owners));
}

#[tokio::test]
async fn racing_readers_never_see_a_package_that_was_private_from_its_first_moment() {
    let (script, indexes, _) = indexes(&[conda("shown", "1")]);
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (script, indexes) = (script.clone(), indexes.clone());
            tokio::spawn(async move {
                for _ in 0..500 {
                    let view = script.sees(&Caller::Nobody);
                    let read = indexes.conda(&view, &noarch(), None).await.unwrap();
                    let names: Vec<_> = read.names().map(str::to_owned).collect();
                    assert!(!names.iter().any(|name| name.starts_with("secret")), "{names:?}");
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for number in 0..100 {
        let name = format!("secret{number}");
        script.package(PackageKind::Conda, &name, true);
        tokio::task::yield_now().await;
        indexes.heard(&script.apply(&conda(&name, "1"), true));
        tokio::task::yield_now().await;
    }
    for reader in readers {
        reader.await.unwrap();
    }
    let all = indexes.conda(&script.sees(&OWNERS), &noarch(), None).await.unwrap();
    assert_eq!(all.names().count(), 101);
}

#[tokio::test]
async fn a_label_shows_the_files_that_bear_it_and_an_address_opens_every_file() {
    let (script, indexes, _) = indexes(&[
        conda("a", "1"),
        labelled(conda("a", "2"), &["dev", "main"]),
        labelled(conda("a", "3"), &["dev"]),
        labelled(conda("b", "1"), &[]),
        labelled(wheel("a", "1"), &["dev"]),
    ]);
    let view = script.sees(&Caller::Nobody);
    let names = async |label: &str| {
        let view = indexes.conda(&view, &noarch(), Some(&label_name(label))).await.unwrap();
        ["a-1-0.conda", "a-2-0.conda", "a-3-0.conda", "b-1-0.conda"].map(|file| view.file(file).is_some())
    };
    assert_eq!(names("main").await, [true, true, false, false]);
    assert_eq!(names("dev").await, [false, true, true, false]);
    assert_eq!(names("other").await, [false; 4]);
    let any = indexes.conda(&view, &noarch(), None).await.unwrap();
    assert!(any.file("a-3-0.conda").is_some() && any.file("b-1-0.conda").is_some());
    let python = indexes.pypi(&view, Some(&LabelName::main())).await.unwrap();
    assert!(python.is_empty() && python.project_page(&name("a"), Format::Json).is_none());
    let python = indexes.pypi(&view, Some(&label_name("dev"))).await.unwrap();
    assert!(python.project_page(&name("a"), Format::Json).is_some());
    for (label, there) in [("main", true), ("dev", true), ("other", false)] {
        assert_eq!(indexes.has_label(&view, &label_name(label)).await.unwrap(), there, "{label}");
    }
}

#[tokio::test]
async fn a_label_that_only_hidden_files_bear_is_not_there_for_others() {
    let (script, indexes, _) = indexes(&[conda("shown", "1")]);
    hide(&script);
    indexes.heard(&script.apply(&labelled(conda("secret", "1"), &["rumour"]), true));
    let has =
        async |caller: &Caller| indexes.has_label(&script.sees(caller), &label_name("rumour")).await.unwrap();
    assert!(has(&OWNERS).await && !has(&Caller::Nobody).await);
}

#[tokio::test]
async fn a_shard_that_a_label_showed_can_be_fetched_after_the_label_has_moved() {
    let (script, indexes, _) =
        indexes(&[labelled(conda("a", "1"), &["dev"]), labelled(conda("a", "2"), &["main"])]);
    let view = script.sees(&Caller::Nobody);
    let dev = Some(label_name("dev"));
    let shown = indexes.conda(&view, &noarch(), dev.as_ref()).await.unwrap().shard_index().await.unwrap();
    let hash = shard_hash(&shown);
    indexes.heard(&script.apply(&labelled(conda("a", "1"), &["main"]), true));
    assert!(indexes.conda(&view, &noarch(), dev.as_ref()).await.unwrap().is_empty());
    assert!(indexes.shard(&view, &noarch(), dev.as_ref(), &hash).await.unwrap().is_some());
}
