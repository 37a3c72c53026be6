//! One trace from a client's request to the last projection: spans, W3C context, request ids.
//!
//! Spans, metrics and log lines name routes and RPCs from closed lists, never what a caller typed:
//! paths may hold tokens. No header value is recorded but a sane request id.

mod client;
mod context;
mod grpc;
mod http;
mod meters;

pub use client::GrpcClient;
pub use context::{current_traceparent, inject_grpc, span_from_traceparent};
pub use grpc::{GrpcTrace, GrpcTraced};
pub use http::{HttpTrace, NO_ROUTE};
pub use meters::Route;

use crate::Code;

/// The label of an outcome in metrics and spans.
fn outcome(code: Option<Code>) -> &'static str {
    code.map_or("ok", Code::as_str)
}
