//! `latchkey up` with several replicas of everything, as its user meets it: one door, wherever somebody knocks.

#[path = "up/running.rs"]
mod running;

use std::collections::BTreeSet;

use nix::sys::signal::Signal;
use running::{Up, command, said};
use serde_json::{Value, json};
use testkit::{Answer, LIMIT, Session, processes_naming};

fn texts(of: &Value) -> Vec<String> {
    of.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
}

/// A caller of auth's REST interface through one gateway.
async fn revoke(through: &Session, name: &str) -> anyhow::Result<Value> {
    Ok(through.delete(&format!("/api/v1/tokens/{name}")).await?.good()?.json())
}

fn confirmed(receipt: &Value) -> BTreeSet<String> {
    let by = receipt["receipt"]["confirmed"].as_array().into_iter().flatten();
    by.filter_map(|one| one["gateway"].as_str().map(str::to_owned)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_opens_and_closes_at_every_gateway_over_three_servers() -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let data = dir.path().join("data");
    let mut up = Up::start_with(&data, &["--replicas", "3", "--nats", "3"])?;
    let gateways = texts(&up.record["replicas"]["http"]);
    assert_eq!((gateways.len(), &up.record["http"]), (3, &json!(gateways[0])));
    assert_eq!(up.record["nats"].as_str().map(|urls| urls.split(',').count()), Some(3));
    let token = up.record["admin_token"].as_str().unwrap_or_default().to_owned();
    let admins: Vec<Session> = gateways.iter().map(|http| Session::new(http, Some(&token))).collect();
    admins[0].create_channel("acme", "private").await?;

    let everybody: BTreeSet<String> = ["auth", "catalog", "gateway"]
        .iter()
        .flat_map(|of| (1..=3).map(move |n| format!("{of}-{n}")))
        .collect();
    // Each gateway asks an auth replica of its own choice; the last round is after a restart, which chooses anew.
    for (round, through) in (0..).zip(&admins) {
        let issued = through.issue_token(&format!("ci-{round}"), &[("acme", "read")]).await?;
        for gateway in &admins {
            let opened = gateway.with(&issued.token).get("/acme/noarch/repodata.json").await?;
            assert_eq!(opened.status, 200, "{}", opened.text());
        }
        let receipt = revoke(through, &issued.id).await?;
        assert_eq!(confirmed(&receipt), everybody, "{receipt}");
        for gateway in &admins {
            assert_eq!(gateway.with(&issued.token).get("/acme/noarch/repodata.json").await?.status, 401);
        }
    }

    let rows = async || {
        let status = up.run(&["status"])?;
        let row = |row: &Value| {
            let text = |field: &str| row[field].as_str().unwrap_or_default().to_owned();
            (text("name"), text("state"), text("version"))
        };
        anyhow::Ok(status["replicas"].as_array().into_iter().flatten().map(row).collect::<BTreeSet<_>>())
    };
    let state = |name: &str| match name.split('-').next() {
        Some("gateway") => "following",
        _ => "serving",
    };
    let shown =
        |name: &str, state: &str| (name.to_owned(), state.to_owned(), env!("CARGO_PKG_VERSION").to_owned());
    let mut expected: BTreeSet<_> = everybody.iter().map(|name| shown(name, state(name))).collect();
    expected.extend([shown("projector-1", "active"), shown("projector-2", "standby")]);
    assert_eq!(rows().await?, expected);

    // A server of the log may die, and comes back by itself.
    let servers = || {
        let all = processes_naming(&data).into_iter();
        all.filter(|process| process.line.contains("nats-server -c")).collect::<Vec<_>>()
    };
    let first = servers()[0].pid;
    running::kill(first, Signal::SIGKILL)?;
    testkit::until("another one runs", || {
        let now = servers();
        now.len() == 3 && now.iter().all(|process| process.pid != first)
    })
    .await;
    let after = json!({ "name": "after", "grants": [{ "channel": "acme", "level": "read" }] });
    let issuing = async {
        // What was answered with 503 while the servers chose a leader may have been stored all the same: then it is there.
        let is_there = |answer: Answer| [200, 201, 409].contains(&answer.status);
        while !admins[1].post("/api/v1/tokens", &after).await.is_ok_and(is_there) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, issuing).await?;

    assert!(up.signal(Signal::SIGTERM)?.success());
    assert_eq!(processes_naming(&data), []);
    let refused = command(&["up", "--nats", "1", "--listen", "127.0.0.1:0", "--data"]).arg(&data).output()?;
    assert!(said(&refused).contains("--nats 3"), "{}", said(&refused));

    // One of each, on the same three servers.
    let mut up = Up::start(&data)?;
    let receipt = revoke(&up.session(), "after").await?;
    assert!(confirmed(&receipt).contains("gateway"), "{receipt}");
    assert!(up.signal(Signal::SIGTERM)?.success());
    Ok(())
}
