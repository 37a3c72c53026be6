//! What an operator sets.

use std::{net::SocketAddr, path::PathBuf};

/// Where the projector reads and writes.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// The event log: one or more servers, separated by commas
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222")]
    pub nats_url: String,
    /// The database of the read models, as postgres://user@host:port/name
    #[arg(long, env = "DATABASE_URL")]
    pub database_url: String,
    /// This service's own signing key: it appends nothing but barriers, which find the end of the log
    #[arg(long, env = "SIGNING_KEY_FILE")]
    pub signing_key_file: Option<PathBuf>,
    /// The public keys whose signatures count
    #[arg(long, env = "KEYRING_FILE")]
    pub keyring_file: Option<PathBuf>,
    /// Where health and metrics are served
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:9094")]
    pub listen: SocketAddr,
}
