//! A whole Latchkey for one test, started by the code of `latchkey up` on servers and a folder of its own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use access::Service;
use anyhow::Context as _;
use latchkey::up::children::{Children, Programs};
use latchkey::up::folder::Folder;
use latchkey::up::parts::{ADMIN, Parts, Plan};
use latchkey::up::secrets::Secrets;
use latchkey::up::set_up::set_up;
use projector::{Config, Database};
use runtime::{Ambient, RandomIds, TestClock};
use serde_json::json;
use tempfile::TempDir;

use crate::package::Conda;
use crate::services::Services;
use crate::session::Session;

/// Password of every person that a test makes.
const PASSWORD: &str = "correct horse battery staple";

/// How a cluster is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Each service as a process of its own: slower, and it can be killed.
    pub separate_processes: bool,
    /// A clock that the test moves; only where all services are in this process.
    pub clock: Option<Arc<TestClock>>,
    /// Where processes of their own send traces.
    pub otlp_endpoint: Option<String>,
    /// What processes of their own log; empty is their default.
    pub log: String,
}

/// What can be killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// nats-server.
    Nats,
    /// Postgres.
    Postgres,
    /// auth.
    Auth,
    /// catalog.
    Catalog,
    /// projector.
    Projector,
    /// gateway.
    Gateway,
}

impl Part {
    fn service(self) -> Option<Service> {
        match self {
            Self::Nats | Self::Postgres => None,
            Self::Auth => Some(Service::Auth),
            Self::Catalog => Some(Service::Catalog),
            Self::Projector => Some(Service::Projector),
            Self::Gateway => Some(Service::Gateway),
        }
    }
}

/// A running Latchkey. Dropped, it is killed with all it started; [`Cluster::stop`] also checks that it ends well.
pub struct Cluster {
    // Dropped in this order: the services before what they need, the folder last.
    services: Run,
    children: Children,
    plan: Plan,
    ambient: Ambient,
    admin: Session,
    folder: Folder,
    dir: TempDir,
}

enum Run {
    Here(Box<Parts>),
    Apart(Box<Services>),
    Stopped,
}

impl Cluster {
    /// Starts one; returns when it answers.
    pub async fn start(options: Options) -> anyhow::Result<Self> {
        runtime::install_crypto();
        let ambient = match &options.clock {
            None => Ambient::system(),
            Some(clock) => Ambient { clock: clock.clone(), ids: Arc::new(RandomIds::new(clock.clone())) },
        };
        let dir = tempfile::Builder::new().prefix("latchkey-").tempdir()?;
        let folder = Folder::take(&dir.path().join("data"))?;
        let secrets = Secrets::ensure(&folder.secrets(), &ambient)?;
        let password = secrets.first_password(&ambient)?;
        let children = Children::start(&folder, &Programs::default()).await?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let plan = Plan::new(folder.blobs(), secrets, any);
        set_up(&children, &plan, &ambient).await?;
        let (services, http) = if options.separate_processes {
            let logs = dir.path().join("logs");
            let services = Services::start(plan.clone(), logs, environment(&options)).await?;
            let http = services.http();
            (Run::Apart(Box::new(services)), http)
        } else {
            let parts = Parts::start(plan.clone(), &ambient).await?;
            let http = parts.http;
            (Run::Here(Box::new(parts)), http)
        };
        let nobody = Session::new(&format!("http://{http}"), None);
        let admin = nobody.sign_in(ADMIN, password.expose()).await?;
        Ok(Self { services, children, plan, ambient, admin, folder, dir })
    }

    /// The gateway's address.
    pub fn http(&self) -> &str {
        self.admin.base()
    }

    /// The first account, signed in.
    pub fn admin(&self) -> &Session {
        &self.admin
    }

    /// Everything that is written: data, logs, secrets.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Where the operator of NATS signs in, who may do everything.
    pub fn operator_url(&self) -> String {
        self.children.nats.url()
    }

    /// Where the services' keys and credentials lie.
    pub fn secrets_dir(&self) -> std::path::PathBuf {
        self.folder.secrets()
    }

    /// Makes a person and signs them in.
    pub async fn create_person(&self, login: &str) -> anyhow::Result<Session> {
        let body = json!({ "login": login, "kind": "person", "password": PASSWORD });
        self.admin.post("/api/v1/accounts", &body).await?.good().context("making a person")?;
        self.admin.sign_in(login, PASSWORD).await
    }

    /// Kills a part as a crash would; returns when it is gone. Services must be processes of their own.
    pub async fn kill9(&mut self, part: Part) -> anyhow::Result<()> {
        match (part, part.service(), &mut self.services) {
            (_, Some(service), Run::Apart(services)) => services.kill9(service).await,
            (Part::Nats, ..) => self.children.nats.kill9().await,
            (Part::Postgres, ..) => self.children.postgres.kill9().await,
            (_, _, Run::Here(_) | Run::Stopped) | (_, None, Run::Apart(_)) => {
                anyhow::bail!("{part:?} is not a process of its own: start with separate_processes")
            }
        }
        Ok(())
    }

