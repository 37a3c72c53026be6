//! What the REST interface says of tokens and of levels given to accounts, over real services.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Cluster, Options};

#[tokio::test(flavor = "multi_thread")]
async fn a_token_has_scopes_or_grants_and_is_found_in_a_leaked_text() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let (ada, bob) = (cluster.create_person("ada").await?, cluster.create_person("bob").await?);
    ada.create_channel("acme", "private").await?;
    let grants = json!([{ "channel": "acme", "level": "read" }]);
    for (body, status) in [
        (json!({ "name": "neither" }), 422),
        (json!({ "name": "both", "scopes": ["repos"], "grants": grants }), 422),
        (json!({ "name": "wrong", "scopes": ["channel:fly"] }), 400),
    ] {
        let answer = ada.post("/api/v1/tokens", &body).await?;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(status != 400 || answer.text().contains("channel:fly"), "{}", answer.text());
    }
    let made = ada.post("/api/v1/tokens", &json!({ "name": "ci", "scopes": ["repos", "api:read"] })).await?;
    let made = made.good()?.json();
    assert_eq!((&made["kind"], &made["scopes"]), (&json!("scoped"), &json!(["api:read", "repos"])));
    let secret = made["token"].as_str().unwrap_or_default().to_owned();
    let ci = ada.with(&secret);
    assert_eq!(ci.get("/acme/notices.json").await?.status, 200);
    let refused = ci.delete("/api/v1/channels/acme").await?;
    assert_eq!(refused.status, 403);
    for part in ["\"ci\\\"", "channel:delete, api:write, api, all", "has api:read, repos", "channel acme"] {
        assert!(refused.text().contains(part), "{part}: {}", refused.text());
    }

    let text = format!("machine example.org password {secret}\nexport OLD={secret}");
    let find = async |session: &testkit::Session| {
        let request = session.request(Method::POST, "/api/v1/tokens/leaked").body(text.clone());
        Ok::<Value, anyhow::Error>(session.send(request).await?.good()?.json())
    };
    let found = find(&ada).await?;
    assert_eq!((&found["strings"], &found["tokens"][0]["id"]), (&json!(1), &made["id"]));
    assert!(!found.to_string().contains(&secret));
    assert_eq!(find(&bob).await?["tokens"], json!([]), "nobody learns of others' tokens");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn levels_are_shown_to_those_who_manage_a_channel_and_their_own_to_others() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let (ada, bob) = (cluster.create_person("ada").await?, cluster.create_person("bob").await?);
    let carl = cluster.create_person("carl").await?;
    ada.create_channel("acme", "private").await?;
    for (login, level) in [("bob", "read"), ("carl", "manage")] {
        let request = ada.request(Method::PUT, &format!("/api/v1/channels/acme/grants/{login}"));
        ada.send(request.json(&json!({ "level": level }))).await?.good()?;
    }
    let shown = async |session: &testkit::Session| {
        let answer = session.get("/api/v1/channels/acme/grants").await?.good()?.json();
        let held = |grant: &Value| format!("{}:{}", grant["login"], grant["level"]).replace('"', "");
        let mut shown: Vec<String> = answer["grants"].as_array().into_iter().flatten().map(held).collect();
        shown.sort();
        Ok::<_, anyhow::Error>(shown)
    };
    let all = ["bob:read", "carl:manage"];
    assert_eq!(shown(&ada).await?, all);
    assert_eq!(shown(&carl).await?, all);
    assert_eq!(shown(&bob).await?, ["bob:read"]);
    let scoped = json!({ "name": "see", "scopes": ["channel.group:view"] });
    let scoped = carl.post("/api/v1/tokens", &scoped).await?.good()?.json();
    let scoped = carl.with(scoped["token"].as_str().unwrap_or_default());
    // It opens no accounts, so it is shown ids and no logins.
    assert_eq!(shown(&scoped).await?, ["null:manage", "null:read"]);
    assert_eq!(bob.get("/acme/notices.json").await?.status, 200);
    ada.delete("/api/v1/channels/acme/grants/bob").await?.good()?;
    assert_eq!(bob.get("/acme/notices.json").await?.status, 403);
    assert_eq!(shown(&ada).await?, ["carl:manage"]);
    cluster.stop().await
}
