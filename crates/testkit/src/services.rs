//! Every replica of the services as a process of its own, built binaries with a log each, for tests that kill them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use latchkey::up::parts::{Plan, Replica};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use servers::{Child, free_port, with_parent};

use crate::part::{Part, Place};
use crate::process::{LIMIT, LOOK, binary};
use crate::proxy::{Line, Proxy};

/// In the order in which they need each other.
const ORDER: [Part; 4] = [Part::Auth, Part::Catalog, Part::Projector, Part::Gateway];

/// All of them, each started again on its own port.
pub(crate) struct Services {
    plan: Plan,
    logs: PathBuf,
    environment: Vec<(&'static str, String)>,
    http: reqwest::Client,
    running: BTreeMap<Place, Child>,
    /// Who reaches whom by way of a line that can be cut.
    lines: BTreeMap<(Place, Part), Vec<Proxy>>,
}

impl Services {
    /// Nothing runs yet. `plan` gets a fixed port for everything that listens.
    pub(crate) fn new(
        mut plan: Plan,
        logs: PathBuf,
        environment: Vec<(&'static str, String)>,
    ) -> anyhow::Result<Self> {
        let port = || free_port().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let all = [&mut plan.auth, &mut plan.catalog, &mut plan.projector, &mut plan.gateway];
        for replica in all.into_iter().flatten() {
            *replica = Replica { at: port()?, admin: port()? };
        }
        std::fs::create_dir_all(&logs)?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        Ok(Self { plan, logs, environment, http, running: BTreeMap::new(), lines: BTreeMap::new() })
    }

    /// From its next start on, `from` reaches `to`, all replicas of it, by lines that can be cut.
    pub(crate) async fn lay(&mut self, from: Place, to: Part, nats: &[u16]) -> anyhow::Result<()> {
        let targets: Vec<SocketAddr> = match (to, to.service()) {
            (Part::Nats, _) => nats.iter().map(|port| SocketAddr::from(([127, 0, 0, 1], *port))).collect(),
            (_, Some(service)) => self.plan.replicas(service).iter().map(|replica| replica.at).collect(),
            (_, None) => anyhow::bail!("no line is laid to {to:?}"),
        };
        let mut lines = Vec::new();
        for target in targets {
            lines.push(Proxy::start(target).await?);
        }
        self.lines.insert((from, to), lines);
        Ok(())
    }

    /// What becomes of what is said between them.
    pub(crate) fn set_line(&self, from: Place, to: Part, line: Line) -> anyhow::Result<()> {
        let lines = self.lines.get(&(from, to));
        let lines = lines.with_context(|| format!("there is no line from {from:?} to {to:?}"))?;
        lines.iter().for_each(|proxy| proxy.set(line));
        Ok(())
    }

    /// Starts them one after the other; returns when the last is ready.
    pub(crate) async fn start(&mut self) -> anyhow::Result<()> {
        for part in ORDER {
            for index in 0..self.replica_count(part) {
                self.spawn(part.at(index))?;
            }
            // Replicas of one service start beside each other.
            self.all_ready().await?;
        }
        Ok(())
    }

    /// Where each gateway listens.
    pub(crate) fn http(&self) -> Vec<SocketAddr> {
        self.plan.gateway.iter().map(|gateway| gateway.at).collect()
    }

    fn replica_count(&self, part: Part) -> usize {
        part.service().map_or(0, |service| self.plan.replicas(service).len())
    }

    fn replica(&self, place: Place) -> Option<Replica> {
        self.plan.replicas(place.part.service()?).get(place.index).copied()
    }

    fn name(&self, place: Place) -> String {
        place.part.service().map_or_else(String::new, |service| self.plan.name(service, place.index))
    }

    /// Starts one process; it is not ready yet.
    pub(crate) fn spawn(&mut self, place: Place) -> anyhow::Result<()> {
        let service = place.part.service().context("it is a service")?;
        let mut command = with_parent(&binary(&format!("latchkey-{}", service.as_str())));
        command.args(self.arguments(place)?).env("OTEL_SERVICE_NAME", service.as_str());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let child = Child::spawn(command, &self.log(place))?;
        self.running.insert(place, child);
        Ok(())
    }

    /// Its flags; whom it reaches by lines of its own stands in a plan of its own.
    fn arguments(&self, place: Place) -> anyhow::Result<Vec<String>> {
        let service = place.part.service().context("it is a service")?;
        let mut plan = self.plan.clone();
        for (to, replicas) in [(Part::Auth, &mut plan.auth), (Part::Catalog, &mut plan.catalog)] {
            for (replica, line) in replicas.iter_mut().zip(self.lines.get(&(place, to)).into_iter().flatten())
            {
                replica.at = line.addr();
            }
        }
        let mut arguments = plan.arguments(service, place.index);
        let flag = arguments.iter().position(|argument| argument == "--nats-url");
        if let (Some(flag), Some(lines)) = (flag, self.lines.get(&(place, Part::Nats))) {
            let value = &mut arguments[flag + 1];
            let urls = std::fs::read_to_string(value.trim_start_matches('@'))?;
            let (user, _) = urls.split_once('@').context("an address of NATS names a user")?;
            let urls: Vec<String> = lines.iter().map(|line| format!("{user}@{}", line.addr())).collect();
            let file = self.logs.join(format!("{}.nats-url", self.name(place)));
            std::fs::write(&file, urls.join(","))?;
            *value = format!("@{}", file.display());
        }
        Ok(arguments)
    }

    fn log(&self, place: Place) -> PathBuf {
        self.logs.join(format!("{}.log", self.name(place)))
    }

    /// Readiness gives no notice to other processes: it is asked for.
    async fn ready(&self, place: Place, child: &Child) -> anyhow::Result<()> {
        let mut look = tokio::time::interval(LOOK);
        let asking = async {
            while !self.is_ready(place).await {
                look.tick().await;
            }
        };
        tokio::select! {
            () = asking => Ok(()),
            exited = child.exited() => anyhow::bail!("it {exited}"),
            () = tokio::time::sleep(LIMIT) => anyhow::bail!("it is not ready after {} s", LIMIT.as_secs()),
        }
    }

    /// Waits until one is ready.
    pub(crate) async fn until_ready(&self, place: Place) -> anyhow::Result<()> {
        let child = self.running.get(&place).with_context(|| format!("{place:?} does not run"))?;
        let ready = self.ready(place, child).await;
        ready.with_context(|| format!("{}: {}", self.name(place), end_of(&self.log(place))))
    }

    /// Waits until each says that it is ready: they may have lost and found a server meanwhile.
    pub(crate) async fn all_ready(&self) -> anyhow::Result<()> {
        for place in self.running.keys() {
            self.until_ready(*place).await?;
        }
        Ok(())
    }

    pub(crate) async fn kill9(&mut self, place: Place) {
        if let Some(child) = self.running.remove(&place) {
            child.kill9().await;
        }
    }

    /// Asks one to end as an orchestrator does; an error if it does not end well.
    pub(crate) async fn terminate(&mut self, place: Place) -> anyhow::Result<()> {
        let Some(child) = self.running.remove(&place) else { return Ok(()) };
        child.terminate().await;
        let (name, exited) = (self.name(place), child.exited().await);
        let said = || format!("{name} {exited} when it was asked to stop: {}", end_of(&self.log(place)));
        anyhow::ensure!(exited.is_success(), said());
        Ok(())
    }

    pub(crate) async fn restart(&mut self, place: Place) -> anyhow::Result<()> {
        self.kill9(place).await;
        self.spawn(place)?;
        self.until_ready(place).await
    }

    /// The number of one that runs.
    pub(crate) fn pid(&self, place: Place) -> anyhow::Result<u32> {
        Ok(self.running.get(&place).with_context(|| format!("{place:?} does not run"))?.pid())
    }

    pub(crate) async fn metrics(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut metrics = Vec::new();
        for place in self.running.keys() {
            metrics.push((self.name(*place), self.metrics_of(*place).await?));
        }
        Ok(metrics)
    }

    pub(crate) async fn metrics_of(&self, place: Place) -> anyhow::Result<String> {
        let admin = self.replica(place).context("it is a service")?.admin;
        let answer = self.http.get(format!("http://{admin}/metrics")).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// A process that is gone is not ready.
    pub(crate) async fn is_ready(&self, place: Place) -> bool {
        let Some(Replica { admin, .. }) = self.replica(place) else { return false };
        let asked = self.http.get(format!("http://{admin}/readyz")).timeout(LIMIT).send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    pub(crate) fn log_of(&self, place: Place) -> anyhow::Result<String> {
        let log = self.log(place);
        std::fs::read_to_string(&log).with_context(|| log.display().to_string())
    }

    /// Asks each to end, the last first. An error says which did not end well.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        let places: Vec<Place> = self.running.keys().rev().copied().collect();
        for place in places {
            self.terminate(place).await?;
        }
        Ok(())
    }
}

/// Sends a signal to a process that a test has started.
pub(crate) fn signal(pid: u32, signal: Signal) -> anyhow::Result<()> {
    Ok(kill(Pid::from_raw(i32::try_from(pid)?), signal)?)
}

fn end_of(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}
