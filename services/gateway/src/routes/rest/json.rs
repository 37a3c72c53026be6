//! JSON bodies and queries in, within limits and with a sentence when they are wrong.

use axum::body::Body;
use axum::extract::{FromRequest, Query, Request};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::de::DeserializeOwned;

use crate::limits::MAX_JSON_BYTES;
use crate::problem::Problem;

/// A JSON document as a request's body; an empty body is an empty object.
#[derive(Debug)]
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        read(request.into_body(), MAX_JSON_BYTES).await.map(Self)
    }
}

/// The same for a document that may be longer.
pub(crate) async fn read<T: DeserializeOwned>(body: Body, limit: usize) -> Result<T, Problem> {
    let bytes = text(body, limit).await?;
    let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
    serde_json::from_slice(text).map_err(|error| {
        Problem::invalid(format!("the body is not the JSON expected here: {}", words(&error)))
    })
}

/// What is wrong, without repeating a value: it may be a password in the wrong field.
fn words(error: &serde_json::Error) -> String {
    let place = format!("line {}, column {}", error.line(), error.column());
    match error.to_string() {
        text if text.starts_with("missing field") => text,
        _ if error.is_data() => format!("a value is of the wrong kind at {place}"),
        _ => format!("it cannot be read at {place}"),
    }
}

/// A whole body, up to a limit.
pub(crate) async fn text(body: Body, limit: usize) -> Result<bytes::Bytes, Problem> {
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => {
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body is longer than {limit} bytes")))
        }
        Err(_broken) => Err(Problem::invalid("the body ended before its end")),
    }
}

/// Reads a query.
pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    Query::try_from_uri(uri)
        .map(|Query(query)| query)
        .map_err(|_unreadable| Problem::invalid("the query is not what is expected here"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    struct Person {
        #[expect(dead_code, reason = "only its presence is looked at")]
        login: String,
        #[serde(default)]
        #[expect(dead_code, reason = "only its kind is looked at")]
        admin: bool,
    }

    async fn problem(body: &str) -> String {
        let request = Request::new(Body::from(body.to_owned()));
        format!("{:?}", Json::<Person>::from_request(request, &()).await.unwrap_err())
    }

    #[tokio::test]
    async fn a_wrong_body_is_described_and_not_repeated() {
        assert!(problem("{}").await.contains("missing field `login`"));
        assert!(problem("").await.contains("missing field `login`"));
        let wrong = problem(r#"{ "login": "a", "admin": "hunter2" }"#).await;
        assert!(wrong.contains("wrong kind") && !wrong.contains("hunter2"), "{wrong}");
        assert!(problem("{").await.contains("cannot be read"));
        assert!(problem(&format!("\"{}\"", "a".repeat(MAX_JSON_BYTES))).await.contains("longer than"));
    }
}
