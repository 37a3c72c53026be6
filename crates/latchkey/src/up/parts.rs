//! The four services in this process, each replica read from the flags that its own binary takes and drained on its own.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
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

/// One that is active, and one that takes over.
const PROJECTORS: usize = 2;

/// How long one service may take to finish what it has in hand.
const DRAIN_LIMIT: Duration = Duration::from_secs(12);

/// Where everything is; port 0 stands for any free one.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The file store.
    pub blobs: PathBuf,
    /// Keys and credentials, and the addresses of the servers with them.
    pub secrets: Secrets,
    /// What the gateways serve HTTPS with.
    pub tls: Option<Authority>,
    /// How many servers keep the log.
    pub log_servers: usize,
    /// Each replica of auth.
    pub auth: Vec<Replica>,
    /// Each replica of catalog.
    pub catalog: Vec<Replica>,
    /// The projector that is active, and one that stands by.
    pub projector: Vec<Replica>,
    /// Each gateway.
    pub gateway: Vec<Replica>,
    /// How many seconds each goes on answering when it is asked to stop.
    pub notice_s: u16,
}

/// Where one replica listens.
#[derive(Debug, Clone, Copy)]
pub struct Replica {
    /// For its callers; a projector has none.
    pub at: SocketAddr,
    /// For health and metrics.
    pub admin: SocketAddr,
}

impl Replica {
    /// Reached by its callers there, and by operators on any free port of loopback.
    pub fn listening(at: SocketAddr) -> Self {
        Self { at, admin: ANY }
    }
}

/// Any free port of loopback.
const ANY: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

impl Plan {
    /// One gateway at each of these addresses, as many replicas of auth and catalog on any free ports of loopback, and a
    /// second projector where there is more than one of the others.
    pub fn new(blobs: PathBuf, secrets: Secrets, http: &[SocketAddr]) -> Self {
        let any = vec![Replica::listening(ANY); http.len()];
        Self {
            blobs,
            secrets,
            tls: None,
            log_servers: 1,
            auth: any.clone(),
            catalog: any.clone(),
            projector: any[..http.len().min(PROJECTORS)].to_vec(),
            gateway: http.iter().copied().map(Replica::listening).collect(),
            // Nobody stands in front who would have to notice.
            notice_s: 0,
        }
    }

    /// The replicas of a service.
    pub fn replicas(&self, service: Service) -> &[Replica] {
        match service {
            Service::Auth => &self.auth,
            Service::Catalog => &self.catalog,
            Service::Projector => &self.projector,
            Service::Gateway => &self.gateway,
        }
    }

    /// What one replica is called in receipts and in the status.
    pub fn name(&self, service: Service, index: usize) -> String {
        match self.replicas(service).len() {
            1 => service.as_str().to_owned(),
            _ => format!("{}-{}", service.as_str(), index + 1),
        }
    }

    /// The flags of one replica's binary.
    pub fn arguments(&self, service: Service, index: usize) -> Vec<String> {
        let secrets = &self.secrets;
        let Replica { at, admin } = self.replicas(service)[index];
        // Arguments are seen by everyone on the machine, files are not.
        let nats = ("--nats-url", format!("@{}", secrets.nats_url(user(service)).display()));
        let log_servers = ("--nats-replicas", self.log_servers.to_string());
        let database = ("--database-url", format!("@{}", secrets.database_url(service).display()));
        let blobs = ("--blobs", self.blobs.display().to_string());
        let auth = ("--auth-url", urls(&self.auth));
        let credential = ("--service-secret-file", secrets.credential(service).display().to_string());
        let key = ("--signing-key-file", secrets.signing_key(service).display().to_string());
        let ring = ("--keyring-file", secrets.keyring().display().to_string());
        let services = ("--services-file", secrets.services().display().to_string());
        let listen = ("--listen", at.to_string());
        let name = ("--name", self.name(service, index));
        let admin = ("--http-listen", admin.to_string());
        let flags = match service {
            Service::Auth => vec![
                nats,
                log_servers,
                listen,
                key,
                ring,
                services,
                database,
                ("--bootstrap-login", ADMIN.to_owned()),
                ("--bootstrap-password-file", secrets.admin_password().display().to_string()),
            ],
            Service::Catalog => {
                vec![nats, log_servers, listen, auth, blobs, credential, key, ring, services]
            }
            Service::Projector => vec![nats, database, key, ring],
            Service::Gateway => {
                let catalog = ("--catalog-url", urls(&self.catalog));
                let notice = ("--notice-s", self.notice_s.to_string());
                vec![listen, auth, catalog, database, blobs, credential, nats, notice]
            }
        };
        let tls =
            self.tls.iter().filter(|_| service == Service::Gateway).flat_map(|tls| {
                [("--tls-certificate-file", tls.certificate()), ("--tls-key-file", tls.key())]
            });
        let tls = tls.map(|(flag, path)| (flag, path.display().to_string()));
        let flags = flags.into_iter().chain([name, admin]).chain(tls);
        flags.flat_map(|(flag, value)| [flag.to_owned(), value]).collect()
    }

