//! The vertical slice: a private channel, packages in it, a token that opens it, and the end of that token.

use serde_json::Value;
use testkit::package::{Conda, wheel};
use testkit::{Cluster, Options};

fn names_in(repodata: &Value) -> Vec<String> {
    let section = |name: &str| repodata[name].as_object().into_iter().flatten().map(|(file, _)| file.clone());
    let mut names: Vec<String> = section("packages").chain(section("packages.conda")).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_a_private_channel_until_it_is_revoked() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = cluster.create_person("ada").await?;
    ada.create_channel("acme", "private").await?;

    let uploaded = ada.upload("acme", &Conda::new("tiny", "1.0").conda()).await?.good()?;
    assert!(!uploaded.headers.contains_key("latchkey-pending"), "{}", uploaded.text());
    ada.upload("acme", &Conda::new("tiny", "1.1").tar_bz2()).await?.good()?;
    ada.upload("acme", &Conda::new("native", "2.0").subdir("linux-64").conda()).await?.good()?;
    ada.upload("acme", &wheel("tiny", "1.0")).await?.good()?;

    let token = ada.issue_token("reader", &[("acme", "read")]).await?;
    let reader = ada.with(&token.token);
    let in_path = ada.nobody();
    for (session, path) in [
        (&reader, "/acme/noarch/repodata.json".to_owned()),
        (&in_path, format!("/t/{}/acme/noarch/repodata.json", token.token)),
    ] {
        let repodata = session.get(&path).await?.good()?.json();
        assert_eq!(names_in(&repodata), ["tiny-1.0-0.conda", "tiny-1.1-0.tar.bz2"]);
    }
    let native = reader.get("/acme/linux-64/repodata.json").await?.good()?.json();
    assert_eq!(names_in(&native), ["native-2.0-0.conda"]);
    let file = reader.get("/acme/noarch/tiny-1.0-0.conda").await?.good()?;
    assert_eq!(file.body, Conda::new("tiny", "1.0").conda().bytes);
    let page = reader.get("/pypi/acme/simple/tiny/").await?.good()?;
    assert!(page.text().contains("tiny-1.0-py3-none-any.whl"), "{}", page.text());

    let refused = reader.upload("acme", &Conda::new("tiny", "2.0").conda()).await?;
    assert_eq!(refused.status, 403, "{}", refused.text());

    let revoked = ada.delete(&format!("/api/v1/tokens/{}", token.id)).await?.good()?.json();
    assert_eq!(revoked["token"]["state"], "revoked", "{revoked}");
    let confirmed = revoked["receipt"]["confirmed"].as_array().expect("there is a receipt");
    assert!(confirmed.iter().any(|entry| entry["gateway"] == "gateway"), "{revoked}");
    assert_eq!(revoked["receipt"]["silent"], serde_json::json!([]), "{revoked}");
    for path in ["/acme/noarch/repodata.json", "/acme/noarch/tiny-1.0-0.conda", "/pypi/acme/simple/tiny/"] {
        assert_eq!(reader.get(path).await?.status, 401, "{path}");
    }
    assert_eq!(ada.get("/acme/noarch/repodata.json").await?.status, 200, "its owner is not locked out");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_the_same_for_a_channel_that_is_not_there() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = cluster.create_person("ada").await?;
    ada.create_channel("acme", "private").await?;
    let eve = cluster.create_person("eve").await?;
    for path in ["noarch/repodata.json", "noarch/tiny-1.0-0.conda"] {
        for caller in [&eve, &eve.nobody()] {
            let there = caller.get(&format!("/acme/{path}")).await?;
            let not_there = caller.get(&format!("/acma/{path}")).await?;
            assert_eq!(there.status, not_there.status, "{path}");
            let body = |answer: &testkit::Answer, name: &str| {
                let mut document = answer.json();
                document["request_id"] = Value::Null;
                document.to_string().replace(name, "NAME")
            };
            assert_eq!(body(&there, "acme"), body(&not_there, "acma"), "{path}");
        }
    }
    cluster.stop().await
}
