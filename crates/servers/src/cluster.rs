//! The nats-servers of one log on one machine: one by itself, or three that agree.
//!
//! A member of a cluster keeps its name and its share of the disk over restarts: a stream knows its replicas by their
//! servers' names, and only its port is new each time.

use std::{
    fs,
    hash::{BuildHasher as _, RandomState},
    path::Path,
    time::Duration,
};

use anyhow::Context as _;
use futures::future::select_all;
use nix::sys::statvfs::statvfs;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    child::Exited,
    nats::{Member, NatsOptions, NatsServer, NatsUser},
    ports,
};

/// How long the servers may take to agree on a leader.
const AGREE_LIMIT: Duration = Duration::from_secs(60);

/// One nats-server, or a cluster of them. Dropping it kills them.
#[derive(Debug)]
pub struct NatsCluster {
    servers: Vec<NatsServer>,
}

impl NatsCluster {
    /// Starts `size` servers on the data in a folder and returns when they have agreed on a leader. One by itself is no
    /// cluster. `options` are for each of them.
    pub async fn start(dir: impl AsRef<Path>, size: usize, options: NatsOptions) -> anyhow::Result<Self> {
        let dir = dir.as_ref();
        if let Some(made) = Self::size_in(dir).filter(|made| *made != size) {
            anyhow::bail!("the log in {} is that of {made} nats-server, not of {size}", dir.display());
        }
        if size == 1 {
            return Ok(Self { servers: vec![NatsServer::start(dir, options).await?] });
        }
        let routes = (0..size).map(|_| ports::free()).collect::<anyhow::Result<Vec<u16>>>()?;
        let mut servers = Vec::new();
        for (index, route_port) in routes.iter().enumerate() {
            let place = dir.join(format!("n{}", index + 1));
            fs::create_dir_all(&place).with_context(|| format!("cannot create {}", place.display()))?;
            let random = RandomState::new().hash_one(index);
            let name = kept(&place.join("name"), || Ok(format!("n{}-{random:016x}", index + 1)))?;
            let share = kept(&place.join("store-bytes"), || Ok(share_of_disk(&place, size)?.to_string()))?;
            let share = share.parse().with_context(|| format!("{}/store-bytes", place.display()))?;
            let member = Member {
                name,
                route_port: *route_port,
                routes: routes.clone(),
                monitor_port: ports::free()?,
            };
            let options = NatsOptions {
                max_store_bytes: options.max_store_bytes.or(Some(share)),
                cluster: Some(member),
                ..options.clone()
            };
            servers.push(NatsServer::start(place, options).await?);
        }
        let cluster = Self { servers };
        cluster.healthy().await?;
        Ok(cluster)
    }

    /// How many servers keep the log in a folder; none if there is no log yet.
    pub fn size_in(dir: &Path) -> Option<usize> {
        let members = (1..).take_while(|number| dir.join(format!("n{number}")).is_dir()).count();
        match members {
            0 => dir.join("jetstream").is_dir().then_some(1),
            members => Some(members),
        }
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

    /// How many bytes each server may take, where that is settled.
    pub fn room_bytes(&self) -> Option<u64> {
        self.servers.iter().filter_map(NatsServer::max_store_bytes).min()
    }

    /// One of the servers.
    pub fn server(&self, index: usize) -> &NatsServer {
        &self.servers[index]
    }

    /// Kills one server as a crash would.
    pub async fn kill9(&self, index: usize) {
        self.servers[index].kill9().await;
    }

    /// Returns which server has ended, and how, when one has.
    pub async fn exited(&self) -> (usize, Exited) {
        let (exited, index, _) =
            select_all(self.servers.iter().map(|server| Box::pin(server.exited()))).await;
        (index, exited)
    }

    /// Starts one server again and returns when it has caught up.
    pub async fn restart(&mut self, index: usize) -> anyhow::Result<()> {
        self.servers[index].restart().await?;
        self.healthy().await
    }

    /// Stops all servers.
    pub async fn stop(&self) {
        futures::future::join_all(self.servers.iter().map(NatsServer::stop)).await;
    }

    /// Returns when every running server knows the leader and has caught up.
    pub async fn healthy(&self) -> anyhow::Result<()> {
        for server in self.servers.iter().filter(|server| server.child().has_exited().is_none()) {
            // One by itself answers as soon as it is ready.
            let Some(port) = server.monitor_port() else { continue };
            ports::ready(server.child(), AGREE_LIMIT, || is_healthy(port))
                .await
                .with_context(|| format!("a nats-server did not join its cluster; {}", server.log_tail()))?;
        }
        Ok(())
    }
}

/// What a file says, written at the first start.
fn kept(file: &Path, make: impl FnOnce() -> anyhow::Result<String>) -> anyhow::Result<String> {
    if !file.exists() {
        fs::write(file, make()?).with_context(|| format!("cannot write {}", file.display()))?;
    }
    fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))
}

/// A server by itself takes three quarters of what is free; several on one disk take as much together.
fn share_of_disk(dir: &Path, size: usize) -> anyhow::Result<u64> {
    let disk = statvfs(dir).with_context(|| format!("the room on the disk of {}", dir.display()))?;
    Ok(disk.blocks_available() * disk.fragment_size() / 4 * 3 / size as u64)
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
