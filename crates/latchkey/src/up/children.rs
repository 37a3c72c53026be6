//! nats-server and Postgres as children of this process, and what happens when one of them dies.

use std::path::PathBuf;

use anyhow::Context as _;
use servers::{NatsOptions, NatsServer, Postgres, PostgresOptions};

use super::folder::Folder;

/// A server that dies more often than this in one run has a cause that another start does not cure.
const RESTARTS_MAX: u32 = 10;

/// Where the servers' programs are, if not where they are looked for.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Programs {
    /// nats-server's program [default: on PATH, then in the tools folder]
    #[arg(long, value_name = "PATH", env = "NATS_SERVER")]
    pub nats_server: Option<PathBuf>,
    /// Folder of Postgres' programs [default: on PATH, Debian's folders, then the tools folder]
    #[arg(long, value_name = "DIR", env = "PG_BIN")]
    pub pg_bin: Option<PathBuf>,
    /// Folder that scripts/fetch-tools has filled
    #[arg(long, value_name = "DIR", env = "LATCHKEY_TOOLS")]
    pub tools: Option<PathBuf>,
}

/// Both servers, running.
#[derive(Debug)]
pub struct Children {
    /// The log's server.
    pub nats: NatsServer,
    /// The read models' server.
    pub postgres: Postgres,
    restarts: u32,
}

impl Children {
    /// Starts both on the data of a folder, beside each other.
    pub async fn start(folder: &Folder, programs: &Programs) -> anyhow::Result<Self> {
        let Programs { nats_server, pg_bin, tools } = programs.clone();
        let mut nats = NatsOptions::default();
        nats.program = nats_server;
        nats.tools.clone_from(&tools);
        let postgres = PostgresOptions { bin_dir: pg_bin, tools, ..PostgresOptions::default() };
        let (nats, postgres) = tokio::join!(
            NatsServer::start(folder.nats(), nats),
            Postgres::start(folder.postgres(), postgres)
        );
        Ok(Self { nats: nats?, postgres: postgres?, restarts: 0 })
    }

    /// Starts again whichever dies, and says so; returns when that is of no use any more.
    pub(crate) async fn mind(&mut self) -> anyhow::Error {
        loop {
            let (name, exited) = tokio::select! {
                exited = self.nats.exited() => ("nats-server", exited),
                exited = self.postgres.exited() => ("Postgres", exited),
            };
            self.restarts += 1;
            if self.restarts > RESTARTS_MAX {
                let said = anyhow::anyhow!("{name} {exited} once more, after {RESTARTS_MAX} restarts");
                return if name == "nats-server" { said.context(self.nats.log_tail()) } else { said };
            }
            eprintln!("latchkey: {name} {exited}: starting it again");
            let again = match name {
                "nats-server" => self.nats.restart().await,
                _ => self.postgres.restart().await,
            };
            if let Err(error) = again.with_context(|| format!("{name} {exited} and cannot be started again"))
            {
                return error;
            }
        }
    }

    /// Stops both, each in its own orderly way.
    pub(crate) async fn stop(&self) {
        tokio::join!(self.nats.stop(), self.postgres.stop());
    }
}
