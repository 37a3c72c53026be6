//! What the projector's command can do: follow the log, or one task and an end.

use std::{process::ExitCode, time::Duration};

use clap::Subcommand;
use runtime::{Ambient, Drain};

use crate::{Config, Database, Origin, PUT_BACK_MAX};

/// How long a batch in hand may take at the end.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// One thing to do.
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Verb {
    /// Follow the log (the default)
    Run,
    /// Build the read models anew beside the live ones and swap them in
    Rebuild {
        /// Build from the ledger in the database and not from the log
        #[arg(long)]
        from_ledger: bool,
    },
    /// Compare the live read models and the ledger with the log; exit code 1 if they differ
    Verify,
    /// Append again, from the ledger, what the log has lost; exit code 1 if --look finds something
    PutBack {
        /// Only say what is missing
        #[arg(long)]
        look: bool,
    },
    /// Bring the database up to this release
    Migrate,
    /// Make the streams of the log and migrate the database; done again, it changes nothing
    Setup {
        /// How many servers of the NATS cluster hold the log
        #[arg(long, env = "NATS_REPLICAS", default_value_t = 1)]
        nats_replicas: usize,
    },
}

impl Verb {
    /// Does it; the exit code is 1 when a verification found a difference.
    pub async fn work(self, config: Config) -> anyhow::Result<ExitCode> {
        let ambient = Ambient::system();
        let db = Database::connect(&config.database_url)?;
        match self {
            Verb::Run => run(config, ambient).await?,
            Verb::Migrate => db.migrate().await?,
            Verb::Setup { nats_replicas } => {
                crate::make_streams(&config, nats_replicas, None, &ambient).await?;
                db.migrate().await?;
            }
            Verb::Rebuild { from_ledger } => {
                let keyring = crate::keyring(&config)?;
                let from = match from_ledger {
                    true => Origin::Ledger,
                    false => Origin::Log(crate::connect(&config, &ambient, keyring.clone()).await?),
                };
                let rebuilt = crate::rebuild(&db, from, &keyring).await?;
                println!("version {} is live", rebuilt.version.number);
            }
            Verb::PutBack { look } => {
                let log = crate::connect(&config, &ambient, crate::keyring(&config)?).await?;
                let restored = crate::put_back(&db, &log, look).await?;
                restored.iter().for_each(|one| println!("{one}"));
                println!("{}", said(restored.len(), look));
                return Ok(if look && !restored.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS });
            }
            Verb::Verify => {
                let log = crate::connect(&config, &ambient, crate::keyring(&config)?).await?;
                let report = crate::verify(&db, &log).await?;
                println!("{report}");
                return Ok(if report.agrees() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn said(count: usize, look: bool) -> String {
    match (count, look) {
        (0, _) => "the log has everything that the ledger has".into(),
        (count, true) => format!("{count} missing; without --look they are put back"),
        (count, false) if count == PUT_BACK_MAX => {
            format!("{count} put back, the most at once: run it again")
        }
        (count, false) => format!("{count} put back"),
    }
}

async fn run(config: Config, ambient: Ambient) -> anyhow::Result<()> {
    let drain = Drain::new();
    let on_signal = drain.clone();
    tokio::spawn(async move {
        runtime::shutdown_signal().await;
        on_signal.start();
    });
    let started = crate::start(config, ambient, drain.clone()).await?;
    let ended = started.task.await?;
    drain.finished(DRAIN_LIMIT).await;
    ended
}
