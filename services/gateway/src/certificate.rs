//! The certificate that HTTPS is served with: read from two files, and read again when they change.
//!
//! Connections that are open keep the one they began with. Files that cannot be used, a renewal half written, change
//! nothing: the last good certificate stays.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::Context as _;
use runtime::Drain;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerConfig};
use rustls::sign::CertifiedKey;
use zeroize::Zeroizing;

use crate::limits::CERTIFICATE_CHECK;

/// HTTP/2 first (RFC 9113, section 3.2), HTTP/1.1 for everybody else (RFC 7301).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Where the certificate is.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    /// PEM: the server's own certificate first, then those between it and the root.
    pub(crate) certificate: PathBuf,
    /// PEM: PKCS#8, PKCS#1 or SEC1.
    pub(crate) key: PathBuf,
}

/// What both files held. Compared to see a change, never printed.
#[derive(PartialEq, Eq)]
struct Held {
    certificate: Vec<u8>,
    key: Zeroizing<Vec<u8>>,
}

impl Files {
    fn read(&self) -> anyhow::Result<Held> {
        let read =
            |path: &PathBuf| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
        Ok(Held { certificate: read(&self.certificate)?, key: read(&self.key)?.into() })
    }

    /// Both, if they belong together.
    fn parse(&self, held: &Held, provider: &CryptoProvider) -> anyhow::Result<CertifiedKey> {
        let no_certificate = || format!("{} holds no certificate in PEM", self.certificate.display());
        let chain: Vec<_> = CertificateDer::pem_slice_iter(&held.certificate)
            .collect::<Result<_, _>>()
            .with_context(no_certificate)?;
        anyhow::ensure!(!chain.is_empty(), no_certificate());
        let key = PrivateKeyDer::from_pem_slice(&held.key)
            .with_context(|| format!("{} holds no private key in PEM", self.key.display()))?;
        let unfit =
            || format!("{} and {} do not belong together", self.certificate.display(), self.key.display());
        CertifiedKey::from_der(chain, key, provider).with_context(unfit)
    }
}

/// The certificate in use.
pub(crate) struct Certificate {
    files: Files,
    provider: Arc<CryptoProvider>,
    current: RwLock<Current>,
}

struct Current {
    held: Held,
    key: Arc<CertifiedKey>,
}

impl Certificate {
    /// Reads it for the first time.
    pub(crate) fn open(files: Files) -> anyhow::Result<Arc<Self>> {
        let provider = Arc::new(ring::default_provider());
        let held = files.read()?;
        let key = Arc::new(files.parse(&held, &provider)?);
        Ok(Arc::new(Self { files, provider, current: RwLock::new(Current { held, key }) }))
    }

    /// Reads the files again. Whether another certificate is in use now.
    fn renew(&self) -> anyhow::Result<bool> {
        let held = self.files.read()?;
        if held == self.current.read().unwrap_or_else(PoisonError::into_inner).held {
            return Ok(false);
        }
        let key = Arc::new(self.files.parse(&held, &self.provider)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Current { held, key };
        Ok(true)
    }

    /// Looks at the files now and then, until the drain.
    pub(crate) async fn follow(self: Arc<Self>, drain: Drain) {
        let mut turns = tokio::time::interval(CERTIFICATE_CHECK);
        loop {
            tokio::select! {
                _ = turns.tick() => {}
                () = drain.requested() => return,
            }
            let own = self.clone();
            match tokio::task::spawn_blocking(move || own.renew()).await {
                Ok(Ok(true)) => tracing::info!("the certificate was renewed"),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(error = format!("{error:#}"), "the new certificate cannot be used")
                }
                Err(error) => tracing::warn!(%error, "looking for a new certificate broke off"),
            }
        }
    }

    /// What a TLS listener needs: TLS 1.2 and 1.3, HTTP/2 and HTTP/1.1.
    pub(crate) fn server_config(self: Arc<Self>) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()
            .expect("ring has ciphers for both versions")
            .with_no_client_auth()
            .with_cert_resolver(self);
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Arc::new(config)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.read().unwrap_or_else(PoisonError::into_inner).key.clone())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate").field(&self.files).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(files: &Files, name: &str) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        std::fs::write(&files.certificate, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    }

    fn in_use(certificate: &Certificate) -> Vec<u8> {
        certificate.current.read().unwrap().key.end_entity_cert().unwrap().to_vec()
    }

    #[test]
    fn a_renewed_certificate_is_used_and_a_half_written_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
        assert!(Certificate::open(files.clone()).is_err());
        write(&files, "a.test");
        let certificate = Certificate::open(files.clone()).unwrap();
        assert!(!certificate.renew().unwrap());
        let first = in_use(&certificate);

        let key = std::fs::read(&files.key).unwrap();
        write(&files, "b.test");
        let newer = std::fs::read(&files.key).unwrap();
        std::fs::write(&files.key, key).unwrap();
        let error = format!("{:#}", certificate.renew().unwrap_err());
        assert!(error.contains("do not belong together"), "{error}");
        std::fs::write(&files.key, "").unwrap();
        assert!(certificate.renew().is_err());
        assert_eq!(in_use(&certificate), first);

        std::fs::write(&files.key, newer).unwrap();
        assert!(certificate.renew().unwrap());
        assert_ne!(in_use(&certificate), first);
    }

    #[test]
    fn neither_key_nor_certificate_is_printed() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files { certificate: folder.path().join("c"), key: folder.path().join("k") };
        write(&files, "a.test");
        let printed = format!("{:?}", Certificate::open(files).unwrap());
        assert!(!printed.contains("PRIVATE") && printed.len() < 300, "{printed}");
    }
}
