//! Puts the parts together: follows both feeds, opens read models and blobs, listens.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use blobs::Blobs;
use feed::client::{AccessView, ContentFollower, FollowError, Holder, Upstream};
use readmodel::{Reader, Stream};
use runtime::grpc::Replicas;
use runtime::{Ambient, Drain, Secret};
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use usage::Publisher;

use crate::certificate::Certificate;
use crate::config::Config;
use crate::failures::Failures;
use crate::file::Hot;
use crate::front::Front;
use crate::index::Indexes;
use crate::limits::{KEEP_UP_LIMIT, LEFT_ALONE, MAX_REQUESTS, MAX_UPLOADS, SWEEP_EVERY};
use crate::listener;
use crate::state::{App, Parts, clocks};
use crate::ticket::Seal;
use crate::upstream::Upstreams;

/// One wait for the read models; then the next begins.
const READ_MODELS_WAIT: Duration = Duration::from_secs(60);

/// A gateway that listens and can answer.
#[derive(Debug)]
pub struct Started {
    /// Where it listens.
    pub addr: SocketAddr,
    /// Ends after the drain, or with what made it end.
    pub task: JoinHandle<anyhow::Result<()>>,
}

/// Starts a gateway. It listens at once, and answers 503 until it knows who may do what; this returns when it does.
pub async fn start(config: Config, ambient: Ambient, drain: Drain) -> anyhow::Result<Started> {
    let secret = Secret::read(&config.service_secret_file)
        .with_context(|| format!("cannot read the credential in {}", config.service_secret_file.display()))?;
    let tls = config.grpc_tls.open()?;
    let all_auth = Replicas::parse(&config.auth_url, tls.as_ref()).context("AUTH_URL")?;
    let all_catalog = Replicas::parse(&config.catalog_url, tls.as_ref()).context("CATALOG_URL")?;
    let elsewhere = all_auth.clone();
    let leave = move || elsewhere.leave();
    let (auth, catalog) = (all_auth.any(Upstream::tuned), all_catalog.any(Upstream::tuned));
    // A line of its own: to leave its replica must not break off calls that are in hand.
    let fed = Replicas::parse(&config.catalog_url, tls.as_ref()).context("CATALOG_URL")?;
    let certificate =
        config.certificate().map(Certificate::open).transpose().context("TLS_CERTIFICATE_FILE")?;
    let incarnation = ambient.ids.uuid();
    let view = AccessView::new(HashMap::new());
    let content = ContentFollower::new(view.clone());
    let reader = Reader::connect(&config.database_url).await?;
    let usage = match &config.nats_url {
        Some(url) => Publisher::start(usage::connect(url, &config.name).await?, &config.name),
        None => Publisher::nowhere(),
    };
    let app = App::new(Parts {
        indexes: Indexes::new(reader.clone(), view.clone(), ambient.clock.clone()),
        blobs: Blobs::open(&config.blobs)?,
        hot: Hot::new(),
        upstreams: Upstreams::over(auth.clone(), catalog, (all_auth, all_catalog)),
        trusted_proxies: config.trusted_proxies.clone(),
        failures: Failures::new(ambient.clock.clone()),
        token_failures: Failures::new(ambient.clock.clone()),
        usage,
        requests: Arc::new(Semaphore::new(MAX_REQUESTS)),
        uploads: Semaphore::new(MAX_UPLOADS),
        max_upload_bytes: config.max_upload_bytes,
        https: certificate.is_some() || config.https_in_front,
        tickets: Seal::new(&secret),
        drain: drain.clone(),
        clocks: clocks(&ambient),
        public: Duration::from_secs(config.public_s.into()),
        ambient,
        view,
        content,
        reader,
    });
    let closing = Drain::new();
    let tls = certificate.map(|certificate| {
        tokio::spawn(certificate.clone().follow(closing.clone()));
        TlsAcceptor::from(certificate.server_config())
    });
    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!("cannot listen on {}; choose another address with --listen", config.listen)
    })?;
    let addr = listener.local_addr()?;
    let ready = watch::Sender::new(false);
    if let Some(http) = config.http_listen {
        runtime::admin::serve(http, ready.subscribe(), &closing).await?;
    }
    let access = Upstream::new(auth, secret.expose(), &config.name, incarnation).leaving(leave);
    let content = Upstream::new(fed.any(Upstream::tuned), secret.expose(), &config.name, incarnation);
    let holder = Holder { name: config.name.clone(), incarnation, public: app.public };
    tokio::spawn(keep_up(app.clone(), fed));
    let task = tokio::spawn(run(app.clone(), (listener, tls), holder, access, content, closing.clone()));
    tokio::select! {
        () = until_ready(&app) => { ready.send_replace(true); }
        () = drain.requested() => {}
    }
    let notice = Duration::from_secs(config.notice_s.into());
    Ok(Started { addr, task: hold(task, ready, drain, Closing { notice, now: closing }) })
}

/// How the doors are closed.
struct Closing {
    /// How long others are given to notice that this gateway is not ready any more.
    notice: Duration,
    /// Takes no more requests from when this is started.
    now: Drain,
}

