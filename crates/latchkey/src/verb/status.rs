//! `latchkey status`: every replica, and whether log and ledger agree.

use serde_json::Value;

use crate::client::Client;
use crate::failed::Failed;
use crate::output::{list, text};
use crate::verb::Context;

pub(crate) async fn run(context: &Context) -> Result<(), Failed> {
    let client = Client::open(&context.global)?;
    let status = client.get(&["status"]).await?;
    let rows: Vec<Vec<String>> = list(&status, "replicas").iter().map(replica).collect();
    let headings = ["REPLICA", "VERSION", "STATE", "AUTHZ", "LAG", "CATALOG", "LAG", "LEASE"];
    context.output.table(&headings, &rows);
    for check in list(&status, "ledger") {
        context.output.line(checked(check));
    }
    context.output.document(&status);
    Ok(())
}

fn replica(replica: &Value) -> Vec<String> {
    let position =
        |stream: &str, field: &str| replica.get(stream).map_or_else(String::new, |at| text(at, field));
    let state = match replica["lost_ms"].as_u64() {
        Some(lost_ms) => format!("{}, silent for {}", text(replica, "state"), seconds(lost_ms)),
        None => text(replica, "state"),
    };
    vec![
        text(replica, "name"),
        text(replica, "version"),
        state,
        position("authz", "seq"),
        position("authz", "lag"),
        position("catalog", "seq"),
        position("catalog", "lag"),
        replica["lease_age_ms"].as_u64().map_or_else(String::new, seconds),
    ]
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

fn checked(check: &Value) -> String {
    let count = |field: &str| check[field].as_u64().unwrap_or_default();
    let (stream, seq, age_s) = (text(check, "stream"), count("seq"), count("age_s"));
    match (count("missing"), count("differing")) {
        (0, 0) => format!("{stream}: log and ledger agree up to {seq}, {age_s} s ago"),
        (0, differing) => format!(
            "{stream}: {differing} messages of the log differ from the ledger: see the projector's log"
        ),
        (missing, _) => format!(
            "{stream}: {missing} EVENTS ARE MISSING from the log, the first is {}: `latchkey-projector put-back` \
             appends them again from the ledger",
            text(check, "first_missing")
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_missing_is_told_with_what_to_do() {
        let check = json!({ "stream": "AUTHZ", "seq": 9, "age_s": 2, "missing": 0, "differing": 0 });
        assert_eq!(checked(&check), "AUTHZ: log and ledger agree up to 9, 2 s ago");
        let check = json!({ "stream": "AUTHZ", "seq": 9, "age_s": 2, "missing": 1, "first_missing": 4 });
        assert!(checked(&check).contains("put-back") && checked(&check).contains("first is 4"));
    }

    #[test]
    fn whoever_is_cut_off_is_told_of_with_its_time() {
        let cells =
            replica(&json!({ "name": "gateway", "state": "lost", "lost_ms": 3_456, "lease_age_ms": 900 }));
        assert_eq!((cells[2].as_str(), cells[7].as_str()), ("lost, silent for 3.4 s", "0.9 s"));
    }
}
