//! The keys of the log: who may write signs with Ed25519, and every reader verifies.
//!
//! A key's id is taken from its public half, so two files can never disagree about it. A ring says of each key whose it
//! is, and a signature counts only below what that writer may say.

mod ring_file;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, RwLock},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use proto::event::v1::Envelope;
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::{Writer, subject::hex, writer};
use ring_file::Entry;

const PEM_HEAD: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_TAIL: &str = "-----END PRIVATE KEY-----";
const PUBLIC_KEY_BYTES: usize = 32;

/// Why a key file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Not a private key.
    #[error("not an Ed25519 signing key: expected PKCS#8 as PEM or base64 ({0})")]
    Signer(String),
    /// Not a ring of public keys.
    #[error(
        "not a key ring: expected JSON {{key id: {{\"key\": base64 of 32 bytes, \"writers\": [service]}}}} ({0})"
    )]
    Keyring(String),
    /// A file that cannot be read.
    #[error("cannot be read")]
    File(#[source] std::io::Error),
}

/// Why a signature does not count. The label of the metric.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Distrust {
    #[error("key {0} is not in the ring")]
    UnknownKey(String),
    #[error("it does not match what key {0} would have signed")]
    Signature(String),
    #[error("key {0} is {1}'s, which may not say this there")]
    NotAllowed(String, String),
}

impl Distrust {
    pub(crate) const fn label(&self) -> &'static str {
        match self {
            Self::UnknownKey(_) => "unknown_key",
            Self::Signature(_) => "signature",
            Self::NotAllowed(..) => "not_allowed",
        }
    }
}

/// The private key of one writer.
pub struct Signer {
    id: String,
    pair: Ed25519KeyPair,
}

/// A fresh key: the private half for a file of mode 0600, the public half for every reader's ring.
pub struct Generated {
    /// PKCS#8 as PEM; secret.
    pub private_pem: String,
    /// The public half, alone in a ring, believed whatever it says: for a log with one writer.
    pub keyring: Keyring,
}

/// Makes a fresh key from the system's randomness.
pub fn generate() -> Generated {
    let document =
        Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).expect("the system has randomness");
    let private_pem = format!("{PEM_HEAD}\n{}\n{PEM_TAIL}\n", STANDARD.encode(&document));
    let signer = Signer::parse(&private_pem).expect("the key was made in this format");
    Generated { private_pem, keyring: signer.trusted_as(&Writer::ALL) }
}

impl Signer {
    /// Reads PKCS#8, as PEM or as bare base64.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let base64: String = text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(base64).map_err(|error| KeyError::Signer(error.to_string()))?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der)
            .map_err(|error| KeyError::Signer(error.to_string()))?;
        Ok(Self { id: key_id(pair.public_key().as_ref()), pair })
    }

    /// The id that messages carry.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A ring that holds this key's public half alone, as the key of these writers.
    pub fn trusted_as(&self, writers: &[Writer]) -> Keyring {
        let public = self.pair.public_key().as_ref().to_vec();
        let entry = Entry { public, writers: writers.iter().copied().collect() };
        Keyring::of(BTreeMap::from([(self.id.clone(), entry)]))
    }

    pub(crate) fn sign(&self, text: &[u8]) -> Vec<u8> {
        self.pair.sign(text).as_ref().to_vec()
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.id)
    }
}

/// The public keys whose signatures a reader takes, by their ids. Clones are the same ring.
#[derive(Debug, Clone, Default)]
pub struct Keyring {
    keys: Arc<RwLock<BTreeMap<String, Entry>>>,
    /// Where it was read, to be read again when a key is not in it: whoever rotates adds a key before it signs.
    file: Option<PathBuf>,
}

impl PartialEq for Keyring {
    fn eq(&self, other: &Self) -> bool {
        self.entries() == other.entries()
    }
}

impl Keyring {
    fn of(keys: BTreeMap<String, Entry>) -> Self {
        Self { keys: Arc::new(RwLock::new(keys)), file: None }
    }

    fn entries(&self) -> BTreeMap<String, Entry> {
        self.keys.read().expect("no holder of this lock panics").clone()
    }

