//! The scopes that a token can be made of, under the addresses of the clients and of the documents.

use axum::response::{IntoResponse, Response};
use names::{Scope, ScopeFamily};
use serde_json::json;

/// `GET /api/account/scopes`.
pub(crate) async fn listed() -> Response {
    axum::Json(json!({ "scopes": words() })).into_response()
}

/// `GET /api/system/scopes` and `GET /api/system/tokens`: a bare list.
pub(crate) async fn bare() -> Response {
    axum::Json(words()).into_response()
}

/// `conda repo login` makes its token of all that is listed, so the coarse ones of the older family are not.
fn words() -> Vec<&'static str> {
    let ours = Scope::ALL.into_iter().filter(|scope| scope.family() == ScopeFamily::Server);
    ours.map(Scope::as_str).collect()
}
