//! Metrics for Prometheus. Everybody counts with the `metrics` macros; this renders what they counted.

use std::sync::OnceLock;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::routing::get;
use http::header::CONTENT_TYPE;
use metrics::{describe_counter, describe_histogram};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};

/// From a tenth of a millisecond, where an access decision hides, to a slow upload.
const SECONDS: [f64; 14] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Histograms grow until they are folded; this often also when nobody scrapes.
const UPKEEP: Duration = Duration::from_secs(5);

static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();

pub(super) fn install() -> anyhow::Result<tokio::task::JoinHandle<()>> {
    let handle = PrometheusBuilder::new()
        .set_buckets(&SECONDS)?
        .install_recorder()
        .context("metrics are set up already in this process")?;
    describe();
    let kept = HANDLE.get_or_init(|| handle).clone();
    Ok(tokio::spawn(async move {
        let mut ticks = tokio::time::interval(UPKEEP);
        loop {
            ticks.tick().await;
            kept.run_upkeep();
        }
    }))
}

fn describe() {
    describe_counter!("latchkey_http_requests_total", "HTTP requests by method, route and outcome");
    describe_histogram!("latchkey_http_request_seconds", "Seconds until an HTTP answer begins");
    describe_counter!("latchkey_rpc_total", "gRPC calls by RPC and outcome");
    describe_histogram!("latchkey_rpc_seconds", "Seconds until a gRPC answer begins");
}

/// `GET /metrics`. Without [`super::init`] in this process the page is empty.
pub fn metrics_router() -> Router {
    Router::new().route("/metrics", get(page))
}

async fn page() -> ([(http::HeaderName, &'static str); 1], String) {
    let text = HANDLE.get().map(PrometheusHandle::render).unwrap_or_default();
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
}
