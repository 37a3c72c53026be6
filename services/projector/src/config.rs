//! What an operator sets.

use std::{net::SocketAddr, path::PathBuf};

/// Where the projector reads and writes.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// The event log: one or more servers, separated by commas, or @FILE that holds them
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222", value_parser = runtime::config::value_or_file)]
    pub nats_url: String,
    /// The database of the read models, as postgres://user@host:port/name, or @FILE that holds it
    #[arg(long, env = "DATABASE_URL", value_parser = runtime::config::value_or_file)]
    pub database_url: String,
    /// This service's own signing key: it appends nothing but barriers, which find the end of the log
    #[arg(long, env = "SIGNING_KEY_FILE")]
    pub signing_key_file: Option<PathBuf>,
    /// The public keys whose signatures count
    #[arg(long, env = "KEYRING_FILE")]
    pub keyring_file: Option<PathBuf>,
    /// This process's name in the status: stable over restarts, different in each replica
    #[arg(long, env = "PROJECTOR_NAME", default_value = "projector")]
    pub name: String,
    /// Seconds between two comparisons of log and ledger
    #[arg(long, env = "LEDGER_CHECK_S", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub ledger_check_s: u32,
    /// Where health and metrics are served
    #[arg(long = "http-listen", env = "HTTP_LISTEN", default_value = "127.0.0.1:9094")]
    pub listen: SocketAddr,
}
