//! A whole Latchkey for one test, started by the code of `latchkey up` on servers and a folder of its own.

mod faults;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use access::Service;
use anyhow::Context as _;
use latchkey::up::children::{Children, Programs};
use latchkey::up::folder::Folder;
use latchkey::up::parts::{ADMIN, Parts, Plan, Replica};
use latchkey::up::secrets::Secrets;
use latchkey::up::set_up::set_up;
use projector::{Config, Database};
use runtime::{Ambient, RandomIds, TestClock};
use serde_json::json;
use tempfile::TempDir;

use crate::package::Conda;
use crate::part::{Part, Place, Size};
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
    /// How many of each there are.
    pub size: Size,
    /// How long leases are, in seconds, where it is not what an operator gets unasked.
    pub lease_s: Option<u16>,
    /// How long what is public is shown without one, in seconds.
    pub public_s: Option<u32>,
    /// How many seconds a gateway goes on answering when it is asked to stop.
    pub notice_s: u16,
    /// Whoever of these reaches the other by lines that the test can cut; only processes of their own.
    pub lines: Vec<(Place, Part)>,
}

/// A running Latchkey. Dropped, it is killed with all it started; [`Cluster::stop`] also checks that it ends well.
pub struct Cluster {
    // Dropped in this order: the services before what they need, the folder last.
    services: Run,
    children: Children,
    plan: Plan,
    ambient: Ambient,
    admin: Session,
    gateways: Vec<String>,
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
        let Size { nats, auth, catalog, projector, gateway } = options.size;
        let children = Children::start(&folder, &Programs::default(), Some(nats)).await?;
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut plan = Plan::new(folder.blobs(), secrets, &vec![any; gateway]);
        plan.log_servers = nats;
        plan.notice_s = options.notice_s;
        for (replicas, count) in
            [(&mut plan.auth, auth), (&mut plan.catalog, catalog), (&mut plan.projector, projector)]
        {
            replicas.resize(count, Replica::listening(any));
        }
        set_up(&children, &plan, &ambient).await?;
        let (services, http) = if options.separate_processes {
            let logs = dir.path().join("logs");
            let mut services = Services::new(plan.clone(), logs, environment(&options))?;
            let nats: Vec<u16> =
                (0..children.nats.size()).map(|index| children.nats.server(index).port()).collect();
            for (from, to) in &options.lines {
                services.lay(*from, *to, &nats).await?;
            }
            services.start().await?;
            let http = services.http();
            (Run::Apart(Box::new(services)), http)
        } else {
            let parts = Parts::start(plan.clone(), &ambient).await?;
            let http = parts.http.clone();
            (Run::Here(Box::new(parts)), http)
        };
        let gateways: Vec<String> = http.iter().map(|at| format!("http://{at}")).collect();
        let admin = Session::new(&gateways[0], None).sign_in(ADMIN, password.expose()).await?;
        Ok(Self { services, children, plan, ambient, admin, gateways, folder, dir })
    }

    /// The gateway's address; the first one's, of several.
    pub fn http(&self) -> &str {
        self.admin.base()
    }

    /// Each gateway's address.
    pub fn gateways(&self) -> &[String] {
        &self.gateways
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

    /// Builds the read models anew from the log and swaps them in.
    pub async fn rebuild(&self) -> anyhow::Result<()> {
        let config: Config = self.plan.config(Service::Projector, 0)?;
        let keyring = projector::keyring(&config)?;
        let log = projector::connect(&config, &self.ambient, keyring.clone()).await?;
        let database = Database::connect(&config.database_url)?;
        projector::rebuild(&database, projector::Origin::Log(log), &keyring).await?;
        Ok(())
    }

    /// Compares the read models with the log; an error shows what differs.
    pub async fn verify(&self) -> anyhow::Result<()> {
        let config: Config = self.plan.config(Service::Projector, 0)?;
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

    /// One service's metrics.
    pub async fn metrics_of(&self, place: impl Into<Place>) -> anyhow::Result<String> {
        let place = place.into();
        self.apart(place)?.metrics_of(place).await
    }

    /// Whether a service says that it is ready. One that is gone is not.
    pub async fn is_ready(&self, place: impl Into<Place>) -> anyhow::Result<bool> {
        let place = place.into();
        Ok(self.apart(place)?.is_ready(place).await)
    }

    /// What a service has logged.
    pub fn log_of(&self, place: impl Into<Place>) -> anyhow::Result<String> {
        let place = place.into();
        self.apart(place)?.log_of(place)
    }

    /// Every table of the database, as text.
    pub async fn tables(&self) -> anyhow::Result<Vec<(String, String)>> {
        crate::database::tables(&self.children.postgres.url()).await
    }

    /// Drains the services and checks that each ends in time and well. The servers go on.
    pub async fn stop_services(&mut self) -> anyhow::Result<()> {
        match std::mem::replace(&mut self.services, Run::Stopped) {
            Run::Here(parts) => {
                let late = parts.drain().await;
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
    let lease = options.lease_s.map(|lease_s| ("AUTH_LEASE_S", lease_s.to_string()));
    let public = options.public_s.map(|public_s| ("GATEWAY_PUBLIC_S", public_s.to_string()));
    log.into_iter().chain(otlp).chain(lease).chain(public).collect()
}
