//! The gateway as a process of its own.

use clap::Parser;
use gateway::Config;
use runtime::telemetry::{self, TelemetryArgs};
use runtime::{Ambient, Drain, shutdown_signal};

/// A request makes some fifty small pieces, and the indexes come and go by the gigabyte: this one is quick with the former
/// and gives the latter back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Serves conda channels, Python indexes and the REST interface over HTTP
#[derive(Parser)]
#[command(name = "latchkey-gateway", version)]
struct Args {
    #[command(flatten)]
    gateway: Config,
    #[command(flatten)]
    telemetry: TelemetryArgs,
}

fn main() -> anyhow::Result<()> {
    let args: Args = runtime::config::parse();
    runtime::install_crypto();
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(serve(args))
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let telemetry = telemetry::init(args.telemetry)?;
    let drain = Drain::new();
    let asked = drain.clone();
    tokio::spawn(async move {
        shutdown_signal().await;
        asked.start();
    });
    let started = gateway::start(args.gateway, Ambient::system(), drain).await?;
    tracing::info!(addr = %started.addr, "gateway is ready");
    let ended = started.task.await?;
    telemetry.finish().await;
    ended
}
