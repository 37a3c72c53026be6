//! What an operator chooses about telemetry.

/// Flags and variables that every service shares; flatten it into its configuration.
#[derive(Debug, Clone, clap::Args)]
pub struct TelemetryArgs {
    /// Log lines for people or for machines
    #[arg(long, env = "LATCHKEY_LOG_FORMAT", default_value = "human", value_enum)]
    pub log_format: LogFormat,
    /// What is logged, for example info,auth=debug
    #[arg(long, env = "LATCHKEY_LOG", default_value = "info")]
    pub log: String,
    /// Where traces are sent by OTLP over gRPC, for example http://collector:4317; without it they are not sent
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,
    /// The name under which this process appears in traces
    #[arg(long, env = "OTEL_SERVICE_NAME")]
    pub service_name: Option<String>,
}

/// Who reads the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One readable line per event.
    Human,
    /// One JSON object per line.
    Json,
}

impl TelemetryArgs {
    /// The name this process has in traces unless the operator gave one.
    #[must_use]
    pub fn named(mut self, service: &str) -> Self {
        self.service_name.get_or_insert_with(|| service.to_owned());
        self
    }
}

impl Default for TelemetryArgs {
    fn default() -> Self {
        Self { log_format: LogFormat::Human, log: "info".into(), otlp_endpoint: None, service_name: None }
    }
}
