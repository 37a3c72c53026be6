//! Labels by the built command: uploads under one, then copied, moved, locked.

#[path = "cli/user.rs"]
mod user;

use serde_json::{Value, json};
use testkit::package::Conda;
use testkit::{Cluster, Options};
use user::User;

fn of(user: &User, file: &str) -> anyhow::Result<Value> {
    let listed = user.json(&["artifact", "list", "acme"])?;
    let found = listed["artifacts"].as_array().and_then(|all| all.iter().find(|one| one["filename"] == file));
    Ok(found.map_or(Value::Null, |one| one["labels"].clone()))
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_by_the_command() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let user = User::new(&cluster, Some(cluster.admin().token()))?;
    user.json(&["channel", "create", "acme", "--private"])?;
    let tiny = Conda::new("tiny", "1.0").conda();
    let path = user.dir.path().join(&tiny.name);
    std::fs::write(&path, &tiny.bytes)?;
    let path = path.display().to_string();

    user.json(&["upload", "acme", &path, "--label", "Dev"])?;
    assert_eq!(of(&user, &tiny.name)?, json!(["dev"]));
    let copied = user.json(&["label", "copy", "acme", "dev", "rc"])?;
    assert_eq!((&copied["files"], &copied["changed"]), (&json!(1), &json!(1)));
    assert_eq!(of(&user, &tiny.name)?, json!(["dev", "rc"]));
    user.json(&["label", "move", "acme", "dev", "main", "tiny", "--version", "1.0"])?;
    assert_eq!(of(&user, &tiny.name)?, json!(["main", "rc"]));
    user.json(&["label", "add", "acme", "stable", "tiny", "--kind", "conda"])?;
    user.json(&["label", "remove", "acme", "rc"])?;
    assert_eq!(of(&user, &tiny.name)?, json!(["main", "stable"]));

    user.json(&["label", "lock", "acme", "main"])?;
    let listed = user.json(&["label", "list", "acme"])?;
    let expected = json!([{ "label": "main", "files": 1, "locked": true },
        { "label": "stable", "files": 1, "locked": false }]);
    assert_eq!(listed["labels"], expected);
    let refused = user.run(&["label", "remove", "acme", "main", "--json"])?;
    assert!(refused.json()["error"].to_string().contains("label main is locked"), "{}", refused.out);
    user.json(&["label", "unlock", "acme", "main"])?;
    user.json(&["label", "remove", "acme", "main"])?;
    assert_eq!(of(&user, &tiny.name)?, json!(["stable"]));
    let absent = user.run(&["label", "copy", "acme", "nowhere", "main"])?;
    assert_eq!(absent.code, Some(5), "{}", absent.err);
    cluster.stop().await
}
