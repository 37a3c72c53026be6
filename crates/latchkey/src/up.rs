//! A whole Latchkey from one data folder: the servers as children, every replica of the four services in this process.
//!
//! Everything it needs is made at the first start and found again at every later one. Once `up.json` is there, all of
//! it answers; when the process ends, however it ends, nothing of it stays behind.

mod admin;
pub mod authority;
pub mod children;
pub mod cluster;
pub mod folder;
pub mod keys;
pub mod parts;
pub mod record;
pub mod running;
pub mod secrets;
pub mod set_up;
mod words;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use runtime::telemetry::{self, LogFormat, TelemetryArgs};
use runtime::{Ambient, shutdown_signal};

use crate::failed::{Exit, Failed};
use crate::verb::Context;
use authority::Authority;
use children::{Children, Programs};
use folder::Folder;
use parts::{Parts, Plan};
use record::{Record, Replicas};
use secrets::Secrets;
use words::Welcome;

/// All of them share one process: more try nothing that these do not.
const REPLICAS_MAX: i64 = 9;

/// Between two looks whether the server's certificate ends soon.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(6 * 60 * 60);

/// `latchkey up`
#[derive(Debug, Args)]
pub struct Options {
    /// Folder with everything in it; made at the first start
    #[arg(long, value_name = "DIR", default_value = ".latchkey")]
    pub data: PathBuf,
    /// Where to serve HTTP; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// How many gateways, and replicas of auth and of catalog; the gateways listen on ports one after the other. With more
    /// than one, a second projector stands by
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=REPLICAS_MAX))]
    pub replicas: u16,
    /// How many nats-servers keep the log; chosen when the folder is made, and 1 there if it is not said
    #[arg(long, value_name = "1|3", value_parser = log_servers)]
    pub nats: Option<usize>,
    /// Serve HTTPS, with a certificate authority of this data folder's own
    #[arg(long)]
    pub tls: bool,
    /// Name or address besides this machine's own that the certificate is for; may be given several times
    #[arg(long, value_name = "NAME", requires = "tls")]
    pub tls_name: Vec<String>,
    /// Where the servers are.
    #[command(flatten)]
    pub programs: Programs,
    /// What is logged, for example info or warn,auth=debug
    #[arg(long, env = "LATCHKEY_LOG", default_value = "warn")]
    pub log: String,
    /// Log lines for people or for machines
    #[arg(long, env = "LATCHKEY_LOG_FORMAT", default_value = "human", value_enum)]
    pub log_format: LogFormat,
    /// Where traces are sent by OTLP over gRPC
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,
}

impl Options {
    /// Where each gateway listens: on any free port, or on this one and those after it.
    fn gateways(&self) -> Result<Vec<SocketAddr>, Failed> {
        let listens = (0..self.replicas).map(|index| match self.listen.port() {
            0 => Some(self.listen),
            first => first.checked_add(index).map(|port| SocketAddr::new(self.listen.ip(), port)),
        });
        listens.collect::<Option<_>>().ok_or_else(|| {
            let said = format!("there are no {} ports from {} on", self.replicas, self.listen);
            Failed::new(Exit::Usage, said).hint("choose a lower one with --listen")
        })
    }

    /// Runs until Ctrl-C, a signal to end, or the loss of something it cannot do without.
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let folder = Folder::take(&self.data)?;
        for listen in self.gateways()? {
            free(listen)?;
        }
        // Left behind by a start that was killed: what it says is not true any more.
        let _absent = std::fs::remove_file(folder.record());
        let telemetry = telemetry::init(TelemetryArgs {
            log_format: self.log_format,
            log: self.log.clone(),
            otlp_endpoint: self.otlp_endpoint.clone(),
            service_name: Some("latchkey".to_owned()),
        })?;
        let mut stop = std::pin::pin!(shutdown_signal());
        let running = tokio::select! {
            running = Box::pin(Running::start(&self, &folder, &context.ambient)) => running?,
            // The children die with what holds them.
            () = &mut stop => return Ok(()),
        };
        let ended = running.until(context, &folder, stop).await;
        telemetry.finish().await;
        ended
    }
}

/// Everything, ready.
struct Running {
    children: Children,
    parts: Parts,
    secrets: Secrets,
    authority: Option<Authority>,
    record: Record,
    /// Of the first account, at the first start only.
    password: Option<runtime::Secret>,
}