/// Ready until the drain or the end, whichever comes first; after the drain it goes on answering until others have noticed.
fn hold(
    mut task: JoinHandle<anyhow::Result<()>>,
    ready: watch::Sender<bool>,
    drain: Drain,
    closing: Closing,
) -> JoinHandle<anyhow::Result<()>> {
    let guard = drain.guard();
    tokio::spawn(async move {
        let _guard = guard;
        let ended = tokio::select! {
            ended = &mut task => Some(ended),
            () = drain.requested() => None,
        };
        // Whoever was never ready was never sent anything.
        let notice = if ready.send_replace(false) { closing.notice } else { Duration::ZERO };
        let ended = match ended {
            Some(ended) => Some(ended),
            None => tokio::time::timeout(notice, &mut task).await.ok(),
        };
        closing.now.start();
        let ended = match ended {
            Some(ended) => ended,
            None => task.await,
        };
        ended.context("the gateway's task was lost")?
    })
}

/// Serves until the drain. A feed that cannot go on ends the process: to serve on would be to miss revocations.
async fn run(
    app: App,
    (listener, tls): (TcpListener, Option<TlsAcceptor>),
    holder: Holder,
    access: Upstream,
    content: Upstream,
    drain: Drain,
) -> anyhow::Result<()> {
    // The feeds are left after the last request is answered, so that a receipt never misses one in hand.
    let served = CancellationToken::new();
    let (view, follower, told) = (app.view.clone(), app.content.clone(), app.clone());
    let (stop_access, stop_content) = (served.clone().cancelled_owned(), served.clone().cancelled_owned());
    let (grantor, stop_lease, leased) = (access.clone(), served.clone().cancelled_owned(), app.clone());
    tokio::spawn(async move {
        // A grant that a snapshot has passed already would not be seen.
        leased.view.until_ready().await;
        leased.view.lease().keep(&holder, &leased.clocks, &grantor, stop_lease).await;
    });
    let mut access = tokio::spawn(async move { view.follow(access, stop_access).await });
    let mut content = tokio::spawn(async move {
        follower.follow(content, move |change| told.indexes.heard(&change), stop_content).await
    });
    let first = app.clone();
    tokio::spawn(async move {
        first.content.until_ready().await;
        first.indexes.floor(first.content.heard());
    });
    tokio::spawn(sweep(app.clone()));
    let usage = app.usage.clone();
    let mut serving = tokio::spawn(listener::serve(listener, tls, Front::new(app), drain));
    let ended = tokio::select! {
        ended = &mut access => followed(ended).context("the access feed ended"),
        ended = &mut content => followed(ended).context("the content feed ended"),
        ended = &mut serving => ended.context("the listener was lost")?,
    };
    served.cancel();
    match &ended {
        Ok(()) => {
            // Each takes its leave, within a limit of its own.
            drop(tokio::join!(access, content, usage.flush()));
        }
        Err(_) => serving.abort(),
    }
    ended
}

fn followed(ended: Result<Result<(), FollowError>, JoinError>) -> anyhow::Result<()> {
    ended.context("its task was lost")?.map_err(anyhow::Error::from)?;
    anyhow::bail!("it stopped without being asked to")
}

/// Resolves when the table, the content feed and the read models are there.
async fn until_ready(app: &App) {
    app.view.until_ready().await;
    app.content.until_ready().await;
    while app.reader.wait_checkpoint(Stream::Catalog, 0, READ_MODELS_WAIT).await.is_err() {
        tracing::info!("waiting for the read models");
    }
}

/// Leaves a replica of catalog that tells less than the read models have: it may have lost the log, and others have not.
async fn keep_up(app: App, fed: Replicas) {
    let keeping = async {
        app.content.until_ready().await;
        loop {
            let next = app.content.heard() + 1;
            let there = app.reader.wait_checkpoint(Stream::Catalog, next, READ_MODELS_WAIT).await;
            let Ok(there) = there else { continue };
            if let Err(behind) = app.content.wait_for(there, KEEP_UP_LIMIT).await {
                metrics::counter!("gateway_feed_left_total").increment(1);
                tracing::warn!(there, %behind, "the content feed is behind, going on with another replica");
                fed.leave();
            }
        }
    };
    tokio::select! {
        () = keeping => {}
        () = app.drain.requested() => {}
    }
}

/// Removes uploads that were never committed, until the drain: their clients, or catalog, went away in the middle.
async fn sweep(app: App) {
    let mut turns = tokio::time::interval(SWEEP_EVERY);
    let swept = async {
        loop {
            turns.tick().await;
            match app.blobs.sweep(app.ambient.clock.now() - LEFT_ALONE).await {
                Ok(0) => {}
                Ok(removed) => tracing::info!(removed, "old uploads were swept"),
                Err(error) => tracing::warn!(%error, "old uploads could not be swept"),
            }
        }
    };
    tokio::select! {
        () = swept => {}
        () = app.drain.requested() => {}
    }
}
