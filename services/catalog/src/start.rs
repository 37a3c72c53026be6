//! From a configuration to a service that answers: connect, follow what decides access, serve.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use blobs::Blobs;
use eventlog::{JetStream, Log, Writer};
use feed::client::{AccessView, FollowError, Holder, Upstream};
use feed::server::{FeedService, Followers};
use futures::future::BoxFuture;
use runtime::grpc::{GrpcServer, Replicas, Served};
use runtime::{Ambient, Drain, Secret};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::service::RoutesBuilder;

use crate::app::{Catalog, Parts, clocks, stamps};
use crate::config::Config;
use crate::content::Content;
use crate::grpc::{CatalogApi, EventsApi, feed_gate, status};
use crate::inspect::Limits;

/// What its replicas tell each other of whoever follows them.
const ACKS: &str = "ack.catalog";
/// Uploads that nobody committed are removed when they are this old: no upload takes that long.
const SWEEP_AGE: Duration = Duration::from_secs(24 * 3600);
const SWEEP_INTERVAL: Duration = Duration::from_secs(3600);

/// A service that listens and is ready.
#[derive(Debug)]
pub struct Started {
    /// Where gRPC is served.
    pub addr: SocketAddr,
    /// Where health and metrics are served.
    pub http: Option<SocketAddr>,
    /// Ends after the drain, or when the service cannot go on.
    pub task: JoinHandle<anyhow::Result<()>>,
}

/// Starts the service; it is ready when this returns: when it knows who may do what. It listens no sooner, so that callers go
/// to another replica meanwhile.
pub async fn start(config: Config, ambient: Ambient, drain: Drain) -> anyhow::Result<Started> {
    let secret = Secret::read(&config.service_secret_file)
        .with_context(|| format!("SERVICE_SECRET_FILE {}", config.service_secret_file.display()))?;
    let tls = config.grpc_tls.open()?;
    let replicas = Replicas::parse(&config.auth_url, tls.as_ref()).context("AUTH_URL")?;
    let holder =
        Holder { name: config.name.clone(), incarnation: ambient.ids.uuid(), public: Duration::ZERO };
    let clocks = clocks(&ambient);
    let channel = replicas.any(Upstream::tuned);
    let auth = Upstream::new(channel, secret.expose(), &holder.name, holder.incarnation)
        .leaving(move || replicas.leave());
    let blobs = Blobs::open(&config.blobs).context("BLOBS")?;
    let log = JetStream::wait_and_connect(
        config.nats(),
        stamps(&ambient),
        Some(config.signer()?),
        config.keyring()?,
    );
    let log = log.await.context("the event log at NATS_URL")?;
    let boot = ambient.clock.clone();
    let followers = Followers::new(move || boot.boot());
    let joined = followers.join_replicas(log.notes(Writer::Catalog, ACKS)?).await;
    joined.context("hearing from the other replicas of catalog")?;
    let log: Arc<dyn Log> = Arc::new(log);
    let access = AccessView::new(config.services()?);
    let parts = Parts {
        log,
        access: access.clone(),
        blobs: blobs.clone(),
        ambient: ambient.clone(),
        followers,
        auth: auth.clone(),
        limits: Limits::default(),
        packages_private: config.packages == "private",
    };

    let (readiness, ready) = watch::channel(false);
    let http = match config.http_listen {
        Some(listen) => Some(runtime::admin::serve(listen, ready.clone(), &drain).await?),
        None => None,
    };
    let services = services(&config.name, parts, &drain);
    let served = CancellationToken::new();
    let (view, stop) = (access.clone(), served.clone().cancelled_owned());
    let (leased, grantor, until) = (access.clone(), auth.clone(), served.clone().cancelled_owned());
    tokio::spawn(async move {
        // A grant that a snapshot has passed already would not be seen.
        leased.until_ready().await;
        leased.lease().keep(&holder, &clocks, &grantor, until).await;
    });
    let mut following = tokio::spawn(async move { view.follow(auth, stop).await });
    tokio::select! {
        () = access.until_ready() => {}
        ended = &mut following => anyhow::bail!("the access feed ended before it began: {ended:?}"),
        () = drain.requested() => {}
    }
    let (listen, clock, descriptors) = (config.listen, ambient.clone(), proto::DESCRIPTORS);
    let server = GrpcServer { listen, descriptors, ambient, drain: drain.clone(), ready, tls };
    let Served { addr, task: serving } = server.serve(services).await?;
    tracing::info!(%addr, "catalog is ready");
    readiness.send_replace(true);
    let sweeping = tokio::spawn(sweep(blobs, clock)).abort_handle();
    let task = tokio::spawn(async move {
        let ended = run(serving, following, served).await;
        readiness.send_replace(false);
        sweeping.abort();
        ended
    });
    Ok(Started { addr, http, task })
}

fn services(name: &str, parts: Parts, drain: &Drain) -> RoutesBuilder {
    let stop = {
        let drain = drain.clone();
        move || Box::pin(drain.requested()) as BoxFuture<'static, ()>
    };
    let source = Arc::new(Content(parts.log.clone()));
    let gate = feed_gate(parts.access.clone(), parts.ambient.clone());
    let (log, followers, access) = (parts.log.clone(), parts.followers.clone(), parts.access.clone());
    let catalog = Arc::new(Catalog::new(parts));
    let status = status(name, catalog.clone(), log.clone(), access, followers.clone());
    let mut services = RoutesBuilder::default();
    services
        .add_service(CatalogApi(catalog.clone()).into_server())
        .add_service(status.into_server())
        .add_service(EventsApi { log, catalog, drain: drain.clone() }.into_server())
        .add_service(FeedService::new(source, followers, gate, stop).into_server());
    services
}

/// Serves until the drain, and leaves the access feed after the last call is answered. A feed that cannot go on takes
/// the service with it: to decide on would be to miss revocations.
async fn run(
    serving: JoinHandle<anyhow::Result<()>>,
    following: JoinHandle<Result<(), FollowError>>,
    served: CancellationToken,
) -> anyhow::Result<()> {
    let mut following = following;
    tokio::select! {
        ended = serving => {
            served.cancel();
            following.await?.context("the access feed ended")?;
            ended?
        }
        ended = &mut following => ended?.context("the access feed ended"),
    }
}

async fn sweep(blobs: Blobs, ambient: Ambient) {
    let mut turns = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        turns.tick().await;
        match blobs.sweep(ambient.clock.now() - SWEEP_AGE).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "uploads that nobody committed are removed"),
            Err(error) => tracing::warn!(%error, "old uploads could not be removed"),
        }
    }
}
