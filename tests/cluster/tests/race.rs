//! Readers without pause while things are uploaded and access changes, through two gateways: what is uploaded as private
//! is never public for a moment, and every request begun after a change's call has returned shows the change.

#[path = "race/change.rs"]
mod change;
#[path = "race/reader.rs"]
mod reader;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use change::{Recorded, Told, World};
use reader::{Current, Readers, named, seen_in};
use reqwest::Method;
use serde_json::json;
use testkit::package::{Conda, File, wheel};
use testkit::{Answer, Cluster, Options, Session, Size};
use tokio::sync::Mutex;

/// Uploads as private, and as many that are not.
fn uploads() -> usize {
    if testkit::is_long() { 200 } else { 16 }
}

/// Changes of each kind.
fn rounds() -> usize {
    if testkit::is_long() { 200 } else { 12 }
}

/// How a package is said to be private before anybody could see it.
#[derive(Debug, Clone, Copy)]
enum Said {
    WithTheFile,
    Before,
    /// As the anaconda client says it.
    ByOwner,
}

async fn say(owner: &Session, said: Said, kind: &str, name: &str) -> anyhow::Result<()> {
    match said {
        Said::WithTheFile => Ok(()),
        Said::Before => {
            let body = json!({ "kind": kind, "name": name, "private": true });
            owner.post("/api/v1/channels/lab/packages", &body).await?.good().map(drop)
        }
        Said::ByOwner => {
            let word = if kind == "notebook" { "ipynb" } else { kind };
            let body = json!({ "public": false, "public_attrs": { "package_types": [word] } });
            owner.post(&format!("/api/package/lab/{name}"), &body).await?.good().map(drop)
        }
    }
}

async fn upload(owner: &Session, kind: &str, name: &str, query: &str) -> anyhow::Result<Answer> {
    let request = match kind {
        "conda" => {
            let File { name: file, bytes } = Conda::new(name, "1.0").conda();
            owner.request(Method::POST, &format!("/api/channels/lab/upload/{file}{query}")).body(bytes)
        }
        "pypi" => {
            let File { name: file, bytes } = wheel(name, "1.0");
            let content = reqwest::multipart::Part::bytes(bytes).file_name(file);
            let form = reqwest::multipart::Form::new()
                .text(":action", "file_upload")
                .text("protocol_version", "1")
                .text("filetype", "bdist_wheel")
                .part("content", content);
            owner.request(Method::POST, &format!("/pypi/lab/{query}")).multipart(form)
        }
        _ => {
            let text = r#"{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}"#;
            let path = format!("/api/v1/channels/lab/artifacts/notebook/{name}.ipynb");
            owner
                .request(Method::PUT, &format!("{path}?name={name}&version=1.0{}", query.replace('?', "&")))
                .body(text)
        }
    };
    owner.send(request).await?.good()
}

/// What each of the indexes of a kind shows to somebody, asked once.
async fn shown(who: &Session, kind: &str, name: &str) -> anyhow::Result<bool> {
    let mut shown = Vec::new();
    for path in seen_in(kind) {
        let answer = who.get(path).await?.good()?;
        shown.push(named(&answer.body, name));
    }
    anyhow::ensure!(
        shown.iter().all(|it| *it == shown[0]),
        "{kind} {name} stands in some of {:?}",
        seen_in(kind)
    );
    Ok(shown[0])
}

/// One race at a time: two clusters that are read without pause starve each other on two cores, until a read is given up.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A cluster with two gateways, and its administrator at the second.
async fn two_gateways() -> anyhow::Result<(Cluster, Session)> {
    let size = Size { gateway: 2, ..Size::default() };
    let cluster = Cluster::start(Options { size, ..Options::default() }).await?;
    let second = Session::new(&cluster.gateways()[1], Some(cluster.admin().token()));
    Ok((cluster, second))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_uploaded_as_private_is_never_public_for_a_moment() -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let (cluster, second) = two_gateways().await?;
    let owner = cluster.admin().clone();
    owner.create_channel("lab", "public").await?;
    let stranger = cluster.create_person("stranger").await?;
    owner.create_channel("elsewhere", "private").await?;
    let token = owner.issue_token("elsewhere", &[("elsewhere", "read")]).await?.token;
    let gateways = [owner.clone(), second];
    let viewers = [stranger.token(), &token];
    let viewers = gateways
        .iter()
        .flat_map(|gateway| viewers.iter().map(|token| gateway.with(token)).chain([gateway.nobody()]));
    let current = Arc::new(Current::default());
    let readers = Readers::start(viewers.collect(), current.clone());
    for n in 0..uploads() {
        let kind = ["conda", "pypi", "notebook"][n % 3];
        let said = [Said::WithTheFile, Said::Before, Said::ByOwner][n / 3 % 3];
        let (hidden, open) = (format!("zqh{n:04}"), format!("zqo{n:04}"));
        current.is(kind, &hidden);
        readers.all_around().await;
        say(&owner, said, kind, &hidden).await?;
        let query = if matches!(said, Said::WithTheFile) { "?private=true" } else { "" };
        upload(&owner, kind, &hidden, query).await?;
        upload(&owner, kind, &open, "").await?;
        for gateway in &gateways {
            assert!(shown(gateway, kind, &hidden).await?, "{hidden} is there for its owner");
            assert!(shown(gateway, kind, &open).await?, "{open} is there for its owner");
            assert!(!shown(&gateway.nobody(), kind, &hidden).await?, "{hidden}, said to be private {said:?}");
            // What finds this one would have found the other.
            assert!(shown(&gateway.nobody(), kind, &open).await?, "{open} is there for everybody");
        }
        readers.all_around().await;
    }
    let read = readers.stop().await?;
    println!(
        "{} uploads as private, {read} reads by others while they went on, none of which showed one",
        uploads()
    );
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_request_begun_after_a_change_has_returned_shows_it() -> anyhow::Result<()> {
    let _alone = ALONE.lock().await;
    let (cluster, second) = two_gateways().await?;
    let world = World::make(&cluster, [cluster.admin().clone(), second]).await?;
    let readers = Readers::start(world.background(), Arc::default());
    let changes = tokio::try_join!(
        world.package_hidden_and_shown(rounds()),
        world.channel_closed_and_opened(rounds()),
        world.account_given_and_taken(rounds()),
        world.group_given_a_package(rounds()),
        world.member_in_and_out(rounds()),
        world.token_issued_and_revoked(rounds()),
        world.account_disabled_and_enabled(rounds()),
    )?;
    let read = readers.stop().await?;
    let told: [Told; 7] = changes.into();
    let expected = told.into_iter();
    let recorded = Recorded::read(cluster.admin()).await?;
    let mut count = 0;
    for told in expected {
        recorded.hold(&told)?;
        count += told.changes.len();
    }
    let checks = world.checks.load(SeqCst);
    println!(
        "{} changes, {checks} requests begun after them through two gateways, {read} other reads beside them; \
         {count} AccessChanged events as they were made",
        7 * rounds()
    );
    cluster.stop().await
}
