//! An organisation's group, a private package and a subchannel, as a person at the terminal meets them.

#[path = "cli/user.rs"]
mod user;

use serde_json::Value;
use testkit::{Cluster, Options};
use user::User;

fn names(answer: &Value, list: &str) -> Vec<String> {
    let entries = answer[list].as_array().cloned().unwrap_or_default();
    entries.iter().filter_map(|entry| entry["name"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_of_a_group_sees_the_one_package_that_it_was_given() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let owner = User::new(&cluster, Some(cluster.admin().token()))?;
    let ben = cluster.create_person("ben").await?;
    let member = User::new(&cluster, Some(ben.token()))?;
    owner.json(&["account", "create", "acme", "--organisation"])?;
    owner.json(&["channel", "create", "lab", "--private"])?;
    for name in ["one", "two"] {
        owner.json(&["package", "create", "lab", name, "--kind", "conda"])?;
    }
    owner.json(&["group", "create", "acme/devs", "--description", "who builds"])?;
    owner.json(&["group", "add", "acme/devs", "ben"])?;
    assert_eq!(member.run(&["package", "list", "lab"])?.code, Some(4));
    owner.json(&["group", "grant", "acme/devs", "lab", "write", "--package", "one"])?;
    assert_eq!(names(&member.json(&["package", "list", "lab"])?, "packages"), ["one"]);
    assert_eq!(names(&member.json(&["channel", "list"])?, "channels"), ["lab"]);
    assert_eq!(member.run(&["package", "show", "lab", "two"])?.code, Some(5));
    assert_eq!(member.run(&["package", "show", "lab", "never"])?.code, Some(5));
    let shown = owner.json(&["group", "show", "acme/devs"])?;
    assert_eq!(
        (&shown["members"][0]["login"], &shown["grants"][0]["package"]),
        (&"ben".into(), &"one".into())
    );
    assert_eq!(names(&owner.json(&["group", "list", "acme"])?, "groups"), ["Owners", "devs"]);
    assert_eq!(names(&member.json(&["group", "list", "acme"])?, "groups"), ["devs"]);
    assert_eq!(member.run(&["group", "add", "acme/devs", "ben"])?.code, Some(4));

    let history = owner.json(&["channel", "history", "lab", "--event", "access_changed"])?;
    let line = &history["history"][0];
    assert_eq!(
        (&line["login"], &line["change"]["after"]["level"]),
        (&"admin".into(), &"write".into()),
        "{line}"
    );
    assert_eq!(line["change"]["before"]["level"], "none", "{line}");
    assert!(line["token_id"].is_string() && line["change"]["group_id"].is_string(), "{line}");
    assert_eq!(
        owner.json(&["channel", "history", "lab", "--all"])?["history"].as_array().map(Vec::len),
        Some(4)
    );
    assert_eq!(member.run(&["channel", "history", "lab"])?.code, Some(4));

    let left = owner.run(&["group", "remove", "acme/devs", "ben"])?;
    assert!(left.out.contains("applied by"), "{}{}", left.out, left.err);
    assert_eq!(member.run(&["package", "list", "lab"])?.code, Some(4));
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_package_of_a_public_channel_is_there_for_those_it_is_for() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let owner = User::new(&cluster, Some(cluster.admin().token()))?;
    let ben = cluster.create_person("ben").await?;
    let other = User::new(&cluster, Some(ben.token()))?;
    owner.json(&["channel", "create", "lab", "--public"])?;
    owner.json(&["package", "create", "lab", "hidden", "--kind", "conda", "--private"])?;
    owner.json(&["package", "create", "lab", "Leaf_Pkg", "--kind", "pypi"])?;
    assert_eq!(names(&owner.json(&["package", "list", "lab"])?, "packages"), ["hidden", "leaf-pkg"]);
    assert_eq!(names(&other.json(&["package", "list", "lab"])?, "packages"), ["leaf-pkg"]);
    let nobody = cluster.admin().nobody();
    for name in ["hidden", "never"] {
        let answer = nobody.get(&format!("/api/v1/channels/lab/packages/conda/{name}")).await?;
        assert_eq!(answer.status, 404, "{}", answer.text());
        assert_eq!(answer.json()["detail"], format!("there is no conda package {name} in channel lab"));
    }
    owner.json(&["package", "grant", "lab", "hidden", "ben", "read"])?;
    assert_eq!(names(&other.json(&["package", "list", "lab"])?, "packages"), ["hidden", "leaf-pkg"]);
    assert_eq!(other.run(&["package", "set", "lab", "hidden", "--public"])?.code, Some(4));
    owner.json(&["package", "ungrant", "lab", "hidden", "ben"])?;
    assert_eq!(other.run(&["package", "show", "lab", "hidden"])?.code, Some(5));
    owner.json(&["package", "set", "lab", "hidden", "--public"])?;
    assert_eq!(other.json(&["package", "show", "lab", "hidden"])?["private"], false);
    owner.json(&["package", "delete", "lab", "hidden", "--yes"])?;
    assert_eq!(other.run(&["package", "show", "lab", "hidden"])?.code, Some(5));
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subchannel_has_readers_and_tokens_of_its_own() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let owner = User::new(&cluster, Some(cluster.admin().token()))?;
    owner.json(&["channel", "create", "lab", "--private"])?;
    owner.json(&["channel", "create", "lab/dev", "--private"])?;
    owner.json(&["channel", "create", "lab/open", "--public"])?;
    assert_eq!(names(&owner.json(&["channel", "list", "lab"])?, "channels"), ["lab/dev", "lab/open"]);
    let above = cluster.admin().issue_token("above", &[("lab", "read")]).await?;
    let below = cluster.admin().issue_token("below", &[("lab/dev", "read")]).await?;
    let status = async |token: &str, channel: &str| -> anyhow::Result<u16> {
        let session = cluster.admin().with(token);
        let answer = session.get(&format!("/api/v1/channels/{channel}")).await?;
        Ok(answer.status)
    };
    assert_eq!(status(&above.token, "lab").await?, 200);
    assert_eq!(status(&above.token, "lab%2Fdev").await?, 403);
    assert_eq!(status(&below.token, "lab%2Fdev").await?, 200);
    assert_eq!(status(&below.token, "lab").await?, 403);
    assert_eq!(status(&above.token, "lab%2Fopen").await?, 200);
    assert_eq!(status(&above.token, "lab%2Fnever").await?, 403);
    owner.json(&["channel", "delete", "lab", "--yes"])?;
    assert_eq!(status(&below.token, "lab%2Fdev").await?, 403);
    cluster.stop().await
}