    /// Both rings' keys; a key in both is each one's writers'.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        let mut keys = self.entries();
        for (id, entry) in other.entries() {
            keys.entry(id)
                .or_insert_with(|| Entry { writers: BTreeSet::new(), ..entry.clone() })
                .writers
                .extend(entry.writers);
        }
        Self::of(keys)
    }

    /// The ids of its keys with their writers.
    pub fn ids(&self) -> Vec<(String, Vec<Writer>)> {
        self.entries().into_iter().map(|(id, entry)| (id, entry.writers.into_iter().collect())).collect()
    }

    fn entry(&self, id: &str) -> Option<Entry> {
        let known = || self.keys.read().expect("no holder of this lock panics").get(id).cloned();
        known().or_else(|| {
            self.read_again();
            known()
        })
    }

    /// Whether the key has signed the text, and may have.
    pub(crate) fn verify(&self, id: &str, text: &[u8], signature: &[u8]) -> Result<Trusted, Distrust> {
        let entry = self.entry(id).ok_or_else(|| Distrust::UnknownKey(id.to_owned()))?;
        let verified = UnparsedPublicKey::new(&ED25519, &entry.public).verify(text, signature);
        // ring says no more than that it does not match.
        verified.map_err(|_unspecified| Distrust::Signature(id.to_owned()))?;
        Ok(Trusted { id: id.to_owned(), writers: entry.writers })
    }
}

/// A key whose signature matches.
#[derive(Debug)]
pub(crate) struct Trusted {
    id: String,
    writers: BTreeSet<Writer>,
}

impl Trusted {
    /// Whether it is this writer's.
    pub(crate) fn is(&self, writer: Writer) -> bool {
        self.writers.contains(&writer)
    }

    /// Whether the key's writers may say this there.
    pub(crate) fn may_sign(&self, subject: &str, envelope: &Envelope) -> Result<(), Distrust> {
        if writer::may_sign(&self.writers, subject, envelope) {
            return Ok(());
        }
        let writers: Vec<&str> = self.writers.iter().map(|writer| writer.as_str()).collect();
        Err(Distrust::NotAllowed(self.id.clone(), writers.join(" and ")))
    }
}

/// The first 16 hex digits of the public key's SHA-256.
fn key_id(public: &[u8]) -> String {
    let mut id = hex(ring::digest::digest(&ring::digest::SHA256, public).as_ref());
    id.truncate(16);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_signs_what_its_ring_verifies() {
        let generated = generate();
        let signer = Signer::parse(&generated.private_pem).unwrap();
        let signature = signer.sign(b"text");
        let ring = Keyring::parse(&generated.keyring.to_json()).unwrap();
        assert_eq!(ring, generated.keyring);
        ring.verify(signer.id(), b"text", &signature).unwrap();
        ring.verify(signer.id(), b"Text", &signature).unwrap_err();
        let other = generate().keyring;
        let unknown = other.verify(signer.id(), b"text", &signature).unwrap_err();
        assert_eq!(unknown.to_string(), format!("key {} is not in the ring", signer.id()));
        other.and(&ring).verify(signer.id(), b"text", &signature).unwrap();
    }

    #[test]
    fn a_key_is_read_as_bare_base64_too() {
        let generated = generate();
        let bare: String = generated.private_pem.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(Signer::parse(&bare).unwrap().id(), Signer::parse(&generated.private_pem).unwrap().id());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "!", "AAAA"] {
            Signer::parse(text).unwrap_err();
        }
        let json = generate().keyring.to_json();
        let renamed = json.replacen(|c: char| c.is_ascii_hexdigit(), "x", 1);
        let nobodys = json.replace("\"auth\"", "\"gateway\"");
        for text in ["", "[]", "{\"id\": \"AAAA\"}", &renamed, &nobodys] {
            Keyring::parse(text).unwrap_err();
        }
    }

    #[test]
    fn a_key_that_comes_later_is_found_in_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ring.json");
        let (old, new) = (generate(), generate());
        std::fs::write(&path, old.keyring.to_json()).unwrap();
        let ring = Keyring::read(&path).unwrap();
        let signer = Signer::parse(&new.private_pem).unwrap();
        let signature = signer.sign(b"text");
        let clone = ring.clone();
        std::fs::write(&path, old.keyring.clone().and(&new.keyring).to_json()).unwrap();
        ring.verify(signer.id(), b"text", &signature).unwrap();
        assert_eq!(clone.ids().len(), 2, "clones are the same ring");
        // A file that cannot be read any more takes nothing away.
        std::fs::write(&path, "torn").unwrap();
        assert!(matches!(ring.verify("0", b"text", &signature), Err(Distrust::UnknownKey(_))));
        ring.verify(signer.id(), b"text", &signature).unwrap();
    }

    #[test]
    fn a_key_of_two_rings_is_both_writers() {
        let signer = Signer::parse(&generate().private_pem).unwrap();
        let both = signer.trusted_as(&[Writer::Auth]).and(&signer.trusted_as(&[Writer::Catalog]));
        assert_eq!(both.ids(), [(signer.id().to_owned(), vec![Writer::Auth, Writer::Catalog])]);
    }

    #[test]
    fn a_signer_shows_nothing_of_its_key() {
        let signer = Signer::parse(&generate().private_pem).unwrap();
        assert_eq!(format!("{signer:?}"), format!("Signer({})", signer.id()));
    }
}