impl Running {
    async fn start(options: &Options, folder: &Folder, ambient: &Ambient) -> anyhow::Result<Self> {
        let secrets = Secrets::ensure(&folder.secrets(), ambient)?;
        let password = secrets.first_password(ambient)?;
        // Made by the first start that gets to its end: only then has anybody been shown the password.
        let first = !secrets.admin_token().exists();
        let authority = options.tls.then(|| {
            let now = ambient.clock.now();
            Authority::ensure(&folder.tls(), options.listen, &options.tls_name, now)
        });
        let authority = authority.transpose()?;
        let children = Children::start(folder, &options.programs, options.nats).await?;
        let mut plan = Plan::new(folder.blobs(), secrets.clone(), &options.gateways()?);
        plan.tls = authority.clone();
        plan.log_servers = children.nats.size();
        set_up::set_up(&children, &plan, ambient).await?;
        let parts = Parts::start(plan, ambient).await?;
        let scheme = if authority.is_some() { "https" } else { "http" };
        let urls = |scheme: &str, of: &[SocketAddr]| {
            of.iter().map(|at| format!("{scheme}://{}", reachable(*at))).collect::<Vec<_>>()
        };
        let replicas = Replicas {
            http: urls(scheme, &parts.http),
            grpc_auth: urls("http", &parts.auth),
            grpc_catalog: urls("http", &parts.catalog),
        };
        let http = replicas.http[0].clone();
        let tls_ca = authority.as_ref().map(Authority::ca);
        let admin_token = admin::session(&http, tls_ca.as_deref(), &secrets, &password).await?;
        let record = Record {
            http,
            grpc_auth: replicas.grpc_auth[0].clone(),
            grpc_catalog: replicas.grpc_catalog[0].clone(),
            nats: children.nats.url(),
            postgres: children.postgres.url(),
            admin_login: parts::ADMIN.to_owned(),
            admin_token,
            latchkey: std::env::current_exe().context("this program's own path")?,
            tls_ca,
            replicas,
        };
        Ok(Self { children, parts, secrets, authority, record, password: first.then_some(password) })
    }

    /// Says that it is there, waits for its end, and stops everything in order.
    async fn until(
        mut self,
        context: &Context,
        folder: &Folder,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Failed> {
        let published = self.record.publish(&folder.record())?;
        let welcome = Welcome {
            record: &self.record,
            password: self.password.as_ref().map(runtime::Secret::expose),
            password_file: &self.secrets.admin_password(),
            record_file: &folder.record(),
            metrics: self.parts.metrics,
        };
        welcome.lines().iter().for_each(|line| context.output.line(line));
        context.output.document(&serde_json::to_value(&self.record).expect("strings are JSON"));
        let lost = tokio::select! {
            () = stop => None,
            error = self.parts.ended() => Some(error),
            error = self.children.mind() => Some(error),
            error = renewed(self.authority.as_ref(), &context.ambient) => Some(error),
        };
        drop(published);
        context.output.line("stopping; once more Ctrl-C stops at once");
        let Self { parts, children, .. } = self;
        tokio::select! {
            () = stop_all(parts, children) => {}
            // The children die with what holds them.
            () = shutdown_signal() => {}
        }
        lost.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Keeps the server's certificate from ending for as long as it runs; the gateway sees the files change.
async fn renewed(authority: Option<&Authority>, ambient: &Ambient) -> anyhow::Error {
    let Some(authority) = authority else { return std::future::pending().await };
    loop {
        tokio::time::sleep(CERTIFICATE_LOOK).await;
        if let Err(error) = authority.renew(ambient.clock.now()) {
            return error.context("the server's certificate cannot be renewed");
        }
    }
}

/// The services let go of the servers before the servers go.
async fn stop_all(parts: Parts, children: Children) {
    for name in parts.drain().await {
        eprintln!("latchkey: {name} did not finish in time and was stopped");
    }
    children.stop().await;
}

/// Where to reach from this machine what listens on every address of it.
fn reachable(listen: SocketAddr) -> SocketAddr {
    match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => (Ipv4Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V6(ip) if ip.is_unspecified() => (Ipv6Addr::LOCALHOST, listen.port()).into(),
        IpAddr::V4(_) | IpAddr::V6(_) => listen,
    }
}

/// One forgets nothing while it runs; three go on without any one of them.
fn log_servers(text: &str) -> Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => {
            Err("1 or 3: a cluster needs more than half of its servers, so two are no better than one".into())
        }
    }
}

/// Asked before anything is started, so that the answer is one sentence.
fn free(listen: SocketAddr) -> Result<(), Failed> {
    match TcpListener::bind(listen) {
        Ok(_) => Ok(()),
        Err(error) => Err(Failed::new(
            Exit::Conflict,
            format!("cannot listen on {listen} ({error}): choose another address with --listen ADDR:PORT"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_stands_for_all_is_reached_by_loopback() {
        let reached = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(reached("0.0.0.0:80"), "127.0.0.1:80");
        assert_eq!(reached("[::]:80"), "[::1]:80");
        assert_eq!(reached("192.0.2.1:80"), "192.0.2.1:80");
    }
}
