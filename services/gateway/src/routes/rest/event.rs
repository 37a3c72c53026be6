//! `/api/v1/events/{log}`: the log for auditors, one JSON document per line.

mod asked;
mod line;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use proto::events::v1::Recorded;
use serde::Deserialize;
use serde_json::json;
use tonic::{Status, Streaming};

use crate::gate::Admitted;
use crate::gate::Sent;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::state::App;
use crate::upstream;

/// Which log.
#[derive(Debug, Deserialize)]
pub(crate) struct Log {
    log: String,
}

/// `GET /api/v1/events/{authz|catalog}?from=N&follow=true&kind=TokenRevoked&actor=ada&object=acme`.
pub(crate) async fn subscribe(given: Given<Log>) -> Result<Response, Problem> {
    let message = asked::request(&given).await?;
    let request = upstream::endless(&given.admitted.presented, message);
    let reply = match given.path.log.as_str() {
        "authz" => given.app.upstreams.authz_events().subscribe(request).await?,
        "catalog" => given.app.upstreams.catalog_events().subscribe(request).await?,
        _ => {
            return Err(Problem::not_found(
                "there are two logs: /api/v1/events/authz and /api/v1/events/catalog",
            ));
        }
    };
    let lines = lines(given.app.clone(), given.admitted, reply.into_inner());
    let headers = [(CONTENT_TYPE, "application/x-ndjson"), (CACHE_CONTROL, "no-store")];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// Ends with the log, with the caller's access, with this process; or with a line that says what went wrong.
fn lines(
    app: App,
    admitted: Admitted,
    recorded: Streaming<Recorded>,
) -> impl Stream<Item = Result<Bytes, Status>> {
    let stop = app.drain.requested();
    let state = Some((app, admitted, recorded));
    let all = stream::unfold(state, |state| async move {
        let (app, admitted, mut recorded) = state?;
        match recorded.message().await {
            Ok(None) => None,
            Ok(Some(_)) if !admitted.still(&app, &Sent::Document) => {
                Some((line(&json!({ "error": "access ended: the token no longer opens the log" })), None))
            }
            Ok(Some(item)) => Some((line(&line::document(item)), Some((app, admitted, recorded)))),
            Err(status) => {
                let failure = runtime::Failure::from_status(status);
                Some((line(&json!({ "error": failure.message })), None))
            }
        }
    });
    all.take_until(stop)
}

fn line(document: &serde_json::Value) -> Result<Bytes, Status> {
    Ok(Bytes::from(format!("{document}\n")))
}
