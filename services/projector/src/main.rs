//! The projector as a process of its own.

use std::process::ExitCode;

use clap::Parser;
use projector::{Config, Verb};
use runtime::telemetry::TelemetryArgs;

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

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    runtime::install_crypto();
    let args: Args = runtime::config::parse();
    let telemetry = runtime::telemetry::init(args.telemetry.clone().named("projector"))?;
    let code = args.verb.unwrap_or(Verb::Run).work(args.config).await;
    telemetry.finish().await;
    code
}
