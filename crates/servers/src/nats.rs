//! One nats-server with JetStream on files, synced before every ack.

mod users;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Context as _;
use nix::sys::signal::Signal;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    net::TcpStream,
};

pub use users::NatsUser;
use users::Passwords;

use crate::{
    child::{Child, Exited, with_parent},
    find::find_nats,
    ports, secret,
};

/// Recovery of a million subjects takes about a second.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often another port is tried when one was lost to somebody else.
const START_TRIES: usize = 5;
/// Whom the servers of a cluster take each other for.
const ROUTE_USER: &str = "latchkey";

/// How a nats-server is started.
#[derive(Debug, Clone, Default)]
pub struct NatsOptions {
    /// Its program; otherwise it is looked for.
    pub program: Option<PathBuf>,
    /// A folder that `scripts/fetch-tools` has filled.
    pub tools: Option<PathBuf>,
    /// Its port on 127.0.0.1; otherwise a free one.
    pub port: Option<u16>,
    /// Bytes that all its streams together may take; otherwise its own share of the disk that is free.
    pub max_store_bytes: Option<u64>,
    pub(crate) cluster: Option<Member>,
}

/// The place of a server in a cluster.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) route_port: u16,
    pub(crate) routes: Vec<u16>,
    pub(crate) monitor_port: u16,
}

/// A running nats-server. Dropping it kills it.
#[derive(Debug)]
pub struct NatsServer {
    setup: Setup,
    child: Child,
}

impl NatsServer {
    /// Starts a server on the data in a folder, and returns when it answers.
    pub async fn start(dir: impl AsRef<Path>, options: NatsOptions) -> anyhow::Result<Self> {
        let fixed = options.port.is_some() || options.cluster.is_some();
        let mut setup = Setup::new(dir.as_ref(), options)?;
        let mut tries = 1;
        loop {
            match setup.launch().await {
                Ok(child) => return Ok(Self { setup, child }),
                Err(error) if fixed || tries == START_TRIES => return Err(error),
                Err(_) => {
                    tries += 1;
                    setup.port = ports::free()?;
                }
            }
        }
    }

    /// Where the operator connects, user and password included.
    pub fn url(&self) -> String {
        self.url_of(NatsUser::Operator)
    }

    /// Where a user connects, password included.
    pub fn url_of(&self, user: NatsUser) -> String {
        self.setup.url(user)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.setup.port
    }

    /// What it is called among the servers.
    pub fn name(&self) -> String {
        self.setup.name()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Returns how it ended, when it has.
    pub async fn exited(&self) -> Exited {
        self.child.exited().await
    }

    /// Lets it finish what it does and stops it.
    pub async fn stop(&self) {
        self.child.stop(Signal::SIGTERM).await;
    }

    /// Kills it as a crash would, and returns when it is gone.
    pub async fn kill9(&self) {
        self.child.kill9().await;
    }

    /// Starts it again on the same port and data; kills it first if it still runs.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill9().await;
        self.child = self.setup.launch().await?;
        Ok(())
    }

    /// The end of its log, to explain a failure.
    pub fn log_tail(&self) -> String {
        self.setup.log_tail()
    }

    pub(crate) fn max_store_bytes(&self) -> Option<u64> {
        self.setup.options.max_store_bytes
    }

    pub(crate) fn monitor_port(&self) -> Option<u16> {
        self.setup.options.cluster.as_ref().map(|member| member.monitor_port)
    }

    pub(crate) fn child(&self) -> &Child {
        &self.child
    }
}

/// All that a start needs; a restart uses it again.
#[derive(Debug)]
struct Setup {
    program: PathBuf,
    dir: PathBuf,
    route_password: String,
    passwords: Passwords,
    port: u16,
    options: NatsOptions,
}

impl Setup {
    fn new(dir: &Path, options: NatsOptions) -> anyhow::Result<Self> {
        let program = find_nats(options.program.as_deref(), options.tools.as_deref())?;
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        // The members of a cluster sit side by side and share their passwords.
        let secrets = if options.cluster.is_some() { dir.parent().unwrap_or(&dir) } else { &dir };
        let route_password = secret::password(&secrets.join("password"))?;
        let passwords = Passwords::ensure(secrets)?;
        let port = match options.port {
            Some(port) => port,
            None => ports::free()?,
        };
        Ok(Self { program, dir, route_password, passwords, port, options })
    }

    fn url(&self, user: NatsUser) -> String {
        format!("nats://{}:{}@127.0.0.1:{}", user.as_str(), self.passwords.of(user), self.port)
    }

    async fn launch(&self) -> anyhow::Result<Child> {
        self.move_older_log()?;
        let config = self.dir.join("nats.conf");
        secret::write_private(&config, &self.config())?;
        let mut command = with_parent(&self.program);
        command.arg("-c").arg(&config);
        let child = Child::spawn(command, &self.log())?;
        let name = self.name();
        ports::ready(&child, START_LIMIT, || answers(self.port, &name)).await.with_context(|| {
            format!("nats-server did not start on port {}; {}", self.port, self.log_tail())
        })?;
        Ok(child)
    }

    /// Before there were accounts, a lone server kept the log in the one that every server has.
    fn move_older_log(&self) -> anyhow::Result<()> {
        let store = self.dir.join("jetstream/jetstream");
        let (older, log) = (store.join("$G"), store.join("LOG"));
        if self.options.cluster.is_none() && older.exists() && !log.exists() {
            fs::rename(&older, &log).with_context(|| format!("cannot move {}", older.display()))?;
        }
        Ok(())
    }

    fn name(&self) -> String {
        match &self.options.cluster {
            Some(member) => member.name.clone(),
            None => format!("latchkey-{}-{}", self.port, std::process::id()),
        }
    }

    fn config(&self) -> String {
        let Self { dir, route_password, port, .. } = self;
        let cluster =
            self.options.cluster.as_ref().map_or_else(String::new, |member| member.config(route_password));
        let limit = self.options.max_store_bytes.map(|bytes| format!(", max_file_store: {bytes}"));
        format!(
            r#"server_name: "{name}"
listen: "127.0.0.1:{port}"
max_payload: 1MB
jetstream {{ store_dir: "{dir}", sync_interval: always{limit} }}
{cluster}
{rights}"#,
            rights = self.passwords.rights(),
            name = self.name(),
            limit = limit.unwrap_or_default(),
            dir = dir.join("jetstream").display(),
        )
    }

    fn log(&self) -> PathBuf {
        self.dir.join("nats.log")
    }

    fn log_tail(&self) -> String {
        crate::folder::tail_of(&self.log())
    }
}

impl Member {
    fn config(&self, password: &str) -> String {
        let routes: Vec<String> = self
            .routes
            .iter()
            .map(|port| format!("\"nats://{ROUTE_USER}:{password}@127.0.0.1:{port}\""))
            .collect();
        format!(
            r#"http: "127.0.0.1:{}"
cluster {{
  name: latchkey
  listen: "127.0.0.1:{}"
  no_advertise: true
  authorization {{ user: {ROUTE_USER}, password: "{password}" }}
  routes: [{}]
}}
"#,
            self.monitor_port,
            self.route_port,
            routes.join(", ")
        )
    }
}

/// True if the server of this name greets on the port.
async fn answers(port: u16, name: &str) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await else { return false };
    let mut greeting = String::new();
    BufReader::new(stream).read_line(&mut greeting).await.is_ok() && greeting.contains(&format!("\"{name}\""))
}
