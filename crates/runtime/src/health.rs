//! Liveness and readiness. Alive means the process answers; ready means it may be sent work, which
//! each service decides and keeps in a watch value.

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use tokio::sync::watch;

/// `GET /healthz` and `GET /readyz`.
pub fn router(ready: watch::Receiver<bool>) -> Router {
    let readyz = move || {
        let ready = *ready.borrow();
        async move {
            if ready { (StatusCode::OK, "ready\n") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready\n") }
        }
    };
    Router::new().route("/healthz", get(async || "alive\n")).route("/readyz", get(readyz))
}
