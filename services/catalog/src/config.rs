//! What an operator chooses about catalog: flags, or the variables named beside them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use access::service::credentials;
use access::{SecretHash, Service};
use anyhow::Context as _;
use clap::Args;
use eventlog::NatsConfig;
use eventlog::keys::{Keyring, Signer};
use runtime::config::parsed;

/// The settings of one process.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// One or more NATS servers, separated by commas, or @FILE that holds them
    #[arg(long, env = "NATS_URL", default_value = "nats://127.0.0.1:4222", value_parser = runtime::config::value_or_file)]
    pub nats_url: String,
    /// How many servers of the NATS cluster hold the log: 1, or 3 in a cluster
    #[arg(long, env = "NATS_REPLICAS", default_value_t = 1)]
    pub nats_replicas: usize,
    /// Where gRPC is served; port 0 picks one
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:7402")]
    pub listen: SocketAddr,
    /// Where health and metrics are served by HTTP; unset, they are not
    #[arg(long, env = "HTTP_LISTEN")]
    pub http_listen: Option<SocketAddr>,
    /// Where auth serves gRPC
    #[arg(long, env = "AUTH_URL", default_value = "http://127.0.0.1:7401")]
    pub auth_url: String,
    /// File store: a directory, or s3://bucket
    #[arg(long, env = "BLOBS")]
    pub blobs: String,
    /// File that holds this service's own credential
    #[arg(long, env = "SERVICE_SECRET_FILE")]
    pub service_secret_file: PathBuf,
    /// The Ed25519 key that signs events: PKCS#8 as PEM or base64
    #[arg(long, env = "SIGNING_KEY_FILE")]
    pub signing_key_file: PathBuf,
    /// The public keys that are believed: JSON {key id: base64}
    #[arg(long, env = "KEYRING_FILE")]
    pub keyring_file: PathBuf,
    /// The services' credentials: JSON {service: SHA-256 of its credential in hex}
    #[arg(long, env = "SERVICES_FILE")]
    pub services_file: PathBuf,
    /// This process's name in receipts: stable over restarts, different in each replica, and starting with "catalog"
    #[arg(long, env = "CATALOG_NAME", default_value = "catalog")]
    pub name: String,
    /// Whether a package is public or private where its uploader does not say; public means as open as its channel
    #[arg(long, env = "CATALOG_PACKAGES", default_value = "public", value_parser = ["public", "private"])]
    pub packages: String,
    /// The certificates between services.
    #[command(flatten)]
    pub grpc_tls: runtime::grpc::TlsArgs,
}

/// The files that a catalog reads at start.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    pub service_secret: &'a Path,
    pub signing_key: &'a Path,
    pub keyring: &'a Path,
    pub services: &'a Path,
}

impl Config {
    /// A laptop's settings with these places and files; it listens on a free port.
    pub fn new(nats_url: &str, auth_url: &str, blobs: &str, files: Files<'_>) -> Self {
        Self {
            grpc_tls: runtime::grpc::TlsArgs::default(),
            nats_url: nats_url.into(),
            nats_replicas: 1,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            http_listen: None,
            auth_url: auth_url.into(),
            blobs: blobs.into(),
            service_secret_file: files.service_secret.into(),
            signing_key_file: files.signing_key.into(),
            keyring_file: files.keyring.into(),
            services_file: files.services.into(),
            name: "catalog".into(),
            packages: "public".into(),
        }
    }

    pub(crate) fn nats(&self) -> NatsConfig {
        let new = NatsConfig::new(self.nats_url.as_str(), "catalog");
        // The streams are made by set-up, whose right it is.
        NatsConfig { replicas: self.nats_replicas, create: false, ..new }
    }

    pub(crate) fn signer(&self) -> anyhow::Result<Signer> {
        parsed("SIGNING_KEY_FILE", &self.signing_key_file, Signer::parse)
    }

    pub(crate) fn keyring(&self) -> anyhow::Result<Keyring> {
        let path = &self.keyring_file;
        Keyring::read(path).with_context(|| format!("KEYRING_FILE {}", path.display()))
    }

    pub(crate) fn services(&self) -> anyhow::Result<HashMap<SecretHash, Service>> {
        parsed("SERVICES_FILE", &self.services_file, credentials)
    }
}
