//! The keys of the log: who may write signs with Ed25519, and every reader verifies.
//!
//! A key's id is taken from its public half, so two files can never disagree about it.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};

use crate::subject::hex;

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
    #[error("not a key ring: expected JSON {{key id: base64 of 32 bytes}} ({0})")]
    Keyring(String),
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
    /// The public half, alone in a ring.
    pub keyring: Keyring,
}

/// Makes a fresh key from the system's randomness.
pub fn generate() -> Generated {
    let document =
        Ed25519KeyPair::generate_pkcs8(&ring::rand::SystemRandom::new()).expect("the system has randomness");
    let private_pem = format!("{PEM_HEAD}\n{}\n{PEM_TAIL}\n", STANDARD.encode(&document));
    let signer = Signer::parse(&private_pem).expect("the key was made in this format");
    Generated { private_pem, keyring: signer.keyring() }
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

    /// A ring that holds this key's public half alone.
    pub fn keyring(&self) -> Keyring {
        Keyring::default().with(self.pair.public_key().as_ref())
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

/// The public keys whose signatures a reader takes, by their ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keyring(BTreeMap<String, Vec<u8>>);

impl Keyring {
    /// Reads JSON `{key id: base64 of the public key}`.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        let texts: BTreeMap<String, String> =
            serde_json::from_str(json).map_err(|error| KeyError::Keyring(error.to_string()))?;
        let mut ring = Self::default();
        for (id, text) in texts {
            let public = STANDARD.decode(text).map_err(|error| KeyError::Keyring(error.to_string()))?;
            if public.len() != PUBLIC_KEY_BYTES || key_id(&public) != id {
                return Err(KeyError::Keyring(format!("{id} is not the id of its key")));
            }
            ring.0.insert(id, public);
        }
        Ok(ring)
    }

    /// The same as [`Keyring::parse`] reads.
    pub fn to_json(&self) -> String {
        let texts: BTreeMap<&str, String> =
            self.0.iter().map(|(id, public)| (id.as_str(), STANDARD.encode(public))).collect();
        serde_json::to_string_pretty(&texts).expect("strings are JSON")
    }

    /// Both rings' keys.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    fn with(mut self, public: &[u8]) -> Self {
        self.0.insert(key_id(public), public.to_vec());
        self
    }

    pub(crate) fn verify(&self, id: &str, text: &[u8], signature: &[u8]) -> Result<(), String> {
        let public = self.0.get(id).ok_or_else(|| format!("key {id} is not in the ring"))?;
        UnparsedPublicKey::new(&ED25519, public)
            .verify(text, signature)
            .map_err(|error| format!("signed by key {id}: {error}"))
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
        assert_eq!(unknown, format!("key {} is not in the ring", signer.id()));
        other.and(ring).verify(signer.id(), b"text", &signature).unwrap();
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
        for text in ["", "[]", "{\"id\": \"AAAA\"}", &renamed] {
            Keyring::parse(text).unwrap_err();
        }
    }

    #[test]
    fn a_signer_shows_nothing_of_its_key() {
        let signer = Signer::parse(&generate().private_pem).unwrap();
        assert_eq!(format!("{signer:?}"), format!("Signer({})", signer.id()));
    }
}
