//! When a token was last used, from where and with what, as its owner sees it: by every route and every list.

#[path = "cli/user.rs"]
mod user;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use testkit::package::{Conda, wheel};
use testkit::{Answer, Cluster, Issued, Options, Part, Session};
use user::User;

/// Between two looks at a counter, which gives no notice.
const LOOK: Duration = Duration::from_millis(100);
/// Generous: a loaded machine is slow, not wrong.
const SOON: Duration = Duration::from_secs(60);

const INDEX: &str = "/acme/noarch/repodata.json";

/// Somebody with a private channel, files of both kinds in it, and a token that reads them.
async fn owner(cluster: &Cluster) -> anyhow::Result<(Session, Issued)> {
    let ada = cluster.create_person("ada").await?;
    ada.create_channel("acme", "private").await?;
    ada.upload("acme", &Conda::new("tiny", "1.0").conda()).await?.good()?;
    ada.upload("acme", &wheel("tiny", "1.0")).await?.good()?;
    let issued = ada.issue_token("ci", &[("acme", "read")]).await?;
    Ok((ada, issued))
}

/// A request by this client from this address, with the token in the path, as both families of clients send it.
async fn ask(nobody: &Session, token: &str, path: &str, client: &str, from: &str) -> anyhow::Result<Answer> {
    let request = nobody.request(Method::GET, &format!("/t/{token}{path}"));
    nobody.send(request.header("user-agent", client).header("x-forwarded-for", from)).await
}

