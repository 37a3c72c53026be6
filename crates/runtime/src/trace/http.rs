//! Around the answer to every HTTP request: a span, a request id, a duration and an outcome.
//!
//! Whoever knows the routes says which one it is; what matches none is counted as `(none)`.

use std::future::Future;
use std::time::Duration;

use futures::FutureExt;
use http::{Method, Request, Response};
use tracing::{Instrument, Span, field};

use super::meters::Route;
use super::outcome;
use crate::{Ambient, Code, Failure, RequestId, request_id};

/// What a request is counted as whose address is none.
pub const NO_ROUTE: &str = "(none)";

/// Traces what passes. An answer with a [`Failure`] in its extensions is logged here, once, with its reasons.
#[derive(Debug, Clone)]
pub struct HttpTrace(Ambient);

impl HttpTrace {
    /// Ids and durations come from `ambient`.
    pub fn new(ambient: Ambient) -> Self {
        Self(ambient)
    }

    /// Does the work that answers a request.
    pub fn answer<B, R, F>(
        &self,
        route: &Route,
        request: Request<B>,
        work: impl FnOnce(Request<B>) -> F,
    ) -> impl Future<Output = Response<R>>
    where
        F: Future<Output = Response<R>>,
    {
        let Self(ambient) = self;
        let method = method(request.method());
        let id = caller_id(request.headers()).unwrap_or_else(|| RequestId::make(&*ambient.ids));
        let span = span(method, route.as_str(), &id);
        super::context::continue_from_headers(&span, request.headers());

        let started = ambient.clock.boot();
        let work = span.in_scope(|| work(request));
        request_id::scope(id.clone(), work.instrument(span.clone())).map(move |mut response| {
            let elapsed = ambient.clock.boot().saturating_sub(started);
            span.in_scope(|| record(&span, (method, route), elapsed, &response));
            response.headers_mut().insert(request_id::HEADER_NAME, id.header());
            response
        })
    }
}

pub(super) fn caller_id(headers: &http::HeaderMap) -> Option<RequestId> {
    RequestId::accept(headers.get(request_id::HEADER_NAME)?.to_str().ok()?)
}

fn span(method: &'static str, route: &str, id: &RequestId) -> Span {
    tracing::info_span!(
        "http.request",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = field::Empty,
        outcome = field::Empty,
        request.id = id.as_str(),
        trace.id = field::Empty,
    )
}

fn record<R>(
    span: &Span,
    (method, route): (&'static str, &Route),
    elapsed: Duration,
    response: &Response<R>,
) {
    let status = response.status().as_u16();
    let failure = response.extensions().get::<Failure>();
    let code = failure.map(|failure| failure.code).or_else(|| Code::from_http(status));
    let outcome = outcome(code);
    span.record("http.response.status_code", status);
    span.record("outcome", outcome);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    route.record(method, outcome, elapsed);

    let route = route.as_str();
    let duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    let reasons = failure.map(Failure::chain).unwrap_or_default();
    match code {
        Some(Code::Internal) => {
            tracing::error!(method, route, status, duration_ms, reasons, "request failed")
        }
        Some(Code::Unavailable) => {
            tracing::warn!(method, route, status, duration_ms, reasons, "request could not be served");
        }
        Some(
            Code::Invalid
            | Code::Unauthenticated
            | Code::Forbidden
            | Code::NotFound
            | Code::Exists
            | Code::Conflict
            | Code::TooLarge
            | Code::TooMany,
        )
        | None => tracing::info!(method, route, status, duration_ms, "request answered"),
    }
}

/// Methods are a closed list too: a caller can send any word as one.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
