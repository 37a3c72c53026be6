//! Keys and credentials of the four services, made once and kept in files of mode 0600.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use access::{SecretHash, Service, token_string};
use anyhow::Context as _;
use eventlog::{Writer, keys};
use runtime::{Ambient, Secret};

use servers::NatsUser;

use super::folder::write_private;

const SERVICES: [Service; 4] = [Service::Auth, Service::Catalog, Service::Gateway, Service::Projector];

/// The services that append to the log, each with a key of its own.
const WRITERS: [(Service, Writer); 3] = [
    (Service::Auth, Writer::Auth),
    (Service::Catalog, Writer::Catalog),
    (Service::Projector, Writer::Projector),
];

/// Who signs in to Postgres, each as the role of its name.
pub(super) const DATABASE_ROLES: [Service; 3] = [Service::Projector, Service::Gateway, Service::Auth];

/// Where each secret lies. Keys and credentials exist; addresses and what stands in them are written by the set-up.
#[derive(Debug, Clone)]
pub struct Secrets {
    dir: PathBuf,
}

impl Secrets {
    /// Makes what is missing. What many read of few, the ring and the list of services, is written again each time.
    pub fn ensure(dir: &Path, ambient: &Ambient) -> anyhow::Result<Self> {
        let secrets = Self { dir: dir.to_owned() };
        let mut services = BTreeMap::new();
        for service in SERVICES {
            let credential = ensure(&secrets.credential(service), || service_credential(ambient))?;
            services.insert(service.as_str(), hex::encode(SecretHash::of(credential.expose()).0));
        }
        // Keys that have signed before stay believed.
        let mut ring = match secrets.keyring().exists() {
            true => keys::Keyring::read(&secrets.keyring()).with_context(|| {
                let path = secrets.keyring();
                format!("{}: if no key was ever rotated, delete it, and it is made anew", path.display())
            })?,
            false => keys::Keyring::default(),
        };
        let services_keys = WRITERS.map(|(service, writer)| (secrets.signing_key(service), writer));
        for (path, writer) in services_keys.into_iter().chain([(secrets.operator_key(), Writer::Operator)]) {
            if !path.exists() {
                write_private(&path, &keys::generate().private_pem)
                    .with_context(|| said("writing", &path))?;
            }
            let text = std::fs::read_to_string(&path).with_context(|| said("reading", &path))?;
            let signer = keys::Signer::parse(&text).with_context(|| said("reading", &path))?;
            ring = ring.and(&signer.trusted_as(&[writer]));
        }
        write_private(&secrets.keyring(), &ring.to_json()).context("writing the key ring")?;
        let services = serde_json::to_string_pretty(&services).expect("strings are JSON");
        write_private(&secrets.services(), &services).context("writing the list of services")?;
        Ok(secrets)
    }

    /// A service's own credential.
    pub fn credential(&self, service: Service) -> PathBuf {
        self.dir.join(format!("{}.credential", service.as_str()))
    }

    /// A writer's signing key.
    pub fn signing_key(&self, service: Service) -> PathBuf {
        self.dir.join(format!("{}.key", service.as_str()))
    }

    /// The key of who puts back what the log has lost; no service reads it.
    pub fn operator_key(&self) -> PathBuf {
        self.dir.join("operator.key")
    }

    /// The public halves of all signing keys.
    pub fn keyring(&self) -> PathBuf {
        self.dir.join("keyring.json")
    }

    /// The hashes of all services' credentials.
    pub fn services(&self) -> PathBuf {
        self.dir.join("services.json")
    }

    /// The address of NATS with a user's credential.
    pub fn nats_url(&self, user: NatsUser) -> PathBuf {
        self.dir.join(format!("{}.nats-url", user.as_str()))
    }

    /// The address of Postgres with the credential of a service's role.
    pub fn database_url(&self, service: Service) -> PathBuf {
        self.dir.join(format!("{}.database-url", service.as_str()))
    }

    /// The password of a service's role in Postgres, made at the first start.
    pub(super) fn database_password(&self, service: Service, ambient: &Ambient) -> anyhow::Result<Secret> {
        ensure(&self.dir.join(format!("{}.database-password", service.as_str())), || password(ambient))
    }

    /// What stands in one of the files.
    pub(super) fn read(path: &Path) -> anyhow::Result<String> {
        Ok(Secret::read(path).with_context(|| said("reading", path))?.expose().to_owned())
    }

    /// The first account's password as it was made at the first start.
    pub fn first_password(&self, ambient: &Ambient) -> anyhow::Result<Secret> {
        ensure(&self.admin_password(), || password(ambient))
    }

    /// Where the first account's password is kept.
    pub fn admin_password(&self) -> PathBuf {
        self.dir.join("admin-password")
    }

    /// Where the first account's session for scripts is kept.
    pub fn admin_token(&self) -> PathBuf {
        self.dir.join("admin-token")
    }
}

fn ensure(path: &Path, make: impl FnOnce() -> String) -> anyhow::Result<Secret> {
    if !path.exists() {
        write_private(path, &make()).with_context(|| said("writing", path))?;
    }
    Secret::read(path).with_context(|| said("reading", path))
}

fn service_credential(ambient: &Ambient) -> String {
    let mut random = [0; token_string::RANDOM_BYTES];
    ambient.ids.fill(&mut random);
    token_string::mint(token_string::Kind::Service, random)
}

/// 120 random bits in groups that can be typed from a screen.
pub(super) fn password(ambient: &Ambient) -> String {
    // 32 letters and digits, without those that look alike.
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0; 24];
    ambient.ids.fill(&mut random);
    let letters: Vec<char> = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    letters.chunks(6).map(String::from_iter).collect::<Vec<_>>().join("-")
}

fn said(deed: &str, path: &Path) -> String {
    format!("{deed} {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_start_finds_the_same_secrets() {
        let dir = tempfile::tempdir().unwrap();
        let ambient = Ambient::system();
        let read = |secrets: &Secrets| {
            let paths = [
                secrets.credential(Service::Gateway),
                secrets.signing_key(Service::Auth),
                secrets.keyring(),
                secrets.services(),
            ];
            paths.map(|path| std::fs::read_to_string(path).unwrap())
        };
        let first = read(&Secrets::ensure(dir.path(), &ambient).unwrap());
        let second = read(&Secrets::ensure(dir.path(), &ambient).unwrap());
        assert_eq!(first, second);
        assert_eq!(token_string::check(&first[0]), Some(token_string::Kind::Service));
    }

    #[test]
    fn the_first_password_stays_as_it_was_made() {
        let dir = tempfile::tempdir().unwrap();
        let ambient = Ambient::system();
        let secrets = Secrets::ensure(dir.path(), &ambient).unwrap();
        let password = secrets.first_password(&ambient).unwrap();
        assert_eq!(password.expose().len(), 27);
        assert!(secrets.first_password(&ambient).unwrap() == password);
    }
}
