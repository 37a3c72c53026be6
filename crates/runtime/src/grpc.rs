//! A gRPC server as every service runs it: traced, with health and reflection, with limits, and
//! drained before it ends.

mod again;
mod dial;
mod stay;
mod tls;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::service::{Routes, RoutesBuilder};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

pub use again::Again;
pub use dial::{Replicas, channel};
pub use stay::{Leavable, Stay, Visit};
pub use tls::{Tls, TlsArgs};

use crate::trace::GrpcTrace;
use crate::{Ambient, Drain};

/// The largest message either side accepts: an envelope of 256 KiB with room for a page of them.
/// Set it on each generated server and client: `.max_decoding_message_size(MAX_MESSAGE_BYTES)`.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;

/// Calls one connection may have in hand; more are refused as too many. Open streams do not count.
pub const MAX_CALLS_PER_CONNECTION: usize = 256;

/// HTTP/2 streams one connection may have open, feeds included.
const MAX_STREAMS_PER_CONNECTION: u32 = 1024;

/// The largest headers of one call.
const MAX_HEADER_BYTES: u32 = 16 * 1024;

const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_LIMIT: Duration = Duration::from_secs(5);

/// How long calls in hand may take once the process was asked to stop.
pub const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// What a server needs besides its services.
#[derive(Debug)]
pub struct GrpcServer {
    /// Where to listen; port 0 picks one.
    pub listen: SocketAddr,
    /// Encoded file descriptors of what is served: `proto::DESCRIPTORS`.
    pub descriptors: &'static [u8],
    /// Clocks and ids.
    pub ambient: Ambient,
    /// When to stop.
    pub drain: Drain,
    /// What the health service answers.
    pub ready: watch::Receiver<bool>,
    /// With it, only callers whose certificates are believed are served.
    pub tls: Option<Tls>,
}

/// A server that listens.
#[derive(Debug)]
pub struct Served {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Ends after the drain, or when serving failed.
    pub task: JoinHandle<anyhow::Result<()>>,
}

impl GrpcServer {
    /// Listens, then serves `services` until the drain.
    ///
    /// `RoutesBuilder::default()` and its `add_service` collect the generated servers.
    pub async fn serve(self, services: RoutesBuilder) -> anyhow::Result<Served> {
        let listen = self.listen;
        let listener = TcpListener::bind(listen)
            .await
            .with_context(|| format!("cannot listen on {listen} for gRPC; choose another address"))?;
        let addr = listener.local_addr()?;
        let routes = self.with_health_and_reflection(services).await?;
        let known = [self.descriptors, tonic_health::pb::FILE_DESCRIPTOR_SET];
        let trace = GrpcTrace::new(self.ambient, &known).context("the descriptors cannot be read")?;
        let (tls, asked) = (self.tls.clone(), self.drain.requested());
        let router = Server::builder()
            .tcp_nodelay(true)
            .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
            .http2_keepalive_timeout(Some(KEEPALIVE_LIMIT))
            .http2_max_header_list_size(MAX_HEADER_BYTES)
            .max_concurrent_streams(MAX_STREAMS_PER_CONNECTION)
            .concurrency_limit_per_connection(MAX_CALLS_PER_CONNECTION)
            .load_shed(true)
            .layer(trace)
            .add_routes(routes);
        let server = async move {
            match tls {
                Some(tls) => router.serve_with_incoming_shutdown(tls.incoming(listener), asked).await,
                None => {
                    let plain = TcpIncoming::from(listener).with_nodelay(Some(true));
                    router.serve_with_incoming_shutdown(plain, asked).await
                }
            }
        };
        let drain = self.drain;
        let task = tokio::spawn(async move {
            let _guard = drain.guard();
            let limit = async {
                drain.requested().await;
                tokio::time::sleep(DRAIN_LIMIT).await;
            };
            tokio::select! {
                ended = server => ended.context("the gRPC server ended"),
                () = limit => {
                    tracing::warn!(limit_s = DRAIN_LIMIT.as_secs(), "calls in hand were left behind");
                    Ok(())
                }
            }
        });
        Ok(Served { addr, task })
    }

    async fn with_health_and_reflection(&self, mut services: RoutesBuilder) -> anyhow::Result<Routes> {
        let reporter = HealthReporter::new();
        // A reporter begins by saying that it serves, which nobody has found out yet.
        reporter.set_service_status("", ServingStatus::NotServing).await;
        services.add_service(tonic_health::pb::health_server::HealthServer::new(
            tonic_health::server::HealthService::from_health_reporter(reporter.clone()),
        ));
        tokio::spawn(report(reporter, self.ready.clone(), self.drain.clone()));
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(self.descriptors)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()
            .context("the descriptors cannot be served by reflection")?;
        services.add_service(reflection);
        Ok(services.routes())
    }
}

/// Keeps the health service's answer equal to readiness; a draining server is not ready.
async fn report(reporter: HealthReporter, mut ready: watch::Receiver<bool>, drain: Drain) {
    loop {
        let status = if *ready.borrow_and_update() && !drain.is_requested() {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        reporter.set_service_status("", status).await;
        if drain.is_requested() {
            return;
        }
        tokio::select! {
            changed = ready.changed() => if changed.is_err() {
                // Whoever decided readiness is gone, so the last word stands until the drain.
                drain.requested().await;
            },
            () = drain.requested() => {}
        }
    }
}
