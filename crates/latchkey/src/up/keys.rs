//! The keys that sign the log: listed, and replaced one at a time.
//!
//! A new key is in the ring before it signs, and an old one stays there for what it signed.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use eventlog::Writer;
use eventlog::keys::{self, Keyring, Signer};
use serde_json::json;

use super::folder::write_private;
use crate::failed::Failed;
use crate::verb::Context;

/// `latchkey keys`
#[derive(Debug, Subcommand)]
pub enum Keys {
    /// List the keys whose signatures are believed, and which of them sign
    List(Place),
    /// Give a service a new signing key; the old one stays believed for what it signed
    Rotate {
        /// Whose key: auth, catalog, projector or operator
        service: Writer,
        /// Where the keys are.
        #[command(flatten)]
        place: Place,
    },
}

/// Where the keys are.
#[derive(Debug, Args)]
pub struct Place {
    /// Folder of `latchkey up`
    #[arg(long, value_name = "DIR", default_value = ".latchkey", conflicts_with = "cluster")]
    data: PathBuf,
    /// Folder that `latchkey secrets` has made for a cluster
    #[arg(long, value_name = "DIR")]
    cluster: Option<PathBuf>,
}

impl Place {
    fn ring(&self) -> PathBuf {
        match &self.cluster {
            Some(cluster) => cluster.join("latchkey-cluster/keyring.json"),
            None => self.data.join("secrets/keyring.json"),
        }
    }

    fn key(&self, writer: Writer) -> PathBuf {
        match &self.cluster {
            Some(cluster) => cluster.join(format!("latchkey-{writer}/signing.key")),
            None => self.data.join(format!("secrets/{writer}.key")),
        }
    }
}

impl Keys {
    pub(crate) fn run(self, context: &Context) -> Result<(), Failed> {
        match self {
            Self::List(place) => list(context, &place)?,
            Self::Rotate { service, place } => {
                let (old, new) = rotate(&place.ring(), &place.key(service), service)?;
                context.output.line(format!(
                    "{service} signs with key {new} from its next start on; {old} stays believed"
                ));
                next(&place, service).iter().for_each(|line| context.output.line(line));
                context.output.document(&json!({ "service": service.as_str(), "old": old, "new": new }));
            }
        }
        Ok(())
    }
}

/// What is to be done before the new key signs.
fn next(place: &Place, service: Writer) -> Vec<String> {
    match &place.cluster {
        _ if service == Writer::Operator => {
            vec!["replace the ring where it is used before the key is".into()]
        }
        None => vec!["stop `latchkey up` and start it again".into()],
        Some(_) => vec![
            "in this order:".into(),
            "  1. replace the secret latchkey-cluster, and wait two minutes: every pod has the new ring then"
                .into(),
            format!("  2. replace the secret latchkey-{service}, and restart the deployment {service}"),
        ],
    }
}

fn list(context: &Context, place: &Place) -> anyhow::Result<()> {
    let ring = read_ring(&place.ring())?;
    let signing =
        Writer::ALL.map(|writer| read_key(&place.key(writer)).ok().map(|signer| signer.id().to_owned()));
    let mut rows = Vec::new();
    for (id, writers) in ring.ids() {
        let names: Vec<&str> = writers.iter().map(|writer| writer.as_str()).collect();
        let signs = signing.iter().flatten().any(|signing| *signing == id);
        let what = if signs { "signs" } else { "believed for what it signed" };
        context.output.line(format!("{id}  {:<10} {what}", names.join(",")));
        rows.push(json!({ "id": id, "writers": names, "signs": signs }));
    }
    context.output.document(&json!({ "keys": rows }));
    Ok(())
}

/// Makes a new key: first into the ring, then into the file of who signs. Returns the ids of the old and the new one.
pub fn rotate(ring: &Path, key: &Path, writer: Writer) -> anyhow::Result<(String, String)> {
    let old = read_key(key)?;
    let generated = keys::generate();
    let new = Signer::parse(&generated.private_pem).context("a key just made")?;
    let both = read_ring(ring)?.and(&old.trusted_as(&[writer])).and(&new.trusted_as(&[writer]));
    write_private(ring, &both.to_json()).with_context(|| format!("writing {}", ring.display()))?;
    write_private(key, &generated.private_pem).with_context(|| format!("writing {}", key.display()))?;
    Ok((old.id().to_owned(), new.id().to_owned()))
}

fn read_ring(path: &Path) -> anyhow::Result<Keyring> {
    Keyring::read(path).with_context(|| format!("reading the key ring {}", path.display()))
}

fn read_key(path: &Path) -> anyhow::Result<Signer> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    Signer::parse(&text).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use runtime::Ambient;

    use super::*;
    use crate::up::secrets::Secrets;

    #[test]
    fn a_new_key_is_believed_before_it_signs_and_the_old_one_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("secrets");
        std::fs::create_dir(&folder).unwrap();
        let secrets = Secrets::ensure(&folder, &Ambient::system()).unwrap();
        let place = Place { data: dir.path().to_owned(), cluster: None };
        let running = Keyring::read(&secrets.keyring()).unwrap();
        assert_eq!(running.ids().len(), Writer::ALL.len());

        let (old, new) = rotate(&place.ring(), &place.key(Writer::Auth), Writer::Auth).unwrap();
        assert_ne!(old, new);
        assert_eq!(read_key(&place.key(Writer::Auth)).unwrap().id(), new);
        let ring = read_ring(&place.ring()).unwrap();
        for id in [&old, &new] {
            assert!(ring.ids().contains(&(id.clone(), vec![Writer::Auth])), "{id}");
        }
        for path in [place.ring(), place.key(Writer::Auth)] {
            assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        // The next start keeps what was rotated.
        Secrets::ensure(&folder, &Ambient::system()).unwrap();
        assert_eq!(read_ring(&place.ring()).unwrap(), ring);
    }
}
