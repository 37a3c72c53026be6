//! A canary token goes through every carrier and must leave no trace of its string anywhere.

#[path = "sign_in/browser.rs"]
mod browser;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use browser::Browser;
use reqwest::Method;
use serde_json::json;
use testkit::package::{Conda, wheel};
use testkit::{Answer, Cluster, Options, OtlpReceiver, Session};

/// A password of somebody who signs in.
const RIGHT: &str = "right-Q7mX2vKc9TzB4nWpL8sJ6yHd3gRfE5uA";

/// Two parts of the random characters: a string that was cut is a leak too.
fn marks(token: &str) -> Vec<String> {
    vec![token[4..22].to_owned(), token[16..34].to_owned()]
}

fn leaks(bytes: &[u8], marks: &[String]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    marks.iter().any(|mark| text.contains(mark.as_str()))
}

/// Every way to send a token to a path, each as a request and the name to complain under.
fn carriers(nobody: &Session, token: &str, path: &str) -> Vec<(String, reqwest::RequestBuilder)> {
    let get = |path: &str| nobody.request(Method::GET, path);
    vec![
        ("path".to_owned(), get(&format!("/t/{token}{path}"))),
        ("path after a mount".to_owned(), get(&format!("/conda/t/{token}{path}"))),
        ("bearer".to_owned(), get(path).bearer_auth(token)),
        ("token".to_owned(), get(path).header("authorization", format!("token {token}"))),
        ("basic password".to_owned(), get(path).basic_auth("__token__", Some(token))),
        ("basic user, x-auth-token".to_owned(), get(path).basic_auth(token, Some("x-auth-token"))),
        ("basic user".to_owned(), get(path).basic_auth(token, Some(""))),
        ("x-auth".to_owned(), get(path).header("x-auth", token)),
        ("x-api-key".to_owned(), get(path).header("x-api-key", token)),
        // Wrong places, where users put them all the same.
        ("query".to_owned(), get(&format!("{path}?token={token}"))),
        ("request id".to_owned(), get(path).header("x-request-id", token)),
        ("referer".to_owned(), get(path).header("referer", format!("http://h/t/{token}/acme"))),
        ("user agent".to_owned(), get(path).header("user-agent", token)),
        (
            "traceparent".to_owned(),
            get(path).header("traceparent", format!("00-{token}-0000000000000001-01")),
        ),
        ("unknown path".to_owned(), get(&format!("/no/such/{token}/place"))),
        ("channel".to_owned(), get(&format!("/{token}/noarch/repodata.json"))),
    ]
}

/// Signs in as anaconda-client does, with the right password and with a wrong one. What of them must be seen nowhere.
async fn passwords(cluster: &Cluster) -> anyhow::Result<Vec<String>> {
    let right = RIGHT;
    let wrong = "wrong-k3ZpV8tYc6LmN1xSq9WdJ4bHr7GfU2eT";
    let account = json!({ "login": "grace", "kind": "person", "password": right });
    cluster.admin().post("/api/v1/accounts", &account).await?.good()?;
    let nobody = cluster.admin().nobody();
    let mut marks = [marks(right), marks(wrong)].concat();
    for (password, status) in [(right, 200), (wrong, 401)] {
        let request = nobody.request(Method::POST, "/api/authentications");
        let request = request.basic_auth("grace", Some(password)).json(&json!({ "note": "canary" }));
        let answer = nobody.send(request).await?;
        assert_eq!(answer.status, status, "{}", answer.text());
        if status == 200 {
            let issued = answer.json();
            marks.extend(self::marks(issued["token"].as_str().context("the answer has no token")?));
        }
        let elsewhere = nobody.request(Method::GET, "/api/v1/whoami").basic_auth("grace", Some(password));
        check_answer("a password", "/api/v1/whoami", &nobody.send(elsewhere).await?, &marks);
    }
    Ok(marks)
}

/// Signs in as a program does that opens a browser. The code and the session, which must be seen nowhere.
async fn by_browser(cluster: &Cluster) -> anyhow::Result<Vec<String>> {
    let browser = Browser::new(cluster).await?;
    let right = vec![("login", "grace"), ("password", RIGHT)];
    let page = browser.send(&right, None).await?;
    let code = page.sent_back("code")?;
    let answer = browser.exchange(&code).await?;
    let session = answer.json()["access_token"].as_str().context("there is no session")?.to_owned();
    let again = browser.exchange(&code).await?;
    let marks = [marks(&session), vec![code[30..60].to_owned(), code[100..130].to_owned()]].concat();
    let headers = format!("{:?} {:?}", answer.headers, again.headers);
    assert!(!leaks(page.text.as_bytes(), &marks) && !leaks(again.text.as_bytes(), &marks));
    assert!(!leaks(headers.as_bytes(), &marks), "{headers}");
    Ok(marks)
}

