//! The four services in this process, each read from the flags that its own binary takes and drained on its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use access::Service;
use anyhow::Context as _;
use clap::{Args, Parser};
use futures::future::select_all;
use runtime::{Ambient, Drain};
use servers::NatsUser;
use tokio::task::JoinHandle;

use super::authority::Authority;
use super::secrets::Secrets;

/// Login of the account that exists from the first start on.
pub const ADMIN: &str = "admin";

/// How long one service may take to finish what it has in hand.
const DRAIN_LIMIT: Duration = Duration::from_secs(12);

/// Where everything is; port 0 stands for any free one.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The file store.
    pub blobs: PathBuf,
    /// Keys and credentials, and the addresses of the servers with them.
    pub secrets: Secrets,
    /// Where the gateway listens.
    pub http: SocketAddr,
    /// What it serves HTTPS with.
    pub tls: Option<Authority>,
    /// Where auth listens.
    pub auth: SocketAddr,
    /// Where catalog listens.
    pub catalog: SocketAddr,
    /// Where each service tells its health and metrics.
    pub admin: [SocketAddr; 4],
}

impl Plan {
    /// Everything but the gateway on any free port of loopback.
    pub fn new(blobs: PathBuf, secrets: Secrets, http: SocketAddr) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self { blobs, secrets, http, tls: None, auth: any, catalog: any, admin: [any; 4] }
    }

    /// The flags of one service's binary.
    pub fn arguments(&self, service: Service) -> Vec<String> {
        let secrets = &self.secrets;
        // Arguments are seen by everyone on the machine, files are not.
        let nats = ("--nats-url", format!("@{}", secrets.nats_url(user(service)).display()));
        let database = ("--database-url", format!("@{}", secrets.database_url(service).display()));
        let blobs = ("--blobs", self.blobs.display().to_string());
        let auth = ("--auth-url", format!("http://{}", self.auth));
        let credential = ("--service-secret-file", secrets.credential(service).display().to_string());
        let key = ("--signing-key-file", secrets.signing_key(service).display().to_string());
        let ring = ("--keyring-file", secrets.keyring().display().to_string());
        let services = ("--services-file", secrets.services().display().to_string());
        let listen = |address: SocketAddr| ("--listen", address.to_string());
        let [auth_admin, catalog_admin, projector_admin, gateway_admin] =
            self.admin.map(|address| ("--http-listen", address.to_string()));
        let flags = match service {
            Service::Auth => vec![
                nats,
                listen(self.auth),
                auth_admin,
                key,
                ring,
                services,
                database,
                ("--bootstrap-login", ADMIN.to_owned()),
                ("--bootstrap-password-file", secrets.admin_password().display().to_string()),
            ],
            Service::Catalog => {
                vec![nats, listen(self.catalog), catalog_admin, auth, blobs, credential, key, ring, services]
            }
            Service::Projector => vec![nats, database, projector_admin, key, ring],
            Service::Gateway => vec![
                listen(self.http),
                gateway_admin,
                auth,
                ("--catalog-url", format!("http://{}", self.catalog)),
                database,
                blobs,
                credential,
                nats,
            ],
        };
        let tls =
            self.tls.iter().filter(|_| service == Service::Gateway).flat_map(|tls| {
                [("--tls-certificate-file", tls.certificate()), ("--tls-key-file", tls.key())]
            });
        let tls = tls.map(|(flag, path)| (flag, path.display().to_string()));
        flags.into_iter().chain(tls).flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    /// One service's configuration, as its binary would read it from those flags.
    pub fn config<C: Args>(&self, service: Service) -> anyhow::Result<C> {
        let name = service.as_str().to_owned();
        let arguments = [name].into_iter().chain(self.arguments(service));
        let only = Only::try_parse_from(arguments);
        Ok(only.with_context(|| format!("the configuration of {}", service.as_str()))?.config)
    }
}

/// As whom a service signs in to the log.
fn user(service: Service) -> NatsUser {
    match service {
        Service::Auth => NatsUser::Auth,
        Service::Catalog => NatsUser::Catalog,
        Service::Projector => NatsUser::Projector,
        Service::Gateway => NatsUser::Gateway,
    }
}

#[derive(Parser)]
struct Only<C: Args> {
    #[command(flatten)]
    config: C,
}

/// All four, ready.
#[derive(Debug)]
pub struct Parts {
    /// Where the gateway listens.
    pub http: SocketAddr,
    /// Where auth listens.
    pub auth: SocketAddr,
    /// Where catalog listens.
    pub catalog: SocketAddr,
    /// Where the process's metrics are.
    pub metrics: SocketAddr,
    running: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    service: Service,
    drain: Drain,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Parts {
    /// Starts them in the order in which they need each other; returns when the last is ready.
    pub async fn start(mut plan: Plan, ambient: &Ambient) -> anyhow::Result<Self> {
        let mut running = Vec::new();
        let mut runs = |service, drain, task| running.push(Part { service, drain, task });

        let drain = Drain::new();
        let auth = Box::pin(auth::start(plan.config(Service::Auth)?, ambient.clone(), drain.clone()));
        let auth = auth.await.context("auth")?;
        plan.auth = auth.addr;
        runs(Service::Auth, drain, auth.task);

        let drain = Drain::new();
        let catalog =
            Box::pin(catalog::start(plan.config(Service::Catalog)?, ambient.clone(), drain.clone()));
        let catalog = catalog.await.context("catalog")?;
        plan.catalog = catalog.addr;
        runs(Service::Catalog, drain, catalog.task);

        let drain = Drain::new();
        let projector =
            Box::pin(projector::start(plan.config(Service::Projector)?, ambient.clone(), drain.clone()));
        let projector = projector.await.context("projector")?;
        runs(Service::Projector, drain, projector.task);

        let drain = Drain::new();
        let gateway =
            Box::pin(gateway::start(plan.config(Service::Gateway)?, ambient.clone(), drain.clone()));
        let gateway = gateway.await.context("gateway")?;
        runs(Service::Gateway, drain, gateway.task);
        Ok(Self {
            http: gateway.addr,
            auth: auth.addr,
            catalog: catalog.addr,
            metrics: projector.addr,
            running,
        })
    }

    /// Returns when one of them ends by itself, with why.
    pub async fn ended(&mut self) -> anyhow::Error {
        let tasks = self.running.iter_mut().map(|part| &mut part.task);
        let (ended, index, _) = select_all(tasks).await;
        let name = self.running.remove(index).service.as_str();
        match ended {
            Ok(Ok(())) => anyhow::anyhow!("{name} has ended"),
            Ok(Err(error)) => error.context(format!("{name} cannot go on")),
            Err(error) => anyhow::Error::from(error).context(format!("{name} broke off")),
        }
    }

    /// Stops them in the reverse order, so that nobody is left without whom they need. Says who took too long.
    pub async fn drain(self) -> Vec<Service> {
        let mut late = Vec::new();
        for Part { service, drain, task } in self.running.into_iter().rev() {
            drain.start();
            let stop = task.abort_handle();
            match tokio::time::timeout(DRAIN_LIMIT, task).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => {
                    tracing::warn!(service = service.as_str(), %error, "ended with an error")
                }
                Ok(Err(error)) => tracing::warn!(service = service.as_str(), %error, "broke off"),
                Err(_) => {
                    stop.abort();
                    late.push(service);
                }
            }
        }
        late
    }
}
