//! The secrets of a cluster, made once as files: a folder for each Kubernetes secret, a file for each of its keys.

mod certificates;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use access::Service;
use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use servers::NatsUser;

use super::folder::write_private;
use super::secrets::{DATABASE_ROLES, Secrets, password};
use crate::failed::{Exit, Failed};
use crate::verb::Context;

/// Who signs in to Postgres as whom; the set-up makes what the projector will own.
const DATABASE_USERS: [(&str, &str); 4] =
    [("projector", "projector"), ("setup", "projector"), ("gateway", "gateway"), ("auth", "auth")];

/// Who calls others by gRPC, or is called.
const CALLED: [Service; 3] = [Service::Auth, Service::Catalog, Service::Gateway];

/// `latchkey secrets`
#[derive(Debug, Args)]
pub struct Options {
    /// Folder to make; it must not be there yet
    dir: PathBuf,
    /// Only make new certificates between the services, in a folder made before
    #[arg(long)]
    certificates: bool,
    /// Host, and port if it is not 4222, of NATS in the cluster
    #[arg(long, default_value = "nats")]
    nats: String,
    /// Host, and port if it is not 5432, of Postgres in the cluster
    #[arg(long, default_value = "postgres")]
    postgres: String,
}

impl Options {
    /// Makes all of them or says why not.
    pub(crate) fn run(&self, context: &Context) -> Result<(), Failed> {
        if self.certificates {
            return self.renew(context);
        }
        if self.dir.exists() {
            let taken = format!("{} is there already", self.dir.display());
            return Err(
                Failed::new(Exit::Conflict, taken).hint("name a new folder: old secrets are not overwritten")
            );
        }
        self.make(context)?;
        let dir = self.dir.display();
        context.output.line(format!("made {dir}; put it into the cluster with:"));
        context.output.line(format!(
            "  for s in {dir}/*; do kubectl -n latchkey create secret generic ${{s##*/}} --from-file=$s; done"
        ));
        context.output.line("then keep a copy where you keep secrets, and delete the folder");
        context.output.document(&json!({ "dir": self.dir }));
        Ok(())
    }

    fn renew(&self, context: &Context) -> Result<(), Failed> {
        self.certify(context)?;
        let names = CALLED.map(Service::as_str).join(", latchkey-");
        context.output.line(format!(
            "new certificates are in {}; replace the secrets latchkey-{names}",
            self.dir.display()
        ));
        context.output.line("services read them by themselves within two minutes");
        context.output.document(&json!({ "dir": self.dir }));
        Ok(())
    }

    /// The services' certificates, under the authority that the folder has, or gets.
    fn certify(&self, context: &Context) -> anyhow::Result<()> {
        let (now, key) = (context.ambient.clock.now(), self.dir.join("latchkey-operator/ca.key"));
        if !key.exists() {
            anyhow::ensure!(!self.certificates, "there is no {}: it is needed to sign", key.display());
            let authority = certificates::authority(now)?;
            self.write("cluster", "ca.crt", &authority.certificate)?;
            self.write("operator", "ca.key", &authority.key)?;
        }
        let key = fs::read_to_string(&key).with_context(|| format!("reading {}", key.display()))?;
        for service in CALLED {
            let made = certificates::service(&key, service.as_str(), now)?;
            self.write(service.as_str(), "tls.key", &made.key)?;
            self.write(service.as_str(), "tls.crt", &made.certificate)?;
        }
        Ok(())
    }

    fn make(&self, context: &Context) -> anyhow::Result<()> {
        let secrets = Secrets::ensure(&self.folder("made")?, &context.ambient)?;
        for service in [Service::Auth, Service::Catalog, Service::Projector] {
            self.take(&secrets.signing_key(service), service.as_str(), "signing.key")?;
        }
        self.take(&secrets.operator_key(), "operator", "signing.key")?;
        for service in [Service::Catalog, Service::Gateway] {
            self.take(&secrets.credential(service), service.as_str(), "credential")?;
        }
        self.take(&secrets.keyring(), "cluster", "keyring.json")?;
        self.take(&secrets.services(), "cluster", "services.json")?;
        self.write("auth", "bootstrap-password", &password(&context.ambient))?;

        self.certify(context)?;

        let mut passwords = String::new();
        for user in NatsUser::ALL.map(NatsUser::as_str) {
            let secret = password(&context.ambient);
            passwords += &format!("{}_PASSWORD: \"{secret}\"\n", user.to_uppercase());
            self.write(user, "nats-url", &format!("nats://{user}:{secret}@{}", self.nats))?;
        }
        self.write("nats", "passwords.conf", &passwords)?;

        let roles: BTreeMap<&str, String> =
            DATABASE_ROLES.into_iter().map(|role| (role.as_str(), password(&context.ambient))).collect();
        for (service, user) in DATABASE_USERS {
            let address = format!("postgres://{user}:{}@{}/latchkey", roles[user], self.postgres);
            self.write(service, "database-url", &address)?;
        }
        self.write("postgres", "password", &password(&context.ambient))?;
        for (role, secret) in &roles {
            self.write("postgres", &format!("{role}-password"), secret)?;
        }
        // What is left are credentials of services that call nobody.
        fs::remove_dir_all(self.dir.join("made")).context("removing what is not needed")
    }

    fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.dir.join(name);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("making {}", folder.display()))?;
        Ok(folder)
    }

    fn take(&self, from: &Path, secret: &str, key: &str) -> anyhow::Result<()> {
        let to = self.folder(&format!("latchkey-{secret}"))?.join(key);
        fs::rename(from, &to).with_context(|| format!("writing {}", to.display()))
    }

    fn write(&self, secret: &str, key: &str, text: &str) -> anyhow::Result<()> {
        let to = self.folder(&format!("latchkey-{secret}"))?.join(key);
        write_private(&to, text).with_context(|| format!("writing {}", to.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// If this fails after a change: deploy/k8s/README.md lists the same secrets and keys.
    #[test]
    fn every_secret_that_the_manifests_mount_is_made_once() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("secrets");
        let mut options =
            Options { dir: dir.clone(), certificates: false, nats: "nats".into(), postgres: "db".into() };
        let context = Context::new(crate::args::Global::default());
        options.run(&context).unwrap();
        let mut found = Vec::new();
        for secret in fs::read_dir(&dir).unwrap() {
            let secret = secret.unwrap();
            for key in fs::read_dir(secret.path()).unwrap() {
                let names = [secret.file_name(), key.unwrap().file_name()];
                found.push(names.map(|name| name.into_string().unwrap()).join("/"));
            }
        }
        found.sort();
        let expected = "latchkey-auth/bootstrap-password latchkey-auth/database-url latchkey-auth/nats-url \
            latchkey-auth/signing.key latchkey-auth/tls.crt latchkey-auth/tls.key \
            latchkey-catalog/credential latchkey-catalog/nats-url latchkey-catalog/signing.key \
            latchkey-catalog/tls.crt latchkey-catalog/tls.key latchkey-cluster/ca.crt \
            latchkey-cluster/keyring.json latchkey-cluster/services.json \
            latchkey-gateway/credential latchkey-gateway/database-url latchkey-gateway/nats-url \
            latchkey-gateway/tls.crt latchkey-gateway/tls.key \
            latchkey-nats/passwords.conf latchkey-operator/ca.key latchkey-operator/nats-url latchkey-operator/signing.key \
            latchkey-postgres/auth-password latchkey-postgres/gateway-password latchkey-postgres/password \
            latchkey-postgres/projector-password \
            latchkey-projector/database-url latchkey-projector/nats-url latchkey-projector/signing.key \
            latchkey-setup/database-url latchkey-setup/nats-url";
        assert_eq!(found.join(" "), expected.split_whitespace().collect::<Vec<_>>().join(" "));
        let url = fs::read_to_string(dir.join("latchkey-gateway/database-url")).unwrap();
        let password = fs::read_to_string(dir.join("latchkey-postgres/gateway-password")).unwrap();
        assert_eq!(url, format!("postgres://gateway:{password}@db/latchkey"));
        assert_eq!(options.run(&context).unwrap_err().exit, Exit::Conflict);

        let tls = |service: &str| {
            let files = ["tls.crt", "tls.key"].map(|key| dir.join(format!("latchkey-{service}")).join(key));
            runtime::grpc::Tls::open(&files[0], &files[1], &dir.join("latchkey-cluster/ca.crt")).unwrap();
            fs::read(&files[0]).unwrap()
        };
        let before = ["auth", "catalog", "gateway"].map(tls);
        options.certificates = true;
        options.run(&context).unwrap();
        assert!(before.iter().zip(["auth", "catalog", "gateway"].map(tls)).all(|(old, new)| *old != new));
    }
}
