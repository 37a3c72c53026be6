//! `/api/v1/status`: every replica with what it has applied, how far it is behind, its lease and its version.

mod replicas;

use axum::response::IntoResponse;
use feed::client::Upstream;
use futures::future::join_all;
use proto::status::v1::status_client::StatusClient;
use proto::status::v1::{ShowRequest, Standing};
use readmodel::{LedgerCheck, Stream};
use replicas::{end_of, replicas};
use runtime::Failure;
use runtime::grpc::Replicas;
use serde::Serialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tonic::Response;

use crate::limits::READ_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::state::unread;
use crate::upstream::{self, Upstreams};

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
pub(crate) async fn show(given: Given<()>) -> Result<axum::response::Response, Problem> {
    let Upstreams { all_auth, all_catalog, .. } = &given.app.upstreams;
    let (access, content) = tokio::join!(ask_all(&given, all_auth), ask_all(&given, all_catalog));
    let (access, content) = (access?, content?);
    let reader = &given.app.reader;
    let authz = reader.checkpoint(Stream::Authz).await.map_err(unread)?.seq;
    let applied = (authz, reader.checkpoint(Stream::Catalog).await.map_err(unread)?.seq);
    let projectors = reader.projectors().await.map_err(unread)?;
    let checks = reader.ledger_checks().await.map_err(unread)?;
    let log = |stream: Stream, of: &[Standing]| Log {
        stream: stream.as_str(),
        epoch: of.first().map(|of| of.epoch.clone()).unwrap_or_default(),
        end: end_of(of),
    };
    let document = json!({
        "logs": [log(Stream::Authz, &access), log(Stream::Catalog, &content)],
        "ledger": checks.into_iter().map(Checked::from).collect::<Vec<_>>(),
        "replicas": replicas(&access, &content, projectors, applied),
    });
    Ok(axum::Json(document).into_response())
}

/// What each replica that answers says; an error if none does.
async fn ask_all(given: &Given<()>, replicas: &Replicas) -> Result<Vec<Standing>, Problem> {
    let channels = replicas.each(Upstream::tuned).await;
    let answers = join_all(channels.into_iter().map(|channel| async {
        let ask = upstream::request(&given.admitted.presented, ShowRequest {}, READ_CALL);
        StatusClient::new(channel).show(ask).await.map(Response::into_inner)
    }));
    let (mut standings, mut refusals) = (Vec::new(), Vec::new());
    for answer in answers.await {
        match answer {
            Ok(standing) => standings.push(standing),
            Err(status) => refusals.push(status),
        }
    }
    match (standings.is_empty(), refusals.into_iter().next()) {
        (true, Some(status)) => Err(status.into()),
        (true, None) => {
            let away = "no replica of auth or of catalog is found under its name: try again in a moment";
            Err(Failure::unavailable(away).into())
        }
        (false, _) => Ok(standings),
    }
}

fn rfc3339(time: OffsetDateTime) -> String {
    time.format(&Rfc3339).unwrap_or_default()
}
