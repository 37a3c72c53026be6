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
        let bytes = read(request.into_body()).await?;
        let text: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        serde_json::from_slice(text)
            .map(Self)
            // serde names the field and what was expected, not what stood there beyond its kind.
            .map_err(|error| Problem::invalid(format!("the body is not the JSON expected here: {error}")))
    }
}

async fn read(body: Body) -> Result<bytes::Bytes, Problem> {
    match Limited::new(body, MAX_JSON_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the body is longer than {MAX_JSON_BYTES} bytes"),
        )),
        Err(_broken) => Err(Problem::invalid("the body ended before its end")),
    }
}

/// Reads a query.
pub(crate) fn query<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    Query::try_from_uri(uri)
        .map(|Query(query)| query)
        .map_err(|_unreadable| Problem::invalid("the query is not what is expected here"))
}
