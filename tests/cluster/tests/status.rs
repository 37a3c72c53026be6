//! `latchkey status` on a whole Latchkey: who is there, of which release, and how far.

#[path = "cli/user.rs"]
mod user;

use serde_json::Value;
use testkit::{Cluster, LIMIT, Options};
use user::User;

fn rows(status: &Value) -> Vec<(&str, &str)> {
    let replicas = status["replicas"].as_array().map_or(&[][..], Vec::as_slice);
    let mut rows: Vec<_> = replicas
        .iter()
        .map(|row| (row["name"].as_str().unwrap_or_default(), row["state"].as_str().unwrap_or_default()))
        .collect();
    rows.sort_unstable();
    rows
}

/// Nobody is behind, and log and ledger have been compared.
fn is_level(status: &Value) -> bool {
    let replicas = status["replicas"].as_array().map_or(&[][..], Vec::as_slice);
    let lags = replicas.iter().flat_map(|row| [&row["authz"]["lag"], &row["catalog"]["lag"]]);
    let ledger = status["ledger"].as_array().map_or(&[][..], Vec::as_slice);
    let whole = ledger.iter().all(|check| check["missing"] == 0 && check["differing"] == 0);
    lags.filter(|lag| !lag.is_null()).all(|lag| *lag == 0) && ledger.len() == 2 && whole
}

#[tokio::test(flavor = "multi_thread")]
async fn every_replica_is_shown_with_what_it_has_applied() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let admin = User::new(&cluster, Some(cluster.admin().token()))?;
    admin.json(&["channel", "create", "acme"])?;
    cluster.admin().upload("acme", &testkit::package::Conda::new("tiny", "1.0").conda()).await?.good()?;
    let asking = async {
        loop {
            let status = cluster.admin().get("/api/v1/status").await?.good()?.json();
            if is_level(&status) {
                return anyhow::Ok(status);
            }
            tokio::task::yield_now().await;
        }
    };
    let status = tokio::time::timeout(LIMIT, asking).await??;
    let expected =
        [("auth", "serving"), ("catalog", "serving"), ("gateway", "following"), ("projector", "active")];
    assert_eq!(rows(&status), expected, "{status}");
    for row in status["replicas"].as_array().into_iter().flatten() {
        assert_eq!(row["version"], env!("CARGO_PKG_VERSION"), "{row}");
        assert!(row["authz"]["seq"].as_u64() > Some(2), "{row}");
    }
    assert_eq!(status["logs"][0]["stream"], "AUTHZ");

    assert_eq!(rows(&admin.json(&["status"])?), expected);
    let told = admin.run(&["status"])?;
    assert!(told.out.contains("REPLICA") && told.out.contains("projector"), "{}", told.out);
    assert!(told.out.contains("CATALOG: log and ledger agree"), "{}", told.out);
    let eve = User::new(&cluster, Some(cluster.create_person("eve").await?.token()))?;
    assert_eq!(eve.run(&["status"])?.code, Some(4));
    cluster.stop().await
}
