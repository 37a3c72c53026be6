//! The API of Anaconda Repository below `/api`, as its clients of the last ten years call it.
//!
//! They match statuses exactly: 200 where something is read or issued, 201 where something is removed, 400 for a name
//! that is taken and for nothing else.

pub(crate) mod account;
pub(crate) mod collaborator;
pub(crate) mod copy;
mod files;
pub(crate) mod group;
pub(crate) mod label;
pub(crate) mod package;
pub(crate) mod release;
pub(crate) mod search;
pub(crate) mod sign_in;
pub(crate) mod stage;
pub(crate) mod token;

use axum::response::{IntoResponse, Response};
use names::{Scope, ScopeFamily};
use serde_json::{Map, Value, json};

/// `HEAD /api`: clients look whether a server is there before they sign in or upload.
pub(crate) async fn root() -> Response {
    axum::Json(json!({ "name": "latchkey", "version": env!("CARGO_PKG_VERSION") })).into_response()
}

/// `GET /api/authentication-type`: how to sign in.
pub(crate) async fn kind() -> Response {
    axum::Json(json!({ "authentication_type": "password" })).into_response()
}

/// `GET /api/scopes`: what each scope of this family opens. Clients send no credential with it.
pub(crate) async fn scopes() -> Response {
    let family = Scope::ALL.into_iter().filter(|scope| scope.family() == ScopeFamily::Repository);
    let words = |scope: Scope| (scope.as_str().to_owned(), Value::from(scope.opens()));
    axum::Json(Value::Object(family.map(words).collect::<Map<_, _>>())).into_response()
}
