//! `up.json`: what scripts read once everything is ready. It is there while, and only while, all of it answers.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::folder::write_private;

/// Addresses and first credential of a running `up`. The names are a promise to scripts.
#[derive(Deserialize, Serialize)]
pub struct Record {
    /// The gateway, or the first of them: an http or https address, the base of every other.
    pub http: String,
    /// auth, by gRPC, or the first of its replicas.
    pub grpc_auth: String,
    /// catalog, by gRPC, or the first of its replicas.
    pub grpc_catalog: String,
    /// nats-server, for its operator; several, separated by commas.
    pub nats: String,
    /// Postgres, for its superuser.
    pub postgres: String,
    /// First account.
    pub admin_login: String,
    /// A session of the first account; empty if its password was changed and the old session has ended.
    pub admin_token: String,
    /// The command that runs it.
    pub latchkey: PathBuf,
    /// The certificate authority to trust, in PEM; null where there is no TLS.
    #[serde(default)]
    pub tls_ca: Option<PathBuf>,
    /// Every replica, the first ones included.
    #[serde(default)]
    pub replicas: Replicas,
}

/// Where each replica is.
#[derive(Default, Deserialize, Serialize)]
pub struct Replicas {
    /// Gateways, as `http` is written.
    pub http: Vec<String>,
    /// auth, by gRPC.
    pub grpc_auth: Vec<String>,
    /// catalog, by gRPC.
    pub grpc_catalog: Vec<String>,
}

/// Removes the file when it goes out of scope.
#[derive(Debug)]
pub struct Published(PathBuf);

impl Record {
    /// Puts it in place, whole from the first moment, for its owner alone.
    pub fn publish(&self, path: &Path) -> anyhow::Result<Published> {
        let text = serde_json::to_string_pretty(self).expect("strings are JSON");
        write_private(path, &text).with_context(|| format!("writing {}", path.display()))?;
        Ok(Published(path.to_owned()))
    }

    /// Reads the one of a running `up`.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is damaged", path.display()))
    }
}

impl Drop for Published {
    fn drop(&mut self) {
        let _gone_already = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_there_while_it_is_published_and_has_the_promised_names() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("up.json");
        let text = || "x".to_owned();
        let record = Record {
            http: text(),
            grpc_auth: text(),
            grpc_catalog: text(),
            nats: text(),
            postgres: text(),
            admin_login: text(),
            admin_token: text(),
            latchkey: "/x".into(),
            tls_ca: None,
            replicas: Replicas::default(),
        };
        let published = record.publish(&path).unwrap();
        let document: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let names: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
        let promised = [
            "admin_login",
            "admin_token",
            "grpc_auth",
            "grpc_catalog",
            "http",
            "latchkey",
            "nats",
            "postgres",
            "replicas",
            "tls_ca",
        ];
        assert_eq!(names, promised);
        assert_eq!(Record::read(&path).unwrap().admin_login, "x");
        drop(published);
        assert!(!path.exists());
    }
}
