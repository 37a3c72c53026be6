//! Names at their edges, and a channel made again under the name of a deleted one.

use testkit::package::{Conda, wheel};
use testkit::{Cluster, Options};

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_made_again_under_its_name_is_another_channel() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = cluster.create_person("ada").await?;
    let first = ada.create_channel("acme", "private").await?;
    ada.upload("acme", &Conda::new("tiny", "1.0").conda()).await?.good()?;
    let token = ada.issue_token("reader", &[("acme", "manage")]).await?;
    let holder = ada.with(&token.token);
    assert_eq!(holder.get("/acme/noarch/repodata.json").await?.status, 200);

    ada.delete("/api/v1/channels/acme").await?.good()?;
    let gone = holder.get("/acme/noarch/repodata.json").await?;
    assert_eq!(gone.status, 403, "{}", gone.text());

    let second = ada.create_channel("acme", "private").await?;
    assert_ne!(first["id"], second["id"]);
    for path in ["/acme/noarch/repodata.json", "/acme/noarch/tiny-1.0-0.conda", "/pypi/acme/simple/"] {
        let refused = holder.get(path).await?;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text());
    }
    let refused = holder.upload("acme", &Conda::new("tiny", "1.0").conda()).await?;
    assert_eq!(refused.status, 403, "{}", refused.text());
    let empty = ada.get("/acme/noarch/repodata.json").await?.good()?.json();
    assert_eq!(empty["packages.conda"].as_object().map(serde_json::Map::len), Some(0), "{empty}");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_who_takes_the_name_gives_old_tokens_nothing() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = cluster.create_person("ada").await?;
    ada.create_channel("acme", "private").await?;
    let token = ada.issue_token("writer", &[("acme", "write")]).await?;
    ada.delete("/api/v1/channels/acme").await?.good()?;

    let eve = cluster.create_person("eve").await?;
    eve.create_channel("acme", "private").await?;
    eve.upload("acme", &Conda::new("tiny", "1.0").conda()).await?.good()?;
    let holder = ada.with(&token.token);
    assert_eq!(holder.get("/acme/noarch/repodata.json").await?.status, 403);
    assert_eq!(ada.get("/acme/noarch/repodata.json").await?.status, 403);
    assert_eq!(eve.get("/acme/noarch/repodata.json").await?.status, 200);
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn names_at_their_edges_serve_and_look_alikes_stay_apart() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = cluster.create_person("ada").await?;
    let longest = format!("a{}", "b".repeat(127));
    let names = ["a.b", "a_b", "a-b", "ab", "a..b", "0", "a.b.c-d_e", "l1", "ll", longest.as_str()];
    for (number, name) in names.into_iter().enumerate() {
        ada.create_channel(name, "private").await.map_err(|error| error.context(name.to_owned()))?;
        // Each channel holds a package that only it holds, so that no answer can come from a neighbour.
        let version = format!("1.{number}");
        ada.upload(name, &Conda::new("own.pkg-x_y", &version).conda()).await?.good()?;
        ada.upload(name, &wheel("own.pkg-x_y", &version)).await?.good()?;
    }
    for (number, name) in names.into_iter().enumerate() {
        let token = ada.issue_token(&format!("reader {number}"), &[(name, "read")]).await?;
        let holder = ada.with(&token.token);
        for other in names {
            let answer = holder.get(&format!("/{other}/noarch/repodata.json")).await?;
            if other == name {
                let file = format!("own.pkg-x_y-1.{number}-0.conda");
                assert!(answer.good()?.json()["packages.conda"][&file].is_object(), "{name}");
                let page = holder.get(&format!("/pypi/{name}/simple/own-pkg-x-y/")).await?.good()?;
                assert!(page.text().contains(&format!("own_pkg_x_y-1.{number}-")), "{}", page.text());
            } else {
                assert_eq!(answer.status, 403, "a token for {name} on {other}");
            }
        }
    }
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_cannot_be_are_refused_in_a_sentence() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = cluster.create_person("ada").await?;
    let too_long = "a".repeat(129);
    for name in
        ["", "A", "ä", "a/b", ".a", "-a", "a b", "conda", "noarch", "linux-64", "t", "api", too_long.as_str()]
    {
        let body = serde_json::json!({ "name": name, "privacy": "private" });
        let answer = ada.post("/api/v1/channels", &body).await?;
        assert!((400..500).contains(&answer.status) && answer.status != 404, "{name:?}: {}", answer.status);
        assert!(
            !answer.json()["detail"].as_str().unwrap_or_default().is_empty(),
            "{name:?}: {}",
            answer.text()
        );
    }
    // A login and a channel share one space, and a channel may take its owner's login only.
    ada.create_channel("ada", "private").await?;
    let eve = cluster.create_person("eve").await?;
    let body = serde_json::json!({ "name": "eve", "privacy": "private" });
    assert_eq!(ada.post("/api/v1/channels", &body).await?.status, 409);
    eve.create_channel("eve", "private").await?;
    cluster.stop().await
}
