//! Everything the gateway is told at start, by flag or environment.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::certificate::Files;

/// The gateway's configuration. Nothing in it is secret but what the named files hold and the database's password.
#[derive(Debug, Clone, Args)]
pub struct Config {
    /// Where to listen for HTTP/1.1 and HTTP/2; port 0 picks one
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,
    /// Serve HTTPS with this certificate, and those between it and its root, in PEM; read again when it changes
    #[arg(long, env = "TLS_CERTIFICATE_FILE", requires = "tls_key_file")]
    pub tls_certificate_file: Option<PathBuf>,
    /// The certificate's private key, in PEM
    #[arg(long, env = "TLS_KEY_FILE", requires = "tls_certificate_file")]
    pub tls_key_file: Option<PathBuf>,
    /// A proxy in front speaks HTTPS with the clients, and every request comes through it
    #[arg(long, env = "HTTPS_IN_FRONT")]
    pub https_in_front: bool,
    /// Where to listen for health and metrics, on a network that only operators reach; unset, they are not served there
    #[arg(long, env = "HTTP_LISTEN")]
    pub http_listen: Option<SocketAddr>,
    /// Address of auth; of several replicas, separated by commas, one is used until it is lost
    #[arg(long, env = "AUTH_URL", default_value = "http://127.0.0.1:7401")]
    pub auth_url: String,
    /// Address of catalog, or of several replicas
    #[arg(long, env = "CATALOG_URL", default_value = "http://127.0.0.1:7402")]
    pub catalog_url: String,
    /// Postgres with the read models, or @FILE that holds the address
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = runtime::config::value_or_file)]
    pub database_url: String,
    /// File store: a directory, or s3://bucket
    #[arg(long, env = "BLOBS")]
    pub blobs: String,
    /// File that holds this service's own credential
    #[arg(long, env = "SERVICE_SECRET_FILE")]
    pub service_secret_file: PathBuf,
    /// This process's name in receipts: stable over restarts, different in each replica
    #[arg(long, env = "GATEWAY_NAME", default_value = "gateway")]
    pub name: String,
    /// How many seconds what is public is shown while auth cannot be reached, from the last ask that was granted, but not
    /// less than the lease; a channel that is made private meanwhile is shown for so long, and whoever makes it private
    /// is told so
    #[arg(long, env = "GATEWAY_PUBLIC_S", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(0..=86_400))]
    pub public_s: u32,
    /// How many seconds it goes on answering when it is asked to stop, not ready any more, so that whoever shares out
    /// requests between gateways sends them elsewhere before this one takes no more
    #[arg(long, env = "GATEWAY_NOTICE_S", default_value_t = 5, value_parser = clap::value_parser!(u16).range(0..=60))]
    pub notice_s: u16,
    /// Reverse proxies, separated by commas, whose X-Forwarded-For is believed; those on this machine always are
    #[arg(long, env = "TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpAddr>,
    /// NATS servers, separated by commas, or @FILE that holds them, to tell who used which token; unset, nobody is told
    #[arg(long, env = "NATS_URL", hide_env_values = true, value_parser = runtime::config::value_or_file)]
    pub nats_url: Option<String>,
    /// Largest file that can be uploaded, in bytes
    #[arg(long, env = "MAX_UPLOAD_BYTES", default_value_t = DEFAULT_MAX_UPLOAD_BYTES)]
    pub max_upload_bytes: u64,
    /// The certificates between services.
    #[command(flatten)]
    pub grpc_tls: runtime::grpc::TlsArgs,
}

impl Config {
    /// A laptop's settings with these places and this credential; it listens on a free port.
    pub fn new(
        auth_url: &str,
        catalog_url: &str,
        database_url: &str,
        blobs: &str,
        service_secret_file: &Path,
    ) -> Self {
        Self {
            grpc_tls: runtime::grpc::TlsArgs::default(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls_certificate_file: None,
            tls_key_file: None,
            https_in_front: false,
            http_listen: None,
            auth_url: auth_url.into(),
            catalog_url: catalog_url.into(),
            database_url: database_url.into(),
            blobs: blobs.into(),
            service_secret_file: service_secret_file.into(),
            name: "gateway".into(),
            public_s: 3600,
            notice_s: 0,
            trusted_proxies: Vec::new(),
            nats_url: None,
            max_upload_bytes: DEFAULT_MAX_UPLOAD_BYTES,
        }
    }

    /// Where the certificate is, if HTTPS is to be served.
    pub(crate) fn certificate(&self) -> Option<Files> {
        let (certificate, key) = (self.tls_certificate_file.clone()?, self.tls_key_file.clone()?);
        Some(Files { certificate, key })
    }
}

/// 2 GiB: the largest packages on the public channels are a little over one.
pub const DEFAULT_MAX_UPLOAD_BYTES: u64 = 2 * 1024 * 1024 * 1024;
