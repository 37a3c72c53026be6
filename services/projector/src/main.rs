//! The projector as a process of its own.

use std::{process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use projector::{Config, Database, Origin};
use runtime::{Ambient, Drain, telemetry::TelemetryArgs};

/// How long a batch in hand may take at the end.
const DRAIN_LIMIT: Duration = Duration::from_secs(10);

/// Builds Latchkey's read models from the event log.
#[derive(Debug, Parser)]
#[command(name = "latchkey-projector", version)]
struct Args {
    #[command(flatten)]
    config: Config,
    #[command(flatten)]
    telemetry: TelemetryArgs,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum Verb {
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
    /// Bring the database up to this release
    Migrate,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    runtime::install_crypto();
    let args: Args = runtime::config::parse();
    let telemetry = runtime::telemetry::init(args.telemetry.clone().named("projector"))?;
    let code = work(args.verb.unwrap_or(Verb::Run), args.config).await;
    telemetry.finish().await;
    code
}

async fn work(verb: Verb, config: Config) -> anyhow::Result<ExitCode> {
    let ambient = Ambient::system();
    let db = Database::connect(&config.database_url)?;
    match verb {
        Verb::Run => run(config, ambient).await?,
        Verb::Migrate => db.migrate().await?,
        Verb::Rebuild { from_ledger } => {
            let keyring = projector::keyring(&config)?;
            let from = match from_ledger {
                true => Origin::Ledger,
                false => Origin::Log(projector::connect(&config, &ambient, keyring.clone()).await?),
            };
            let rebuilt = projector::rebuild(&db, from, &keyring).await?;
            println!("version {} is live", rebuilt.version.number);
        }
        Verb::Verify => {
            let log = projector::connect(&config, &ambient, projector::keyring(&config)?).await?;
            let report = projector::verify(&db, &log).await?;
            println!("{report}");
            return Ok(if report.agrees() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn run(config: Config, ambient: Ambient) -> anyhow::Result<()> {
    let drain = Drain::new();
    let on_signal = drain.clone();
    tokio::spawn(async move {
        runtime::shutdown_signal().await;
        on_signal.start();
    });
    let started = projector::start(config, ambient, drain.clone()).await?;
    let ended = started.task.await?;
    drain.finished(DRAIN_LIMIT).await;
    ended
}
