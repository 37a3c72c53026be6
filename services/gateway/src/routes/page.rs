//! What people and orchestrators ask: what this is, whether it lives, whether it can work.

use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use crate::openapi;
use crate::problem::Problem;
use crate::state::App;

const HTML: &str = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Latchkey</title>\
<h1>Latchkey</h1><p>Private conda channels and Python package indexes.\
<ul><li>conda: <code>/&lt;channel&gt;/</code><li>Python: <code>/pypi/&lt;channel&gt;/simple/</code>\
<li>REST: <code>/api/v1/</code></ul>\
<p>Each takes a token: as <code>/t/&lt;token&gt;</code> in front, or as the Basic password.\n";

/// `/`: HTML for browsers, JSON for everybody else.
pub(crate) async fn root(headers: HeaderMap) -> Response {
    let accepts = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepts.contains("text/html") {
        return Html(HTML).into_response();
    }
    let about = json!({
        "name": "latchkey",
        "version": env!("CARGO_PKG_VERSION"),
        "conda": "/{channel}/",
        "pypi": "/pypi/{channel}/simple/",
        "api": "/api/v1/",
    });
    ([(CONTENT_TYPE, "application/json")], format!("{about}\n")).into_response()
}

/// `/api/v1/openapi.json`.
pub(crate) async fn openapi() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi::DOCUMENT.as_str())
}

/// `/healthz`: the process answers.
pub(crate) async fn healthz() -> &'static str {
    "alive\n"
}

/// `/readyz`: it can be sent work.
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    match app.ready() {
        Ok(()) => (StatusCode::OK, "ready\n").into_response(),
        Err(why) => Problem::unavailable(why).into_response(),
    }
}
