//! The four services as processes of their own, built binaries with a log each, for tests that kill them.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use access::Service;
use anyhow::Context as _;
use latchkey::up::parts::Plan;
use servers::{Child, free_port, with_parent};

use crate::process::{LIMIT, LOOK, binary};

/// In the order in which they need each other.
const ORDER: [Service; 4] = [Service::Auth, Service::Catalog, Service::Projector, Service::Gateway];

/// All four, each started again on its own port.
pub(crate) struct Services {
    plan: Plan,
    logs: PathBuf,
    environment: Vec<(&'static str, String)>,
    http: reqwest::Client,
    running: Vec<(Service, Child)>,
}

impl Services {
    /// Starts them; returns when the last is ready. `plan` gets a fixed port for everything that listens.
    pub(crate) async fn start(
        mut plan: Plan,
        logs: PathBuf,
        environment: Vec<(&'static str, String)>,
    ) -> anyhow::Result<Self> {
        let port = || free_port().map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        (plan.http, plan.auth, plan.catalog) = (port()?, port()?, port()?);
        plan.admin = [port()?, port()?, port()?, port()?];
        std::fs::create_dir_all(&logs)?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let mut services = Self { plan, logs, environment, http, running: Vec::new() };
        for service in ORDER {
            services.spawn(service).await?;
        }
        Ok(services)
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.plan.http
    }

    fn admin(&self, service: Service) -> SocketAddr {
        let [auth, catalog, projector, gateway] = self.plan.admin;
        match service {
            Service::Auth => auth,
            Service::Catalog => catalog,
            Service::Projector => projector,
            Service::Gateway => gateway,
        }
    }

    async fn spawn(&mut self, service: Service) -> anyhow::Result<()> {
        let name = service.as_str();
        let mut command = with_parent(&binary(&format!("latchkey-{name}")));
        command.args(self.plan.arguments(service)).env("OTEL_SERVICE_NAME", name);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let log = self.logs.join(format!("{name}.log"));
        let child = Child::spawn(command, &log)?;
        self.ready(service, &child).await.with_context(|| format!("{name}: {}", end_of(&log)))?;
        self.running.push((service, child));
        Ok(())
    }

    /// Readiness gives no notice to other processes: it is asked for.
    async fn ready(&self, service: Service, child: &Child) -> anyhow::Result<()> {
        let url = format!("http://{}/readyz", self.admin(service));
        let mut look = tokio::time::interval(LOOK);
        let asking = async {
            loop {
                look.tick().await;
                if self.http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                    return;
                }
            }
        };
        tokio::select! {
            () = asking => Ok(()),
            exited = child.exited() => anyhow::bail!("it {exited}"),
            () = tokio::time::sleep(LIMIT) => anyhow::bail!("it is not ready after {} s", LIMIT.as_secs()),
        }
    }

    fn take(&mut self, service: Service) -> Option<Child> {
        let index = self.running.iter().position(|(running, _)| *running == service)?;
        Some(self.running.remove(index).1)
    }

    pub(crate) async fn kill9(&mut self, service: Service) {
        if let Some(child) = self.take(service) {
            child.kill9().await;
        }
    }

    pub(crate) async fn restart(&mut self, service: Service) -> anyhow::Result<()> {
        self.kill9(service).await;
        self.spawn(service).await
    }

    /// Waits until each says that it is ready: they may have lost and found a server meanwhile.
    pub(crate) async fn all_ready(&self) -> anyhow::Result<()> {
        for (service, child) in &self.running {
            let name = service.as_str();
            let log = self.logs.join(format!("{name}.log"));
            self.ready(*service, child).await.with_context(|| format!("{name}: {}", end_of(&log)))?;
        }
        Ok(())
    }

    pub(crate) async fn metrics(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut metrics = Vec::new();
        for service in ORDER {
            metrics.push((service.as_str().to_owned(), self.metrics_of(service).await?));
        }
        Ok(metrics)
    }

    pub(crate) async fn metrics_of(&self, service: Service) -> anyhow::Result<String> {
        let answer = self.http.get(format!("http://{}/metrics", self.admin(service))).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// A process that is gone is not ready.
    pub(crate) async fn is_ready(&self, service: Service) -> bool {
        let asked = self.http.get(format!("http://{}/readyz", self.admin(service))).send().await;
        asked.is_ok_and(|answer| answer.status().is_success())
    }

    pub(crate) fn log_of(&self, service: Service) -> anyhow::Result<String> {
        let log = self.logs.join(format!("{}.log", service.as_str()));
        std::fs::read_to_string(&log).with_context(|| log.display().to_string())
    }

    /// Asks each to end, the last first. An error says which did not end well.
    pub(crate) async fn stop(&mut self) -> anyhow::Result<()> {
        while let Some((service, child)) = self.running.pop() {
            let name = service.as_str();
            child.terminate().await;
            let exited = child.exited().await;
            let log = self.logs.join(format!("{name}.log"));
            anyhow::ensure!(
                exited.is_success(),
                "{name} {exited} when it was asked to stop: {}",
                end_of(&log)
            );
        }
        Ok(())
    }
}

fn end_of(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].join("\n")
}
