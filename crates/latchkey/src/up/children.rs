//! The servers of the log and Postgres as children of this process, and what happens when one of them dies.

use std::path::PathBuf;

use anyhow::Context as _;
use servers::{NatsCluster, NatsOptions, Postgres, PostgresOptions};

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

/// All servers, running.
#[derive(Debug)]
pub struct Children {
    /// The log's server, or its servers.
    pub nats: NatsCluster,
    /// The read models' server.
    pub postgres: Postgres,
    restarts: u32,
}

#[derive(Debug, Clone, Copy)]
enum Dead {
    /// Which of the log's servers.
    Nats(usize),
    Postgres,
}

impl Children {
    /// Starts them on the data of a folder, beside each other; as many for the log as are asked for, or else as it was
    /// made with, which is one in a new folder.
    pub async fn start(folder: &Folder, programs: &Programs, servers: Option<usize>) -> anyhow::Result<Self> {
        let Programs { nats_server, pg_bin, tools } = programs.clone();
        let mut nats = NatsOptions::default();
        nats.program = nats_server;
        nats.tools.clone_from(&tools);
        let postgres = PostgresOptions { bin_dir: pg_bin, tools, ..PostgresOptions::default() };
        let made = NatsCluster::size_in(&folder.nats());
        let size = servers.or(made).unwrap_or(1);
        if let Some(made) = made.filter(|made| *made != size) {
            anyhow::bail!(
                "the log in {} was made with --nats {made}: leave the flag out, or name a new folder with --data",
                folder.root().display()
            );
        }
        let (nats, postgres) = tokio::join!(
            NatsCluster::start(folder.nats(), size, nats),
            Postgres::start(folder.postgres(), postgres)
        );
        Ok(Self { nats: nats?, postgres: postgres?, restarts: 0 })
    }

    /// Starts again whichever dies, and says so; returns when that is of no use any more.
    pub(crate) async fn mind(&mut self) -> anyhow::Error {
        loop {
            let (dead, exited) = tokio::select! {
                (index, exited) = self.nats.exited() => (Dead::Nats(index), exited),
                exited = self.postgres.exited() => (Dead::Postgres, exited),
            };
            let name = match dead {
                Dead::Nats(_) => "nats-server",
                Dead::Postgres => "Postgres",
            };
            self.restarts += 1;
            if self.restarts > RESTARTS_MAX {
                let said = anyhow::anyhow!("{name} {exited} once more, after {RESTARTS_MAX} restarts");
                return match dead {
                    Dead::Nats(index) => said.context(self.nats.server(index).log_tail()),
                    Dead::Postgres => said,
                };
            }
            eprintln!("latchkey: {name} {exited}: starting it again");
            let again = match dead {
                Dead::Nats(index) => self.nats.restart(index).await,
                Dead::Postgres => self.postgres.restart().await,
            };
            if let Err(error) = again.with_context(|| format!("{name} {exited} and cannot be started again"))
            {
                return error;
            }
        }
    }

    /// Stops all, each in its own orderly way.
    pub(crate) async fn stop(&self) {
        tokio::join!(self.nats.stop(), self.postgres.stop());
    }
}
