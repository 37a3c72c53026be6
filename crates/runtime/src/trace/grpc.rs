//! The layer for tonic servers: a span, a request id, a duration and an outcome for every call.
//!
//! Calls are named after the RPCs in the descriptors that are served; any other path, which a caller
//! may have filled with anything, is `(unknown)`.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use metrics::{counter, histogram};
use prost::Message;
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};
use tracing::{Instrument, Span, field};

use super::http::caller_id;
use super::outcome;
use crate::{Ambient, Code, RequestId, failure, request_id};

/// Traces what passes.
#[derive(Debug, Clone)]
pub struct GrpcTrace {
    ambient: Ambient,
    names: Arc<HashMap<String, Arc<str>>>,
}

impl GrpcTrace {
    /// `descriptors` are encoded file descriptor sets that list the RPCs which may be named.
    pub fn new(ambient: Ambient, descriptors: &[&[u8]]) -> Result<Self, prost::DecodeError> {
        let mut names = HashMap::new();
        for encoded in descriptors {
            for file in prost_types::FileDescriptorSet::decode(*encoded)?.file {
                for service in &file.service {
                    for method in &service.method {
                        let name = format!("{}.{}/{}", file.package(), service.name(), method.name());
                        names.insert(format!("/{name}"), Arc::from(name));
                    }
                }
            }
        }
        Ok(Self { ambient, names: Arc::new(names) })
    }
}

impl<S> Layer<S> for GrpcTrace {
    type Service = GrpcTraced<S>;
    fn layer(&self, inner: S) -> Self::Service {
        GrpcTraced { inner, trace: self.clone() }
    }
}

/// A service with [`GrpcTrace`] around it.
#[derive(Debug, Clone)]
pub struct GrpcTraced<S> {
    inner: S,
    trace: GrpcTrace,
}

impl<S, B> Service<Request<B>> for GrpcTraced<S>
where
    S: Service<Request<B>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let rpc =
            self.trace.names.get(request.uri().path()).cloned().unwrap_or_else(|| Arc::from("(unknown)"));
        let ambient = &self.trace.ambient;
        let id = caller_id(request.headers()).unwrap_or_else(|| RequestId::make(&*ambient.ids));
        let span = span(&rpc, &id);
        super::context::continue_from_headers(&span, request.headers());

        let clock = ambient.clock.clone();
        let started = clock.boot();
        let work = span.in_scope(|| self.inner.call(request));
        let work = request_id::scope(id.clone(), work.instrument(span.clone()));
        Box::pin(async move {
            let mut response = work.await?;
            let elapsed = clock.boot().saturating_sub(started);
            response.headers_mut().insert(request_id::HEADER_NAME, id.header());
            Ok(span.in_scope(|| record(rpc, elapsed, response)))
        })
    }
}

fn span(rpc: &str, id: &RequestId) -> Span {
    tracing::info_span!(
        "grpc.request",
        otel.name = rpc,
        otel.kind = "server",
        otel.status_code = field::Empty,
        rpc.system = "grpc",
        rpc.method = rpc,
        outcome = field::Empty,
        request.id = id.as_str(),
        trace.id = field::Empty,
    )
}

/// The duration is that of the answer's beginning; the outcome of a stream comes with its trailers.
fn record(rpc: Arc<str>, elapsed: Duration, response: Response<Body>) -> Response<Body> {
    histogram!("latchkey_rpc_seconds", "rpc" => rpc.clone()).record(elapsed.as_secs_f64());
    if response.headers().contains_key("grpc-status") {
        record_outcome(&rpc, response.headers(), response.extensions().get());
        return response;
    }
    let span = Span::current();
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            if let Some(trailers) = frame.trailers_ref() {
                span.in_scope(|| record_outcome(&rpc, trailers, None));
            }
            frame
        }))
    })
}

fn record_outcome(rpc: &Arc<str>, headers: &HeaderMap, status: Option<&Status>) {
    let grpc =
        headers.get("grpc-status").map_or(tonic::Code::Ok, |code| tonic::Code::from_bytes(code.as_bytes()));
    let code = Code::from_grpc(grpc);
    let (span, outcome) = (Span::current(), outcome(code));
    span.record("outcome", outcome);
    counter!("latchkey_rpc_total", "rpc" => rpc.clone(), "code" => outcome).increment(1);
    let reasons = failure::chain(status.and_then(std::error::Error::source));
    match code {
        // A stranger asking for an RPC that is not there is no fault of this service.
        Some(Code::Internal) if grpc != tonic::Code::Unimplemented => {
            span.record("otel.status_code", "ERROR");
            tracing::error!(rpc = &**rpc, reasons, "call failed");
        }
        Some(Code::Unavailable) => tracing::warn!(rpc = &**rpc, reasons, "call could not be served"),
        Some(
            Code::Invalid
            | Code::Unauthenticated
            | Code::Forbidden
            | Code::NotFound
            | Code::Exists
            | Code::Conflict
            | Code::TooLarge
            | Code::TooMany
            | Code::Internal,
        )
        | None => tracing::debug!(rpc = &**rpc, outcome, "call answered"),
    }
}
