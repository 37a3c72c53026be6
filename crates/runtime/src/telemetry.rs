//! Logs, traces and metrics of one process.
//!
//! [`init`] is called once by each `main`: `latchkey up` runs four services in one process and calls
//! it for all of them, so a service's `start` never does.

mod args;
mod ids;
mod line;
mod metrics;
mod otlp;

use std::time::Duration;

use anyhow::Context;
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use args::{LogFormat, TelemetryArgs};
pub use metrics::metrics_router;

/// How long spans that are still in hand may take to be sent when the process ends.
const FLUSH_LIMIT: Duration = Duration::from_secs(5);

/// Keeps telemetry running. Call [`Guard::finish`] before `main` returns, or drop it.
#[derive(Debug)]
pub struct Guard {
    traces: Option<SdkTracerProvider>,
    upkeep: tokio::task::JoinHandle<()>,
}

/// Sets up the process's telemetry, with the log on standard error; a second call in one process is
/// an error. Call it inside the tokio runtime.
pub fn init(args: TelemetryArgs) -> anyhow::Result<Guard> {
    init_to(args, std::io::stderr)
}

/// [`init`] with the log going where a test can read it.
pub fn init_to<W>(args: TelemetryArgs, log: W) -> anyhow::Result<Guard>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(&args.log)
        .with_context(|| format!("{:?} is not a log filter; write for example info,auth=debug", args.log))?;
    let provider = otlp::provider(&args)?;
    // A span that is neither sent nor said in a line costs a request as much as answering it does.
    let told =
        args.otlp_endpoint.is_some() || filter.max_level_hint().is_none_or(|most| most >= LevelFilter::INFO);
    // Libraries' spans show how they work inside, not what happened to a request.
    let ours = Targets::new().with_default(LevelFilter::INFO).with_target("h2", LevelFilter::OFF);
    let spans = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("latchkey"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_filter(ours);
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(log)
        .event_format(line::Line::new(args.log_format))
        .with_filter(filter);
    tracing_subscriber::registry()
        .with(told.then_some(ids::Ids))
        .with(told.then_some(spans))
        .with(lines)
        .try_init()
        .context("telemetry is set up already in this process")?;
    let upkeep = metrics::install()?;
    Ok(Guard { traces: Some(provider), upkeep })
}

impl Guard {
    /// Sends the spans that are still in hand, for at most five seconds.
    pub async fn finish(mut self) {
        if let Some(traces) = self.traces.take() {
            // The exporter needs the runtime's threads meanwhile.
            let work = tokio::task::spawn_blocking(move || shut_down(&traces));
            drop(work.await);
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.upkeep.abort();
        if let Some(traces) = self.traces.take() {
            shut_down(&traces);
        }
    }
}

fn shut_down(traces: &SdkTracerProvider) {
    if let Err(error) = traces.shutdown_with_timeout(FLUSH_LIMIT) {
        tracing::warn!(%error, "the last spans were not sent");
    }
}
