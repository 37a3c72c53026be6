//! How something went wrong, in the form that every client prints some part of (RFC 9457).
//!
//! uv prints `title` and `detail`, the anaconda client `error`, `conda repo` `code` and `message`, twine nothing but the
//! reason phrase: all say the same.

use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use hyper::ext::ReasonPhrase;
use runtime::{Failure, request_id};
use serde::Serialize;

/// Longest reason phrase, in bytes: some clients read the status line into a small buffer.
const MAX_REASON_BYTES: usize = 200;

/// The challenge that goes with every 401.
const CHALLENGE: &str = "Basic realm=\"latchkey\"";

/// An answer that is not the one wanted.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    retry_after_s: Option<u32>,
    /// For the trace layer, which logs it once.
    failure: Option<Failure>,
}

#[derive(Serialize)]
struct Document<'a> {
    r#type: &'static str,
    title: &'a str,
    status: u16,
    detail: &'a str,
    request_id: Option<String>,
    error: &'a str,
    message: &'a str,
    code: String,
}

impl Problem {
    /// Detail is one sentence, lower case, without anything secret.
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), retry_after_s: None, failure: None }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn invalid(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    /// Something this needs is away for a moment.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Self {
        Self { retry_after_s: Some(1), ..Self::new(StatusCode::SERVICE_UNAVAILABLE, detail) }
    }

    /// Asked too often; later the same request may succeed.
    pub(crate) fn too_many(detail: impl Into<String>, wait_s: u32) -> Self {
        Self { retry_after_s: Some(wait_s), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
    }

    /// The same words with another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// The sentence.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        let status = StatusCode::from_u16(failure.code.http_status()).expect("every code has a valid status");
        let (detail, retry_after_s) = (failure.message.clone(), failure.retry_after_s);
        Self { status, detail, retry_after_s, failure: Some(failure) }
    }
}

impl From<tonic::Status> for Problem {
    fn from(status: tonic::Status) -> Self {
        Failure::from_status(status).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let document = Document {
            r#type: "about:blank",
            title,
            status: self.status.as_u16(),
            detail: &self.detail,
            request_id: request_id::current().map(|id| id.to_string()),
            error: &self.detail,
            message: &self.detail,
            code: title.to_ascii_lowercase().replace(' ', "_"),
        };
        let body = serde_json::to_vec(&document).expect("strings and numbers are JSON");
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if self.status == StatusCode::PAYLOAD_TOO_LARGE {
            // The rest of the body is not read (RFC 9110, section 15.5.14): the next request needs a connection of its own.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        if let Ok(reason) = ReasonPhrase::try_from(reason(&self.detail)) {
            response.extensions_mut().insert(reason);
        }
        if let Some(failure) = self.failure {
            response.extensions_mut().insert(failure);
        }
        response
    }
}

/// The detail within what a status line may hold (RFC 9112, section 4).
fn reason(detail: &str) -> Vec<u8> {
    let allowed = |c: char| if c == ' ' || c.is_ascii_graphic() { c } else { '?' };
    detail.chars().map(allowed).take(MAX_REASON_BYTES).collect::<String>().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_reason_phrase_says_it_too() {
        let response = Problem::new(StatusCode::CONFLICT, "File already exists").into_response();
        assert_eq!(response.extensions().get::<ReasonPhrase>().unwrap().as_bytes(), b"File already exists");
        assert_eq!(response.status(), StatusCode::CONFLICT);
    }

    #[test]
    fn a_401_has_a_challenge_a_413_the_end_of_the_connection_and_a_503_a_time() {
        let headers = |problem: Problem| problem.into_response().headers().clone();
        assert_eq!(headers(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "x"))[CONNECTION], "close");
        assert!(!headers(Problem::not_found("x")).contains_key(CONNECTION));
        assert_eq!(headers(Problem::new(StatusCode::UNAUTHORIZED, "x"))[WWW_AUTHENTICATE], CHALLENGE);
        assert!(!headers(Problem::not_found("x")).contains_key(WWW_AUTHENTICATE));
        assert_eq!(headers(Problem::unavailable("x"))[RETRY_AFTER], "1");
    }

    proptest! {
        #[test]
        fn any_detail_makes_a_reason_phrase(detail in "\\PC{0,300}|.{0,300}") {
            let bytes = reason(&detail);
            prop_assert!(bytes.len() <= MAX_REASON_BYTES);
            prop_assert!(ReasonPhrase::try_from(bytes).is_ok());
        }
    }
}
