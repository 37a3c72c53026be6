//! One Postgres server. It refuses to run as root, so root starts it as another user.

mod user;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;

use crate::{
    child::{Child, Exited},
    find::{find_postgres, postgres_major},
    folder::tail_of,
    ports, secret,
};
use user::User;

/// Recovery after a crash replays at most the last checkpoint's log.
const START_LIMIT: Duration = Duration::from_secs(120);
/// A crashed server's children need a moment to let go of its memory, and the server itself stays in the process table
/// until it is reaped, by a stranger if its parent was killed with it; then another start succeeds.
const START_TRIES: u32 = 8;
/// Before the second try; doubled before each later one, 6 s in all.
const START_PAUSE: Duration = Duration::from_millis(50);
const ROLE: &str = "latchkey";

/// How a Postgres is started.
#[derive(Debug, Clone, Default)]
pub struct PostgresOptions {
    /// The folder of its programs; otherwise it is looked for.
    pub bin_dir: Option<PathBuf>,
    /// A folder that `scripts/fetch-tools` has filled.
    pub tools: Option<PathBuf>,
    /// Its port on 127.0.0.1; otherwise a free one.
    pub port: Option<u16>,
    /// Further settings, by name.
    pub settings: Vec<(String, String)>,
}

/// A running Postgres. Dropping it kills it.
#[derive(Debug)]
pub struct Postgres {
    setup: Setup,
    child: Child,
}

impl Postgres {
    /// Starts a server on the data in a folder, made if need be, and returns when it takes connections.
    pub async fn start(dir: impl AsRef<Path>, options: PostgresOptions) -> anyhow::Result<Self> {
        let mut setup = Setup::new(dir.as_ref(), options)?;
        setup.create().await?;
        let child = setup.launch().await?;
        Ok(Self { setup, child })
    }

    /// Where its superuser connects, password included; the database is `postgres`.
    pub fn url(&self) -> String {
        self.url_of(ROLE, &self.setup.password)
    }

    /// Where another role connects.
    pub fn url_of(&self, role: &str, password: &str) -> String {
        format!("postgres://{role}:{password}@127.0.0.1:{}/postgres", self.setup.port)
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.setup.port
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    /// Returns how it ended, when it has.
    pub async fn exited(&self) -> Exited {
        self.child.exited().await
    }

    /// Ends its connections and stops it.
    pub async fn stop(&self) {
        self.child.stop(Signal::SIGINT).await;
    }

    /// Kills it as a crash would, and returns when it is gone.
    pub async fn kill9(&self) {
        self.child.kill9().await;
    }

    /// Starts it again on the same port and data; kills it first if it still runs.
    pub async fn restart(&mut self) -> anyhow::Result<()> {
        self.kill9().await;
        self.setup.options.port = Some(self.setup.port);
        self.child = self.setup.launch().await?;
        Ok(())
    }
}

/// All that a start needs; a restart uses it again.
#[derive(Debug)]
struct Setup {
    bin_dir: PathBuf,
    /// Holds the major in its name: another major cannot read it.
    data: PathBuf,
    log: PathBuf,
    password_file: PathBuf,
    password: String,
    port: u16,
    user: User,
    options: PostgresOptions,
}

impl Setup {
    fn new(dir: &Path, options: PostgresOptions) -> anyhow::Result<Self> {
        let bin_dir = find_postgres(options.bin_dir.as_deref(), options.tools.as_deref())?;
        let major = postgres_major(&bin_dir)?;
        fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
        let dir = dir.canonicalize()?;
        let password_file = dir.join("password");
        let password = secret::password(&password_file)?;
        let port = match options.port {
            Some(port) => port,
            None => ports::free()?,
        };
        let user = User::choose(&bin_dir, &dir)?;
        Ok(Self {
            bin_dir,
            data: dir.join(format!("pg{major}")),
            log: dir.join("postgres.log"),
            password_file,
            password,
            port,
            user,
            options,
        })
    }

    /// Makes the data folder unless it is there. It gets its name last, so that a half-made one is never used.
    async fn create(&self) -> anyhow::Result<()> {
        if self.data.join("PG_VERSION").is_file() {
            return Ok(());
        }
        let fresh = self.data.with_extension("new");
        if fresh.exists() {
            fs::remove_dir_all(&fresh)?;
        }
        fs::create_dir(&fresh)?;
        let password_file = fresh.with_extension("password");
        fs::copy(&self.password_file, &password_file)?;
        self.user.own(&fresh)?;
        self.user.own(&password_file)?;
        let mut command = self.user.command(&self.bin_dir.join("initdb"));
        command.args(["-U", ROLE, "-A", "scram-sha-256", "-N", "-E", "UTF8", "--no-locale"]);
        command.arg("--pwfile").arg(&password_file).arg("-D").arg(&fresh);
        let child = Child::spawn(command, &self.log)?;
        let exited = child.exited().await;
        fs::remove_file(&password_file)?;
        if !exited.is_success() {
            bail!("initdb {exited}; {}", tail_of(&self.log));
        }
        Ok(fs::rename(&fresh, &self.data)?)
    }

    async fn launch(&mut self) -> anyhow::Result<Child> {
        let mut tries = 1;
        loop {
            match self.try_launch().await {
                Ok(child) => return Ok(child),
                Err(error) if tries == START_TRIES => return Err(error),
                Err(error) => {
                    tracing::debug!(%error, "Postgres did not start at once");
                    tokio::time::sleep(START_PAUSE * 2_u32.pow(tries - 1)).await;
                    tries += 1;
                    if self.options.port.is_none() {
                        self.port = ports::free()?;
                    }
                }
            }
        }
    }

    async fn try_launch(&self) -> anyhow::Result<Child> {
        let mut command = self.user.command(&self.bin_dir.join("postgres"));
        command.arg("-D").arg(&self.data).arg("-p").arg(self.port.to_string());
        let fixed = [("listen_addresses", "127.0.0.1"), ("unix_socket_directories", "")];
        let given = self.options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        for (name, value) in fixed.into_iter().chain(given) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        let child = Child::spawn(command, &self.log)?;
        let pid_file = self.data.join("postmaster.pid");
        ports::ready(&child, START_LIMIT, || {
            let ready = is_ready(&fs::read_to_string(&pid_file).unwrap_or_default(), child.pid());
            std::future::ready(ready)
        })
        .await
        .with_context(|| format!("Postgres did not start on port {}; {}", self.port, tail_of(&self.log)))?;
        Ok(child)
    }
}

/// True if the file was written by this server and says that it takes connections: the first line is
/// the process, the eighth the state.
fn is_ready(pid_file: &str, pid: u32) -> bool {
    let mut lines = pid_file.lines();
    lines.next() == Some(pid.to_string().as_str()) && lines.nth(6).map(str::trim) == Some("ready")
}

/// Runs a short command that says nothing.
fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
