//! Notebooks, environments and plain files by the built command: up, listed, found, down, removed.

#[path = "cli/user.rs"]
mod user;

use serde_json::json;
use testkit::{Cluster, Options};
use user::User;

const NOTEBOOK: &str =
    r#"{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "markdown"}]}"#;
const ENVIRONMENT: &str = "name: stats\nchannels: [defaults]\ndependencies:\n  - python\n";

#[tokio::test(flavor = "multi_thread")]
async fn each_kind_goes_up_and_comes_down_the_same() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = User::new(&cluster, Some(cluster.admin().token()))?;
    user.json(&["channel", "create", "acme", "--private"])?;
    let write = |name: &str, bytes: &str| {
        let path = user.dir.path().join(name);
        std::fs::write(&path, bytes).map(|()| path.display().to_string())
    };
    let notebook = write("My Notes.ipynb", NOTEBOOK)?;
    let environment = write("environment.yml", ENVIRONMENT)?;
    let data = write("data.bin", "any bytes")?;

    let stored = user.json(&["upload", "acme", &notebook, "--version", "1.0"])?;
    assert_eq!(stored["stored"][0]["name"], "my-notes");
    let stored = user.json(&["upload", "acme", &environment, "--label", "dev"])?;
    assert_eq!(stored["stored"][0]["name"], "stats");
    let unnamed = user.run(&["upload", "acme", &data])?;
    assert!(unnamed.code == Some(2) && unnamed.err.contains("--kind file"), "{}", unnamed.err);
    let file = ["upload", "acme", &data, "--kind", "file", "--package", "Data", "--version", "2.0"];
    user.json(&file)?;
    assert_eq!(user.json(&file)?["stored"][0]["created"], false, "the same bytes again are no change");
    std::fs::write(user.dir.path().join("data.bin"), "other bytes")?;
    let refused = user.run(&file)?;
    assert!(refused.code == Some(6) && refused.err.contains("File already exists"), "{}", refused.err);
    user.json(&[&file[..], &["--force"]].concat())?;
    let broken = write("broken.ipynb", "{}")?;
    let refused = user.run(&["upload", "acme", &broken])?;
    assert!(refused.err.contains("no notebook") || refused.err.contains("nbformat"), "{}", refused.err);

    let listed = user.json(&["artifact", "list", "acme"])?;
    let kinds: Vec<_> = listed["artifacts"].as_array().into_iter().flatten().map(|it| &it["kind"]).collect();
    assert_eq!(kinds, ["environment", "file", "notebook"]);
    let found = user.json(&["search", "DATA", "--kind", "file"])?;
    assert_eq!(found["packages"][0]["latest_version"], "2.0");
    assert_eq!(user.json(&["search", "data", "--kind", "notebook"])?["packages"], json!([]));

    let down = user.dir.path().join("down").display().to_string();
    for package in ["my-notes", "stats", "data"] {
        user.json(&["download", "acme", package, "--output", &down])?;
    }
    let read = |name: &str| std::fs::read_to_string(user.dir.path().join("down").join(name));
    assert_eq!((read("My Notes.ipynb")?, read("environment.yml")?), (NOTEBOOK.into(), ENVIRONMENT.into()));
    assert_eq!(read("data.bin")?, "other bytes");
    let again = user.run(&["download", "acme", "data", "--output", &down])?;
    assert_eq!(again.code, Some(6), "{}", again.err);

    user.json(&["label", "move", "acme", "dev", "main", "stats", "--kind", "environment"])?;
    user.json(&["artifact", "remove", "acme", "file/data/2.0/data.bin"])?;
    assert_eq!(user.run(&["download", "acme", "data", "--output", &down])?.code, Some(5));
    let eve = cluster.create_person("eve").await?;
    let eve = User::new(&cluster, Some(eve.token()))?;
    assert_eq!(eve.json(&["search", "stats"])?["packages"], json!([]), "a private channel's are not found");
    assert_eq!(eve.run(&["download", "acme", "stats"])?.code, Some(4));
    cluster.stop().await
}
