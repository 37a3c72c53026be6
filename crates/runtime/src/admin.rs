//! The small HTTP server beside a service: health, readiness and metrics, for the operator's network
//! only.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::{Drain, health, telemetry};

/// Serves `/healthz`, `/readyz` and `/metrics`; returns the address it listens on (port 0 picks one).
pub async fn serve(
    listen: SocketAddr,
    ready: watch::Receiver<bool>,
    drain: &Drain,
) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen} for health and metrics; choose another address")
    })?;
    let addr = listener.local_addr()?;
    let router = health::router(ready).merge(telemetry::metrics_router());
    let asked = drain.requested();
    tokio::spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(asked).await;
        if let Err(error) = served {
            tracing::error!(%error, "the health and metrics server ended");
        }
    });
    Ok(addr)
}
