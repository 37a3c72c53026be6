//! The layer for axum: a span, a request id, a duration and an outcome for every request.
//!
//! Put it on the router with `Router::layer`, so that the matched route is known; what matches none
//! is counted as `(none)`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::MatchedPath;
use http::{HeaderValue, Method, Request, Response};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field};

use super::meters::Meters;
use super::outcome;
use crate::{Ambient, Code, Failure, RequestId, request_id};

const NO_ROUTE: &str = "(none)";

/// Traces what passes. A handler that answers with a [`Failure`] puts it into the response's
/// extensions, and it is logged here, once, with its reasons.
#[derive(Debug, Clone)]
pub struct HttpTrace(Ambient, Meters);

impl HttpTrace {
    /// Ids and durations come from `ambient`.
    pub fn new(ambient: Ambient) -> Self {
        Self(ambient, Meters::default())
    }
}

impl<S> Layer<S> for HttpTrace {
    type Service = HttpTraced<S>;
    fn layer(&self, inner: S) -> Self::Service {
        HttpTraced { inner, ambient: self.0.clone(), meters: self.1.clone() }
    }
}

/// A service with [`HttpTrace`] around it.
#[derive(Debug, Clone)]
pub struct HttpTraced<S> {
    inner: S,
    ambient: Ambient,
    meters: Meters,
}

impl<S, B, R> Service<Request<B>> for HttpTraced<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    B: Send,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let method = method(request.method());
        let id = caller_id(request.headers()).unwrap_or_else(|| RequestId::make(&*self.ambient.ids));
        let span = span(method, route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str), &id);
        super::context::continue_from_headers(&span, request.headers());
        request.extensions_mut().insert(id.clone());

        let (clock, meters) = (self.ambient.clock.clone(), self.meters.clone());
        let started = clock.boot();
        let work = span.in_scope(|| self.inner.call(request));
        let work = request_id::scope(id.clone(), work.instrument(span.clone()));
        Box::pin(async move {
            let mut response = work.await?;
            let elapsed = clock.boot().saturating_sub(started);
            let route = route.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
            span.in_scope(|| record(&meters, method, route, elapsed, &response));
            if let Ok(value) = HeaderValue::from_str(id.as_str()) {
                response.headers_mut().insert(request_id::HEADER, value);
            }
            Ok(response)
        })
    }
}

pub(super) fn caller_id(headers: &http::HeaderMap) -> Option<RequestId> {
    RequestId::accept(headers.get(request_id::HEADER)?.to_str().ok()?)
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

fn record<R>(meters: &Meters, method: &'static str, route: &str, elapsed: Duration, response: &Response<R>) {
    let status = response.status().as_u16();
    let failure = response.extensions().get::<Failure>();
    let code = failure.map(|failure| failure.code).or_else(|| Code::from_http(status));
    let (span, outcome) = (Span::current(), outcome(code));
    span.record("http.response.status_code", status);
    span.record("outcome", outcome);
    if status >= 500 {
        span.record("otel.status_code", "ERROR");
    }
    meters.record(method, route, outcome, elapsed);

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