/// A token's string stands in no answer, except where a client asked for links that carry its own path.
fn check_answer(carrier: &str, path: &str, answer: &Answer, marks: &[String]) {
    let headers = format!("{:?}", answer.headers);
    assert!(
        !leaks(headers.as_bytes(), marks),
        "{carrier} {path}: the string stands in the headers: {headers}"
    );
    assert!(
        !leaks(&answer.body, marks),
        "{carrier} {path}: the string stands in the body: {}",
        answer.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_leaves_no_trace_of_its_string() -> anyhow::Result<()> {
    let receiver = OtlpReceiver::start().await?;
    let options = Options {
        separate_processes: true,
        otlp_endpoint: Some(receiver.url()),
        log: "trace,h2=info,hyper=info".to_owned(),
        ..Options::default()
    };
    let mut cluster = Cluster::start(options).await?;
    let ada = cluster.create_person("ada").await?;
    ada.create_channel("acme", "private").await?;
    let issued = ada.issue_token("canary", &[("acme", "write")]).await?;
    let canary = ada.with(&issued.token);
    let mut marks = marks(&issued.token);
    marks.extend(self::marks(ada.token()));
    marks.extend(passwords(&cluster).await?);
    marks.extend(by_browser(&cluster).await?);

    canary.upload("acme", &Conda::new("tiny", "1.0").conda()).await?.good()?;
    canary.upload("acme", &wheel("tiny", "1.0")).await?.good()?;
    let paths = [
        "/acme/noarch/repodata.json",
        "/acme/noarch/repodata_shards.msgpack.zst",
        "/acme/noarch/tiny-1.0-0.conda",
        "/acme/noarch/absent-1.0-0.conda",
        "/elsewhere/noarch/repodata.json",
        "/pypi/acme/simple/tiny/",
        "/api/v1/whoami",
        "/api/v1/channels/acme",
    ];
    for revoked in [false, true] {
        for path in paths {
            for (carrier, request) in carriers(&ada.nobody(), &issued.token, path) {
                check_answer(&carrier, path, &ada.send(request).await?, &marks);
            }
        }
        if !revoked {
            ada.delete(&format!("/api/v1/tokens/{}", issued.id)).await?.good()?;
        }
    }
    for stream in ["authz", "catalog"] {
        let events = cluster.admin().get(&format!("/api/v1/events/{stream}")).await?.good()?;
        assert!(events.text().contains("acme") || stream == "catalog", "the events were read");
        assert!(!leaks(&events.body, &marks), "the string stands in the events of {stream}");
    }
    for (part, metrics) in cluster.metrics().await? {
        assert!(
            !metrics.is_empty() && !leaks(metrics.as_bytes(), &marks),
            "the string stands in {part}'s metrics"
        );
    }
    let tables = cluster.tables().await?;
    assert!(tables.iter().any(|(_, rows)| rows.contains("acme")), "the tables were read");
    for (table, text) in tables {
        assert!(!leaks(text.as_bytes(), &marks), "the string stands in the table {table}");
    }
    cluster.stop_services().await?;
    let spans = receiver.text();
    assert!(spans.contains("repodata"), "spans have arrived");
    assert!(!leaks(spans.as_bytes(), &marks), "the string stands in a span");

    // Whatever was written: logs of services and servers, streams, tables, blobs.
    let log = std::fs::read_to_string(cluster.dir().join("logs/gateway.log"))?;
    assert!(log.matches("request answered").count() > 100, "requests are logged");
    let mut seen = 0;
    for file in files(cluster.dir())? {
        let bytes = std::fs::read(&file)?;
        seen += bytes.len();
        assert!(!leaks(&bytes, &marks), "the string stands in {}", file.display());
    }
    assert!(seen > 1_000_000, "the folder was searched");
    cluster.stop().await
}

fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() {
                found.push(entry.path());
            }
        }
    }
    Ok(found)
}
