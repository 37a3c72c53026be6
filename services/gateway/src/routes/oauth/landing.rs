//! Where a program sends the browser once it has its answer.

use axum::response::Response;
use http::StatusCode;

use super::page;

/// `/app/local-login-success`
pub(crate) async fn success() -> Response {
    page::answer(StatusCode::OK, &page::Page::Done)
}

/// `/app/local-login-error`
pub(crate) async fn error() -> Response {
    page::answer(StatusCode::OK, &page::Page::Failed)
}
