//! What an operator chooses about auth: flags, or the variables named beside them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use access::service::credentials;
use access::{SecretHash, Service};
use anyhow::Context as _;
use clap::Args;
use eventlog::NatsConfig;
use eventlog::keys::{Keyring, Signer};
use names::Login;
use runtime::Secret;
use runtime::config::parsed;
use time::Duration;

use crate::app::Lifetimes;

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
    #[arg(long, env = "LISTEN", default_value = "127.0.0.1:7401")]
    pub listen: SocketAddr,
    /// Where health and metrics are served by HTTP; unset, they are not
    #[arg(long, env = "HTTP_LISTEN")]
    pub http_listen: Option<SocketAddr>,
    /// The Ed25519 key that signs events: PKCS#8 as PEM or base64
    #[arg(long, env = "SIGNING_KEY_FILE")]
    pub signing_key_file: PathBuf,
    /// The public keys that are believed: JSON {key id: base64}
    #[arg(long, env = "KEYRING_FILE")]
    pub keyring_file: PathBuf,
    /// The services' credentials: JSON {service: SHA-256 of its credential in hex}
    #[arg(long, env = "SERVICES_FILE")]
    pub services_file: PathBuf,
    /// Login of the first administrator, made if there is no account at all
    #[arg(long, env = "BOOTSTRAP_LOGIN", requires = "bootstrap_password_file")]
    pub bootstrap_login: Option<String>,
    /// File with the first administrator's password
    #[arg(long, env = "BOOTSTRAP_PASSWORD_FILE", requires = "bootstrap_login")]
    pub bootstrap_password_file: Option<PathBuf>,
    /// Postgres with the read models, or @FILE that holds the address: when tokens were last used; unset, that is not known
    #[arg(long, env = "DATABASE_URL", hide_env_values = true, value_parser = runtime::config::value_or_file)]
    pub database_url: Option<String>,
    /// Days until a sign-in ends by itself
    #[arg(long, env = "AUTH_SESSION_DAYS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..))]
    pub session_days: u16,
    /// Days until a token ends for which no end was asked
    #[arg(long, env = "AUTH_TOKEN_DAYS", default_value_t = 365, value_parser = clap::value_parser!(u16).range(1..))]
    pub token_days: u16,
    /// The most days a token may live
    #[arg(long, env = "AUTH_TOKEN_LONGEST_DAYS", default_value_t = 3650, value_parser = clap::value_parser!(u16).range(1..))]
    pub token_longest_days: u16,
    /// Days before its end from which a token is warned of
    #[arg(long, env = "AUTH_EXPIRY_WARNING_DAYS", default_value_t = 14)]
    pub expiry_warning_days: u16,
    /// How many seconds a process that decides may go on when it has lost touch with auth. So long a revocation waits for
    /// one that is cut off; a shorter time makes more work, and a shorter loss of touch refuses requests
    #[arg(long, env = "AUTH_LEASE_S", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=60))]
    pub lease_s: u16,
    /// Seconds between two looks at which tokens end soon
    #[arg(long, env = "AUTH_EXPIRY_CHECK_S", default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..))]
    pub expiry_check_s: u32,
    /// This process's name in the status: stable over restarts, different in each replica
    #[arg(long, env = "AUTH_NAME", default_value = "auth")]
    pub name: String,
    /// The certificates between services.
    #[command(flatten)]
    pub grpc_tls: runtime::grpc::TlsArgs,
}

impl Config {
    /// A laptop's settings with these places and keys.
    pub fn new(nats_url: &str, signing_key_file: &Path, keyring_file: &Path, services_file: &Path) -> Self {
        Self {
            grpc_tls: runtime::grpc::TlsArgs::default(),
            nats_url: nats_url.into(),
            nats_replicas: 1,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            http_listen: None,
            signing_key_file: signing_key_file.into(),
            keyring_file: keyring_file.into(),
            services_file: services_file.into(),
            bootstrap_login: None,
            bootstrap_password_file: None,
            database_url: None,
            session_days: 30,
            token_days: 365,
            token_longest_days: 3650,
            expiry_warning_days: 14,
            lease_s: 15,
            name: "auth".into(),
            expiry_check_s: 3600,
        }
    }

    /// Everything that is wrong with the files named here, so that one start tells all of it.
    pub fn faults(&self) -> Vec<anyhow::Error> {
        let checks = [
            self.signer().map(drop),
            self.keyring().map(drop),
            self.services().map(drop),
            self.first_administrator().map(drop),
            self.grpc_tls.open().map(drop),
        ];
        checks.into_iter().filter_map(Result::err).collect()
    }

    pub(crate) fn nats(&self) -> NatsConfig {
        let new = NatsConfig::new(self.nats_url.as_str(), "auth");
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

    pub(crate) fn lease(&self) -> std::time::Duration {
        std::time::Duration::from_secs(self.lease_s.into())
    }

    pub(crate) fn lifetimes(&self) -> Lifetimes {
        let days = |days: u16| Duration::days(days.into());
        Lifetimes {
            session: days(self.session_days),
            token: days(self.token_days.min(self.token_longest_days)),
            token_longest: days(self.token_longest_days),
            warning: days(self.expiry_warning_days),
        }
    }

    pub(crate) fn first_administrator(&self) -> anyhow::Result<Option<(Login, Secret)>> {
        let (Some(login), Some(file)) = (&self.bootstrap_login, &self.bootstrap_password_file) else {
            return Ok(None);
        };
        let login = Login::parse(login).context("BOOTSTRAP_LOGIN")?;
        let password = Secret::read(file).context("BOOTSTRAP_PASSWORD_FILE")?;
        Ok(Some((login, password)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_are_told_at_once() {
        let nowhere = Path::new("/nowhere/at-all");
        let config = Config::new("nats://127.0.0.1:1", nowhere, nowhere, nowhere);
        let faults: Vec<_> = config.faults().iter().map(ToString::to_string).collect();
        let named = ["SIGNING_KEY_FILE", "KEYRING_FILE", "SERVICES_FILE"];
        assert_eq!(faults, named.map(|variable| format!("{variable} /nowhere/at-all")));
    }
}
