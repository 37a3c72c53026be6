//! `/api/v1/status`: every replica with what it has applied, how far it is behind, its lease and its version.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use proto::status::v1::{Follower, ShowRequest, Standing};
use readmodel::{LedgerCheck, ProjectorRow, Stream};
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::limits::READ_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::state::unread;
use crate::upstream;

/// One process.
#[derive(Debug, Default, Serialize)]
struct Replica {
    name: String,
    /// Absent for auth and catalog, which answer themselves.
    incarnation: Option<String>,
    version: String,
    /// `serving`, `following`, `lost`, `active` or `standby`.
    state: &'static str,
    authz: Option<Position>,
    catalog: Option<Position>,
    lease_age_ms: Option<u64>,
    /// How long it has been cut off.
    lost_ms: Option<u64>,
}

/// How far somebody is in a log, and how much is left.
#[derive(Debug, Clone, Copy, Serialize)]
struct Position {
    seq: u64,
    lag: u64,
}

#[derive(Debug, Serialize)]
struct Log {
    stream: &'static str,
    epoch: String,
    end: u64,
}

/// What the projector found when it last compared log and ledger.
#[derive(Debug, Serialize)]
struct Checked {
    stream: &'static str,
    checked_at: String,
    age_s: u64,
    seq: u64,
    missing: u64,
    first_missing: Option<u64>,
    differing: u64,
}

impl From<LedgerCheck> for Checked {
    fn from(check: LedgerCheck) -> Self {
        Self {
            stream: check.stream.as_str(),
            checked_at: rfc3339(check.checked_at),
            age_s: check.age_s,
            seq: check.seq,
            missing: check.missing,
            first_missing: check.first_missing,
            differing: check.differing,
        }
    }
}

/// `GET /api/v1/status`.
pub(crate) async fn show(given: Given<()>) -> Result<Response, Problem> {
    let ask = || upstream::request(&given.admitted.presented, ShowRequest {}, READ_CALL);
    let (mut auth, mut catalog) = (given.app.upstreams.auth_status(), given.app.upstreams.catalog_status());
    let (access, content) = tokio::join!(auth.show(ask()), catalog.show(ask()));
    let (access, content) = (access?.into_inner(), content?.into_inner());
    let reader = &given.app.reader;
    let authz = reader.checkpoint(Stream::Authz).await.map_err(unread)?.seq;
    let applied = (authz, reader.checkpoint(Stream::Catalog).await.map_err(unread)?.seq);
    let projectors = reader.projectors().await.map_err(unread)?;
    let checks = reader.ledger_checks().await.map_err(unread)?;
    let log = |stream: Stream, of: &Standing| Log {
        stream: stream.as_str(),
        epoch: of.epoch.clone(),
        end: of.end_seq,
    };
    let document = json!({
        "logs": [log(Stream::Authz, &access), log(Stream::Catalog, &content)],
        "ledger": checks.into_iter().map(Checked::from).collect::<Vec<_>>(),
        "replicas": replicas(&access, &content, projectors, applied),
    });
    Ok(axum::Json(document).into_response())
}

/// auth and catalog themselves, then whoever follows them, then the projectors.
fn replicas(
    access: &Standing,
    content: &Standing,
    projectors: Vec<ProjectorRow>,
    applied: (u64, u64),
) -> Vec<Replica> {
    let ends = (access.end_seq, content.end_seq);
    let server = |of: &Standing| {
        let replica = of.replica.clone().unwrap_or_default();
        let authz = Some(position(replica.authz_seq, ends.0));
        Replica {
            name: replica.name,
            version: replica.version,
            state: "serving",
            authz,
            ..Replica::default()
        }
    };
    let mut following = BTreeMap::<(String, String), Replica>::new();
    for (of_access, follower) in
        access.followers.iter().map(|one| (true, one)).chain(content.followers.iter().map(|one| (false, one)))
    {
        let key = (follower.name.clone(), follower.incarnation.clone());
        let replica = following.entry(key).or_insert_with(|| follower_row(follower));
        if of_access {
            replica.authz = Some(position(follower.applied_seq, ends.0));
            replica.lease_age_ms = follower.lease_age_ms;
        } else {
            replica.catalog = Some(position(follower.applied_seq, ends.1));
        }
        if follower.lost_ms.is_some() {
            (replica.state, replica.lost_ms) = ("lost", replica.lost_ms.max(follower.lost_ms));
        }
    }
    let projector = |row: ProjectorRow| Replica {
        name: row.name,
        incarnation: Some(row.incarnation.to_string()),
        version: row.version,
        state: match (row.age_s > LATE_S, row.active) {
            (true, _) => "lost",
            (false, true) => "active",
            (false, false) => "standby",
        },
        authz: row.active.then(|| position(applied.0, ends.0)),
        catalog: row.active.then(|| position(applied.1, ends.1)),
        lost_ms: (row.age_s > LATE_S).then_some(row.age_s * 1_000),
        ..Replica::default()
    };
    // The catalog that answers follows the access feed as well, and is one process.
    let mut catalog = server(content);
    let own = |key: &&(String, String)| key.0 == catalog.name;
    if let Some(key) = following.keys().find(own).cloned() {
        let it = following.remove(&key).unwrap_or_default();
        (catalog.incarnation, catalog.lease_age_ms) = (it.incarnation, it.lease_age_ms);
    }
    [server(access), catalog]
        .into_iter()
        .chain(following.into_values())
        .chain(projectors.into_iter().map(projector))
        .collect()
}

/// A projector that has said nothing for longer than this is not well.
const LATE_S: u64 = 15;

fn follower_row(follower: &Follower) -> Replica {
    Replica {
        name: follower.name.clone(),
        incarnation: Some(follower.incarnation.clone()),
        version: follower.version.clone(),
        state: "following",
        ..Replica::default()
    }
}

/// What was asked at different moments may cross: nobody is ahead of the log.
fn position(seq: u64, end: u64) -> Position {
    Position { seq, lag: end.saturating_sub(seq) }
}

fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(name: &str, end_seq: u64, followers: Vec<Follower>) -> Standing {
        let replica = proto::status::v1::Replica { name: name.into(), version: "1".into(), authz_seq: 9 };
        Standing { replica: Some(replica), followers, end_seq, ..Standing::default() }
    }

    #[test]
    fn a_gateway_is_one_row_with_what_both_know_of_it() {
        let follower = |name: &str, applied_seq, lost_ms| Follower {
            name: name.into(),
            incarnation: "i".into(),
            version: "1".into(),
            applied_seq,
            lost_ms,
            lease_age_ms: Some(700),
        };
        let access = standing("auth", 10, vec![follower("catalog", 10, None), follower("gateway", 8, None)]);
        let content = standing("catalog", 5, vec![follower("gateway", 5, Some(3))]);
        let rows = replicas(&access, &content, Vec::new(), (0, 0));
        let shown = serde_json::to_value(&rows).unwrap();
        assert_eq!(shown.as_array().unwrap().len(), 3);
        assert_eq!((&shown[0]["name"], &shown[0]["authz"]["lag"]), (&json!("auth"), &json!(1)));
        assert_eq!((&shown[1]["name"], &shown[1]["lease_age_ms"]), (&json!("catalog"), &json!(700)));
        let gateway = &shown[2];
        assert_eq!((&gateway["authz"]["lag"], &gateway["catalog"]["lag"]), (&json!(2), &json!(0)));
        assert_eq!((&gateway["state"], &gateway["lost_ms"]), (&json!("lost"), &json!(3)));
        assert_eq!(gateway["lease_age_ms"], 700);
    }
}