/// The token as it is shown, once this field of it names this client.
async fn shown(cluster: &Cluster, ada: &Session, field: &str, client: &str) -> anyhow::Result<Value> {
    cluster
        .when_used(async || {
            let token = ada.get("/api/v1/tokens/ci").await?.good()?.json();
            Ok((token[field]["client"] == client).then_some(token))
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_use_is_seen_by_every_route_in_every_list_and_after_a_restart() -> anyhow::Result<()> {
    let options = Options { separate_processes: true, ..Options::default() };
    let mut cluster = Cluster::start(options).await?;
    let (ada, issued) = owner(&cluster).await?;
    let nobody = ada.nobody();
    let user = User::new(&cluster, Some(ada.token()))?;

    let unused = user.json(&["token", "show", "ci"])?;
    assert_eq!((&unused["uses_known"], &unused["last_use"]), (&json!(true), &Value::Null));
    assert!(user.run(&["token", "list"])?.out.contains("never"));

    for (path, client, word, family) in [
        (INDEX, "conda/24.9.1 requests/2.32", "conda/24.9.1", "conda"),
        ("/acme/noarch/tiny-1.0-0.conda", "rattler/0.58", "rattler/0.58", "conda"),
        ("/pypi/acme/simple/tiny/", "pip/24.0 {\"ci\":null}", "pip/24.0", "python"),
        ("/api/v1/whoami", "curl/8.5", "curl/8.5", "api"),
    ] {
        ask(&nobody, &issued.token, path, client, "198.51.100.7").await?.good()?;
        let token = shown(&cluster, &ada, "last_use", word).await?;
        let used = &token["last_use"];
        assert_eq!(used["address"], "198.51.100.7", "{token}");
        assert_eq!((&used["family"], &used["outcome"]), (&json!(family), &json!("served")), "{token}");
        assert_eq!((&token["older_last_use"], &token["dead_last_use"]), (&Value::Null, &Value::Null));
    }
    let refused =
        ask(&nobody, &issued.token, "/other/noarch/repodata.json", "mamba/2", "198.51.100.8").await?;
    assert_eq!(refused.status, 403);
    assert_eq!(shown(&cluster, &ada, "last_use", "mamba/2").await?["last_use"]["outcome"], "refused");

    let listed = user.json(&["token", "list"])?;
    let used = &listed["tokens"][0]["last_use"];
    assert_eq!((&used["address"], &used["client"]), (&json!("198.51.100.8"), &json!("mamba/2")), "{listed}");
    let at = used["at"].as_str().unwrap_or_default().to_owned();
    assert!(user.run(&["token", "list"])?.out.contains(&at));
    let words = format!("{at} from 198.51.100.8 by mamba/2 (conda, refused)");
    let printed = user.run(&["token", "show", "ci"])?.out;
    assert!(printed.contains(&words), "{printed}");
    let repository = ada.get("/api/authentications").await?.good()?.json();
    assert_eq!(repository[0]["remote_addr"], "198.51.100.8", "{repository}");
    let server = ada.get("/api/account/tokens").await?.good()?.json();
    assert_eq!(server["items"][0]["last_use"]["client"], "mamba/2", "{server}");

    cluster.kill9(Part::Postgres).await?;
    let token = ada.get("/api/v1/tokens/ci").await?.good()?.json();
    assert_eq!((&token["uses_known"], &token["last_use"]), (&json!(false), &Value::Null), "not never");
    assert!(user.run(&["token", "list"])?.out.contains("unknown"));
    cluster.restart(Part::Postgres).await?;
    for part in [Part::Projector, Part::Auth, Part::Gateway] {
        cluster.kill9(part).await?;
        cluster.restart(part).await?;
    }
    assert_eq!(shown(&cluster, &ada, "last_use", "mamba/2").await?["last_use"]["at"], at);
    cluster.verify().await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_older_string_of_a_reissue_has_a_last_use_of_its_own_and_a_dead_one_too() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let (ada, issued) = owner(&cluster).await?;
    let nobody = ada.nobody();
    let reissue = json!({ "overlap_s": 3600 });
    let path = format!("/api/v1/tokens/{}", issued.id);
    let reissued = ada.post(&format!("{path}/reissue"), &reissue).await?.good()?.json();
    let newest = reissued["token"].as_str().unwrap_or_default();

    ask(&nobody, newest, INDEX, "new/1", "198.51.100.1").await?.good()?;
    let token = shown(&cluster, &ada, "last_use", "new/1").await?;
    assert_eq!(token["older_last_use"], Value::Null, "nobody uses the older string: {token}");
    ask(&nobody, &issued.token, INDEX, "old/1", "198.51.100.2").await?.good()?;
    let token = shown(&cluster, &ada, "older_last_use", "old/1").await?;
    assert_eq!(token["older_last_use"]["address"], "198.51.100.2");
    let printed = User::new(&cluster, Some(ada.token()))?.run(&["token", "list"])?.out;
    assert!(printed.contains("its last use: ") && printed.contains("by old/1"), "{printed}");

    ada.delete(&format!("{path}/overlap")).await?.good()?;
    assert_eq!(ask(&nobody, &issued.token, INDEX, "late/1", "198.51.100.3").await?.status, 401);
    let token = shown(&cluster, &ada, "dead_last_use", "late/1").await?;
    assert_eq!(token["dead_last_use"]["outcome"], "dead");
    assert_eq!(token["older_last_use"], Value::Null, "the overlap is over");
    assert_ne!(token["last_use"]["client"], "late/1", "a dead string is not used");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_requests_are_served_and_their_uses_dropped_and_counted() -> anyhow::Result<()> {
    let options = Options { separate_processes: true, ..Options::default() };
    let mut cluster = Cluster::start(options).await?;
    let (ada, issued) = owner(&cluster).await?;
    let nobody = ada.nobody();
    ask(&nobody, &issued.token, INDEX, "before/1", "198.51.100.1").await?.good()?;
    shown(&cluster, &ada, "last_use", "before/1").await?;
    cluster.kill9(Part::Nats).await?;
    let mut look = tokio::time::interval(LOOK);
    let counted = tokio::time::timeout(SOON, async {
        loop {
            look.tick().await;
            ask(&nobody, &issued.token, INDEX, "during/1", "198.51.100.2").await?.good()?;
            let metrics = cluster.metrics().await?;
            let gateway = metrics.iter().find(|(part, _)| part == "gateway").map(|(_, text)| text.as_str());
            if gateway.unwrap_or_default().contains("usage_dropped_total{reason=\"away\"}") {
                return anyhow::Ok(());
            }
        }
    });
    counted.await??;
    cluster.restart(Part::Nats).await?;
    let back = cluster.when_used(async || {
        ask(&nobody, &issued.token, INDEX, "after/1", "198.51.100.3").await?.good()?;
        let token = ada.get("/api/v1/tokens/ci").await?.good()?.json();
        Ok((token["last_use"]["client"] == "after/1").then_some(()))
    });
    back.await?;
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_token_that_is_shown_too_often_is_put_off_from_everywhere() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let (ada, issued) = owner(&cluster).await?;
    ada.delete(&format!("/api/v1/tokens/{}", issued.id)).await?.good()?;
    let nobody = ada.nobody();
    let put_off = async {
        for number in 0..u32::MAX {
            let from = std::net::Ipv4Addr::from_bits(0xc612_0000 + number).to_string();
            let answer = ask(&nobody, &issued.token, INDEX, "loop/1", &from).await?;
            match answer.status {
                401 => {}
                429 => return anyhow::Ok((number, answer)),
                status => anyhow::bail!("{status}: {}", answer.text()),
            }
        }
        anyhow::bail!("it is never put off")
    };
    let (number, answer) = tokio::time::timeout(SOON, put_off).await??;
    assert!(number >= 300, "{number}");
    assert!(answer.headers.contains_key("retry-after"), "{:?}", answer.headers);
    assert_eq!(answer.json()["status"], 429);
    assert!(!answer.text().contains(&issued.token));
    ada.get(INDEX).await?.good()?;
    cluster.stop().await
}
