//! The process: configuration, telemetry, serve, drain with a limit.

use std::process::ExitCode;

use clap::Parser;
use runtime::telemetry::TelemetryArgs;
use runtime::{Ambient, Drain, shutdown_signal};

/// Latchkey's channels, packages and files, and the feed of what changes in them.
#[derive(Debug, Parser)]
#[command(name = "latchkey-catalog", version)]
struct Arguments {
    #[command(flatten)]
    config: catalog::Config,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    runtime::install_crypto();
    let Arguments { config, telemetry } = runtime::config::parse();
    match run(config, telemetry).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latchkey-catalog: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(config: catalog::Config, telemetry: TelemetryArgs) -> anyhow::Result<()> {
    let telemetry = runtime::telemetry::init(telemetry.named("catalog"))?;
    let drain = Drain::new();
    let mut starting = Box::pin(catalog::start(config, Ambient::system(), drain.clone()));
    let started = tokio::select! {
        started = &mut starting => started?,
        () = shutdown_signal() => {
            drain.start();
            starting.await?
        }
    };
    let mut task = started.task;
    let ended = tokio::select! {
        ended = &mut task => ended,
        () = shutdown_signal(), if !drain.is_requested() => {
            drain.start();
            drain.finished(runtime::grpc::DRAIN_LIMIT).await;
            task.await
        }
    };
    telemetry.finish().await;
    ended?
}