    /// One replica's configuration, as its binary would read it from those flags.
    pub fn config<C: Args>(&self, service: Service, index: usize) -> anyhow::Result<C> {
        let arguments = [service.as_str().to_owned()].into_iter().chain(self.arguments(service, index));
        let only = Only::try_parse_from(arguments);
        Ok(only.with_context(|| format!("the configuration of {}", service.as_str()))?.config)
    }
}

/// Where all of them are, for those who call them.
fn urls(replicas: &[Replica]) -> String {
    let urls: Vec<String> = replicas.iter().map(|replica| format!("http://{}", replica.at)).collect();
    urls.join(",")
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

/// All of them, ready.
#[derive(Debug)]
pub struct Parts {
    /// Where each gateway listens.
    pub http: Vec<SocketAddr>,
    /// Where each replica of auth listens.
    pub auth: Vec<SocketAddr>,
    /// Where each replica of catalog listens.
    pub catalog: Vec<SocketAddr>,
    /// Where the process's metrics are.
    pub metrics: SocketAddr,
    running: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    name: String,
    drain: Drain,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Parts {
    /// Starts them in the order in which they need each other; returns when the last is ready.
    pub async fn start(mut plan: Plan, ambient: &Ambient) -> anyhow::Result<Self> {
        let mut running = Vec::new();
        let mut metrics = ANY;
        for service in [Service::Auth, Service::Catalog, Service::Projector, Service::Gateway] {
            for index in 0..plan.replicas(service).len() {
                let (name, drain) = (plan.name(service, index), Drain::new());
                let started = Box::pin(start(&plan, (service, index), ambient, drain.clone()));
                let (addr, task) = started.await.with_context(|| name.clone())?;
                match service {
                    Service::Auth => plan.auth[index].at = addr,
                    Service::Catalog => plan.catalog[index].at = addr,
                    Service::Gateway => plan.gateway[index].at = addr,
                    // All in this process tell the same.
                    Service::Projector => metrics = addr,
                }
                running.push(Part { name, drain, task });
            }
        }
        let of = |replicas: &[Replica]| replicas.iter().map(|replica| replica.at).collect();
        let Plan { auth, catalog, gateway, .. } = &plan;
        Ok(Self { http: of(gateway), auth: of(auth), catalog: of(catalog), metrics, running })
    }

    /// Returns when one of them ends by itself, with why.
    pub async fn ended(&mut self) -> anyhow::Error {
        let tasks = self.running.iter_mut().map(|part| &mut part.task);
        let (ended, index, _) = select_all(tasks).await;
        let name = self.running.remove(index).name;
        match ended {
            Ok(Ok(())) => anyhow::anyhow!("{name} has ended"),
            Ok(Err(error)) => error.context(format!("{name} cannot go on")),
            Err(error) => anyhow::Error::from(error).context(format!("{name} broke off")),
        }
    }

    /// Stops them in the reverse order, so that nobody is left without whom they need. Says who took too long.
    pub async fn drain(self) -> Vec<String> {
        let mut late = Vec::new();
        for Part { name, drain, task } in self.running.into_iter().rev() {
            drain.start();
            let stop = task.abort_handle();
            match tokio::time::timeout(DRAIN_LIMIT, task).await {
                Ok(Ok(Ok(()))) => {}
                Ok(Ok(Err(error))) => tracing::warn!(name, %error, "ended with an error"),
                Ok(Err(error)) => tracing::warn!(name, %error, "broke off"),
                Err(_) => {
                    stop.abort();
                    late.push(name);
                }
            }
        }
        late
    }
}

/// Starts one replica; returns where it listens when it is ready.
async fn start(
    plan: &Plan,
    (service, index): (Service, usize),
    ambient: &Ambient,
    drain: Drain,
) -> anyhow::Result<(SocketAddr, JoinHandle<anyhow::Result<()>>)> {
    let ambient = ambient.clone();
    match service {
        Service::Auth => {
            let started = Box::pin(auth::start(plan.config(service, index)?, ambient, drain)).await?;
            Ok((started.addr, started.task))
        }
        Service::Catalog => {
            let started = Box::pin(catalog::start(plan.config(service, index)?, ambient, drain)).await?;
            Ok((started.addr, started.task))
        }
        Service::Projector => {
            let started = Box::pin(projector::start(plan.config(service, index)?, ambient, drain)).await?;
            Ok((started.addr, started.task))
        }
        Service::Gateway => {
            let started = Box::pin(gateway::start(plan.config(service, index)?, ambient, drain)).await?;
            Ok((started.addr, started.task))
        }
    }
}
