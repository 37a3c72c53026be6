//! W3C trace context, carried by HTTP headers, gRPC metadata and the `traceparent` of an envelope.

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tonic::metadata::MetadataMap;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

const TRACEPARENT: &str = "traceparent";

/// The context of the current span as a W3C `traceparent`; empty when nothing is being traced.
pub fn current_traceparent() -> String {
    let mut carrier = Text(String::new());
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut carrier);
    carrier.0
}

/// A span that continues the trace a stored `traceparent` belongs to. Readers of the log enter it
/// while they handle one message; a text that is no context starts a trace of its own.
pub fn span_from_traceparent(name: &'static str, traceparent: &str) -> Span {
    let span = tracing::info_span!(
        "message",
        otel.name = name,
        otel.kind = "consumer",
        trace.id = tracing::field::Empty
    );
    continue_trace(&span, &Text(traceparent.to_owned()));
    span
}

/// Puts the current span's context and the request id into a call to another service.
pub fn inject_grpc<T>(request: &mut tonic::Request<T>) {
    inject(request.metadata_mut());
}

pub(super) fn inject(metadata: &mut MetadataMap) {
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut Metadata(metadata));
    if let Some(id) = crate::request_id::current()
        && let Ok(value) = id.as_str().parse()
    {
        metadata.insert(crate::request_id::HEADER, value);
    }
}

/// Makes the span a child of what the headers name, if they name anything.
pub(super) fn continue_from_headers(span: &Span, headers: &HeaderMap) {
    continue_trace(span, &Headers(headers));
}

fn continue_trace(span: &Span, carrier: &dyn Extractor) {
    // Nothing is traced, so there is nothing to continue.
    if span.is_disabled() {
        return;
    }
    let parent = TraceContextPropagator::new().extract(carrier);
    if parent.span().span_context().is_valid() {
        // It fails only when tracing is off, and then there is nothing to continue.
        drop(span.set_parent(parent));
    }
    let context = span.context();
    let trace = context.span().span_context().trace_id();
    if trace != opentelemetry::TraceId::INVALID {
        span.record("trace.id", trace.to_string());
    }
}

struct Text(String);

impl Extractor for Text {
    fn get(&self, key: &str) -> Option<&str> {
        (key == TRACEPARENT).then_some(self.0.as_str())
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT]
    }
}

impl Injector for Text {
    fn set(&mut self, key: &str, value: String) {
        if key == TRACEPARENT {
            self.0 = value;
        }
    }
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct Metadata<'a>(&'a mut MetadataMap);

impl Injector for Metadata<'_> {
    fn set(&mut self, key: &str, value: String) {
        let key = tonic::metadata::MetadataKey::from_bytes(key.as_bytes());
        if let (Ok(key), Ok(value)) = (key, value.parse()) {
            self.0.insert(key, value);
        }
    }
}
