//! The process: configuration, telemetry, serve, drain with a limit.

use std::process::ExitCode;

use clap::Parser;
use runtime::telemetry::TelemetryArgs;
use runtime::{Ambient, Drain, shutdown_signal};

/// Latchkey's accounts and tokens, and the feed of what decides access.
#[derive(Debug, Parser)]
#[command(name = "latchkey-auth", version)]
struct Arguments {
    #[command(flatten)]
    config: auth::Config,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    runtime::install_crypto();
    let Arguments { config, telemetry } = runtime::config::parse();
    let faults = config.faults();
    for fault in &faults {
        eprintln!("latchkey-auth: {fault:#}");
    }
    if !faults.is_empty() {
        return ExitCode::from(runtime::config::WRONG_USAGE);
    }
    match run(config, telemetry).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey-auth: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: auth::Config, telemetry: TelemetryArgs) -> anyhow::Result<()> {
    let telemetry = runtime::telemetry::init(telemetry.named("auth"))?;
    let drain = Drain::new();
    let started = tokio::select! {
        started = auth::start(config, Ambient::system(), drain.clone()) => started?,
        () = shutdown_signal() => return Ok(()),
    };
    let mut task = started.task;
    let ended = tokio::select! {
        ended = &mut task => ended,
        () = shutdown_signal() => {
            drain.start();
            drain.finished(runtime::grpc::DRAIN_LIMIT).await;
            task.await
        }
    };
    telemetry.finish().await;
    ended?
}
