//! `/api/v1/scopes`: every scope with what it opens.

use axum::response::{IntoResponse, Response};
use names::{Scope, ScopeFamily};
use serde::Serialize;
use serde_json::json;

#[derive(Debug, Serialize)]
struct ScopeDocument {
    name: &'static str,
    opens: &'static str,
    family: &'static str,
}

impl From<Scope> for ScopeDocument {
    fn from(scope: Scope) -> Self {
        let family = match scope.family() {
            ScopeFamily::Server => "server",
            ScopeFamily::Repository => "repository",
            ScopeFamily::Latchkey => "latchkey",
        };
        Self { name: scope.as_str(), opens: scope.opens(), family }
    }
}

/// `GET /api/v1/scopes`.
pub(crate) async fn list() -> Response {
    let scopes: Vec<_> = Scope::ALL.into_iter().map(ScopeDocument::from).collect();
    axum::Json(json!({ "scopes": scopes })).into_response()
}
