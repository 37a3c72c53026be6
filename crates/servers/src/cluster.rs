//! Three nats-servers on one machine, for what only a cluster does.

use std::{path::Path, time::Duration};

use anyhow::Context as _;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    nats::{Member, NatsOptions, NatsServer, NatsUser},
    ports,
};

/// How long the servers may take to agree on a leader.
const AGREE_LIMIT: Duration = Duration::from_secs(60);

/// A cluster of nats-servers. Dropping it kills them.
#[derive(Debug)]
pub struct NatsCluster {
    servers: Vec<NatsServer>,
}

impl NatsCluster {
    /// Starts `size` servers and returns when they have agreed on a leader.
    pub async fn start(dir: impl AsRef<Path>, size: usize) -> anyhow::Result<Self> {
        let routes = (0..size).map(|_| ports::free()).collect::<anyhow::Result<Vec<u16>>>()?;
        let mut servers = Vec::new();
        for (index, route_port) in routes.iter().enumerate() {
            let name = format!("n{}-{route_port}", index + 1);
            let member = Member {
                name,
                route_port: *route_port,
                routes: routes.clone(),
                monitor_port: ports::free()?,
            };
            let options = NatsOptions { cluster: Some(member), ..NatsOptions::default() };
            servers.push(NatsServer::start(dir.as_ref().join(format!("n{}", index + 1)), options).await?);
        }
        let cluster = Self { servers };
        cluster.healthy().await?;
        Ok(cluster)
    }

    /// All servers for the operator, separated by commas.
    pub fn url(&self) -> String {
        self.url_of(NatsUser::Operator)
    }

    /// All servers for a user, separated by commas.
    pub fn url_of(&self, user: NatsUser) -> String {
        let urls: Vec<String> = self.servers.iter().map(|server| server.url_of(user)).collect();
        urls.join(",")
    }

    /// How many servers there are.
    pub fn size(&self) -> usize {
        self.servers.len()
    }

    /// One of the servers.
    pub fn server(&self, index: usize) -> &NatsServer {
        &self.servers[index]
    }

    /// Kills one server as a crash would.
    pub async fn kill9(&self, index: usize) {
        self.servers[index].kill9().await;
    }

    /// Starts one server again and returns when it has caught up.
    pub async fn restart(&mut self, index: usize) -> anyhow::Result<()> {
        self.servers[index].restart().await?;
        self.healthy().await
    }

    /// Stops all servers.
    pub async fn stop(&self) {
        for server in &self.servers {
            server.stop().await;
        }
    }

    /// Returns when every running server knows the leader and has caught up.
    pub async fn healthy(&self) -> anyhow::Result<()> {
        for server in self.servers.iter().filter(|server| server.child().has_exited().is_none()) {
            let port = server.monitor_port().context("a server of a cluster has a monitor port")?;
            ports::ready(server.child(), AGREE_LIMIT, || is_healthy(port))
                .await
                .with_context(|| format!("a nats-server did not join its cluster; {}", server.log_tail()))?;
        }
        Ok(())
    }
}

async fn is_healthy(port: u16) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"GET /healthz HTTP/1.0\r\n\r\n").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    ask.await.is_ok_and(|answer| answer.starts_with("HTTP/1.0 200"))
}
