//! From a configuration to a service that answers: connect, fold, make the first administrator, serve.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use eventlog::{JetStream, Log, Stream, Writer};
use feed::client::{AccessView, Holder};
use feed::server::{Desk, FeedService, Holders, Leased, Report, Snapshots};
use readmodel::Reader;
use runtime::grpc::{GrpcServer, Served};
use runtime::{Ambient, Drain, RequestId};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tonic::service::RoutesBuilder;

use crate::app::{App, Warnings, stamps};
use crate::call::Call;
use crate::config::Config;
use crate::grpc::{Audit, Rpc, gate, status};
use crate::personal::Keys;
use crate::source::Authz;
use crate::{fold, lease};

/// What its replicas tell each other of whoever follows them.
const ACKS: &str = "ack.authz";
/// How long the first fold of the whole log may take.
const FOLD_LIMIT: Duration = Duration::from_secs(30 * 60);

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

/// Starts the service; it is ready when this returns.
pub async fn start(config: Config, ambient: Ambient, drain: Drain) -> anyhow::Result<Started> {
    let log = JetStream::wait_and_connect(
        config.nats(),
        stamps(&ambient),
        Some(config.signer()?),
        config.keyring()?,
    );
    let log = log.await.context("the event log at NATS_URL")?;
    let (context, notes) = (log.context(), log.notes(Writer::Auth, ACKS)?);
    let log: Arc<dyn Log> = Arc::new(log);

    let view = AccessView::new(config.services()?);
    view.open(&log.epoch(Stream::Authz))?;
    let clocks = lease::clocks(&ambient);
    let holders = Holders::new(clocks.clone());
    let end = log.barrier(Stream::Authz).await.context("the end of AUTHZ")?;
    let folded = tokio::time::timeout(FOLD_LIMIT, fold::replay(&log, &view, &holders, end)).await;
    folded.context("folding AUTHZ took too long")?.context("folding AUTHZ")?;
    let folding = tokio::spawn(fold::follow(log.clone(), view.clone(), holders.clone()));
    view.mark_ready();

    let heard = holders.clone();
    let hear = move |report: Report| heard.heard(&report.name, report.incarnation, report.applied);
    let relay = feed::server::open_relay(notes, hear).await;
    let relay = relay.context("hearing from the other replicas of auth")?;
    let leased = Leased::new(holders, Desk::open(log.clone(), config.lease()), config.lease(), relay);
    let holder =
        Holder { name: config.name.clone(), incarnation: ambient.ids.uuid(), public: Duration::ZERO };
    let holding = lease::hold(holder, clocks, view.clone(), leased.clone(), drain.clone());
    let holding = tokio::spawn(holding);
    let keys = Keys::open(context, ambient.ids.clone()).await?;
    let app = App::new(ambient.clone(), log.clone(), keys, view.clone(), leased.clone(), config.lifetimes());
    let reader = match &config.database_url {
        Some(url) => Some(Reader::connect(url).await?),
        None => None,
    };
    let app = Arc::new(app.with_reader(reader));
    make_first_administrator(&config, &app, &ambient).await?;

    let warning = warn_of_expiries(&config, &app, &ambient, &drain);
    let (readiness, ready) = watch::channel(true);
    let services = services(&config.name, &app, log, view, leased, &ambient, &drain);
    let http = match config.http_listen {
        Some(listen) => Some(runtime::admin::serve(listen, ready.clone(), &drain).await?),
        None => None,
    };
    let descriptors = proto::DESCRIPTORS;
    let tls = config.grpc_tls.open()?;
    let server = GrpcServer { listen: config.listen, descriptors, ambient, drain, ready, tls };
    let Served { addr, task } = server.serve(services).await?;
    tracing::info!(%addr, "auth is ready");
    let task = tokio::spawn(async move {
        let ended = run(task, holding, folding, readiness).await;
        warning.abort();
        ended
    });
    Ok(Started { addr, http, task })
}

fn services(
    name: &str,
    app: &Arc<App>,
    log: Arc<dyn Log>,
    view: AccessView,
    leased: Leased,
    ambient: &Ambient,
    drain: &Drain,
) -> RoutesBuilder {
    let stop = {
        let drain = drain.clone();
        move || Box::pin(drain.requested()) as futures::future::BoxFuture<'static, ()>
    };
    let source = Arc::new(Authz { log: log.clone(), view: view.clone(), snapshots: Snapshots::default() });
    let gate = gate(view.clone(), ambient.clock.clone());
    let status = status(name, app.clone(), log.clone(), view.clone(), leased.clone());
    let mut services = RoutesBuilder::default();
    services
        .add_service(Rpc::server(app.clone()))
        .add_service(status.into_server())
        .add_service(Audit::server(app.clone(), log, view, drain.clone()))
        .add_service(FeedService::new(source, leased, gate, stop).into_server());
    services
}

/// A call of nobody's but auth itself.
fn own_call(ambient: &Ambient) -> Call {
    Call {
        credential: access::Credential::None,
        limit: Duration::ZERO,
        from: None,
        request_id: RequestId::make(&*ambient.ids).to_string(),
        traceparent: String::new(),
    }
}

/// Warns of tokens that end soon, for as long as the service lives. Time gives no notice, so it is asked now and then.
fn warn_of_expiries(config: &Config, app: &Arc<App>, ambient: &Ambient, drain: &Drain) -> JoinHandle<()> {
    let mut warnings = Warnings::new(app.clone());
    let (ambient, drain) = (ambient.clone(), drain.clone());
    let pause = Duration::from_secs(config.expiry_check_s.into());
    tokio::spawn(async move {
        loop {
            match warnings.round(&own_call(&ambient)).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(failure) => tracing::warn!(?failure, "tokens that end soon could not be warned of"),
            }
            tokio::select! {
                () = drain.requested() => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    })
}

async fn make_first_administrator(config: &Config, app: &App, ambient: &Ambient) -> anyhow::Result<()> {
    let Some((login, password)) = config.first_administrator()? else { return Ok(()) };
    let call = own_call(ambient);
    if app.bootstrap(&call, login, password).await.context("the first administrator")? {
        tracing::info!("the first administrator is made");
    }
    Ok(())
}

/// Serves until the drain; a fold that stops takes the service with it, for nothing it says can be believed any more.
async fn run(
    serving: JoinHandle<anyhow::Result<()>>,
    holding: JoinHandle<()>,
    folding: JoinHandle<fold::Stopped>,
    readiness: watch::Sender<bool>,
) -> anyhow::Result<()> {
    let stop_folding = folding.abort_handle();
    tokio::select! {
        served = serving => {
            let served = served?;
            if served.is_ok() {
                // The leave is recorded while the log is there.
                holding.await?;
            }
            stop_folding.abort();
            served
        }
        stopped = folding => {
            readiness.send_replace(false);
            let stopped = stopped?;
            tracing::error!(error = %stopped, "auth cannot go on");
            Err(stopped.into())
        }
    }
}