    /// Starts a part again on its port and data; returns when everything is ready again.
    pub async fn restart(&mut self, part: Part) -> anyhow::Result<()> {
        match (part, part.service(), &mut self.services) {
            (_, Some(service), Run::Apart(services)) => services.restart(service).await?,
            (Part::Nats, ..) => self.children.nats.restart().await?,
            (Part::Postgres, ..) => self.children.postgres.restart().await?,
            (_, _, Run::Here(_) | Run::Stopped) | (_, None, Run::Apart(_)) => {
                anyhow::bail!("{part:?} is not a process of its own: start with separate_processes")
            }
        }
        match &self.services {
            Run::Apart(services) => services.all_ready().await,
            Run::Here(_) | Run::Stopped => Ok(()),
        }
    }

    /// Returns when the indexes show everything that was ever published: a new upload is answered only then.
    pub async fn caught_up(&self, owner: &Session, channel: &str) -> anyhow::Result<()> {
        let version = self.ambient.ids.uuid().as_fields().0;
        let last = Conda::new("caught-up", &format!("0.{version}")).conda();
        for _ in 0..10 {
            let answer = owner.upload(channel, &last).await?.good()?;
            if !answer.headers.contains_key("latchkey-pending") {
                return Ok(());
            }
        }
        anyhow::bail!("the indexes do not catch up")
    }

    /// Looks now, and again whenever uses of tokens have been taken in, until there is something to see.
    pub async fn when_used<T>(
        &self,
        look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
    ) -> anyhow::Result<T> {
        crate::database::when_used(&self.children.postgres.url(), look).await
    }

    /// Compares the read models with the log; an error shows what differs.
    pub async fn verify(&self) -> anyhow::Result<()> {
        let config: Config = self.plan.config(Service::Projector)?;
        let log = projector::connect(&config, &self.ambient, projector::keyring(&config)?).await?;
        let report = projector::verify(&Database::connect(&config.database_url)?, &log).await?;
        anyhow::ensure!(report.agrees(), "{report}");
        Ok(())
    }

    /// Each service's metrics; services must be processes of their own.
    pub async fn metrics(&self) -> anyhow::Result<Vec<(String, String)>> {
        match &self.services {
            Run::Apart(services) => services.metrics().await,
            Run::Here(_) | Run::Stopped => anyhow::bail!("metrics are asked of processes of their own"),
        }
    }

    fn apart(&self, part: Part) -> anyhow::Result<(&Services, Service)> {
        match (&self.services, part.service()) {
            (Run::Apart(services), Some(service)) => Ok((services, service)),
            (Run::Apart(_) | Run::Here(_) | Run::Stopped, _) => {
                anyhow::bail!("{part:?} is not a service in a process of its own")
            }
        }
    }

    /// One service's metrics.
    pub async fn metrics_of(&self, part: Part) -> anyhow::Result<String> {
        let (services, service) = self.apart(part)?;
        services.metrics_of(service).await
    }

    /// Whether a service says that it is ready. One that is gone is not.
    pub async fn is_ready(&self, part: Part) -> anyhow::Result<bool> {
        let (services, service) = self.apart(part)?;
        Ok(services.is_ready(service).await)
    }

    /// What a service has logged.
    pub fn log_of(&self, part: Part) -> anyhow::Result<String> {
        let (services, service) = self.apart(part)?;
        services.log_of(service)
    }

    /// Every table of the database, as text.
    pub async fn tables(&self) -> anyhow::Result<Vec<(String, String)>> {
        crate::database::tables(&self.children.postgres.url()).await
    }

    /// Drains the services and checks that each ends in time and well. The servers go on.
    pub async fn stop_services(&mut self) -> anyhow::Result<()> {
        match std::mem::replace(&mut self.services, Run::Stopped) {
            Run::Here(parts) => {
                let late: Vec<&str> = parts.drain().await.into_iter().map(Service::as_str).collect();
                anyhow::ensure!(late.is_empty(), "left work behind when asked to stop: {late:?}");
            }
            Run::Apart(mut services) => services.stop().await?,
            Run::Stopped => {}
        }
        Ok(())
    }

    /// Drains and stops everything, and checks that all of it ends well.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        self.stop_services().await?;
        tokio::join!(self.children.nats.stop(), self.children.postgres.stop());
        Ok(())
    }
}

fn environment(options: &Options) -> Vec<(&'static str, String)> {
    let log = (!options.log.is_empty()).then(|| ("LATCHKEY_LOG", options.log.clone()));
    let otlp = options.otlp_endpoint.clone().map(|url| ("OTEL_EXPORTER_OTLP_ENDPOINT", url));
    log.into_iter().chain(otlp).collect()
}
