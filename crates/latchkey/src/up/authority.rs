//! The certificate authority of one data folder, for `latchkey up --tls`: made once, so that whoever trusts it need not
//! do so again, and the server's certificate under it, made anew before it ends.
//!
//! `ca.pem` is for everybody; the keys are for the folder's owner alone.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration as StdDuration;

use anyhow::Context as _;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

use super::folder::write_private;

/// Ten years: whoever trusts it does so by hand.
const AUTHORITY_LIFE: Duration = Duration::days(3650);

/// Platforms refuse server certificates that live for more than 398 days.
const CERTIFICATE_LIFE: Duration = Duration::days(90);

/// A certificate that ends sooner is made anew.
const RENEWED_BEFORE: Duration = Duration::days(30);

/// Clocks of other machines may be behind.
const CLOCK_SLACK: Duration = Duration::hours(1);

/// What this machine is called by itself; the hosts that stand for mounts among them.
const OWN_NAMES: [&str; 6] =
    ["localhost", "conda.localhost", "pypi.localhost", "api.localhost", "127.0.0.1", "::1"];

/// The authority and the names it vouches for.
#[derive(Debug, Clone)]
pub struct Authority {
    dir: PathBuf,
    names: Vec<String>,
}

impl Authority {
    /// Makes what is missing, and a new server certificate if need be. `more` are names besides this machine's own.
    pub fn ensure(
        dir: &Path,
        listen: SocketAddr,
        more: &[String],
        now: OffsetDateTime,
    ) -> anyhow::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o755).create(dir).with_context(|| said("making", dir))?;
        let mut names: Vec<String> = OWN_NAMES.map(str::to_owned).to_vec();
        names.extend(Some(listen.ip()).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string()));
        names.extend(more.iter().map(|name| name.to_ascii_lowercase()));
        names.sort();
        names.dedup();
        let authority = Self { dir: dir.to_owned(), names };
        if !authority.ca().exists() || !authority.ca_key().exists() {
            authority.found(now)?;
        }
        authority.renew(now)?;
        Ok(authority)
    }

    /// The authority's certificate: what clients are told to trust.
    pub fn ca(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// The server's certificate.
    pub fn certificate(&self) -> PathBuf {
        self.dir.join("server.pem")
    }

    /// Its key.
    pub fn key(&self) -> PathBuf {
        self.dir.join("server.key")
    }

    fn ca_key(&self) -> PathBuf {
        self.dir.join("ca.key")
    }

    /// Makes the server a new certificate unless the one it has is good for every name, and for some time yet.
    pub fn renew(&self, now: OffsetDateTime) -> anyhow::Result<bool> {
        if self.fits(now + RENEWED_BEFORE) {
            return Ok(false);
        }
        let ca_key = fs::read_to_string(self.ca_key()).with_context(|| said("reading", &self.ca_key()))?;
        let ca_key = KeyPair::from_pem(&ca_key).with_context(|| said("reading", &self.ca_key()))?;
        let issuer = Issuer::new(authority_params(&ca_key, now)?, ca_key);
        let mut params = CertificateParams::new(self.names.clone()).with_context(|| {
            format!("{} cannot all stand in a certificate: look at --tls-name", self.names.join(", "))
        })?;
        params.distinguished_name = named("Latchkey");
        (params.not_before, params.not_after) = (now - CLOCK_SLACK, now + CERTIFICATE_LIFE);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        // Python 3.13 and later refuse a certificate without it.
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        // Whoever reads the two in between finds that they do not belong together, and looks again.
        write_private(&self.key(), &key.serialize_pem()).with_context(|| said("writing", &self.key()))?;
        write_public(&self.certificate(), &certificate.pem())?;
        Ok(true)
    }

    fn found(&self, now: OffsetDateTime) -> anyhow::Result<()> {
        let key = KeyPair::generate()?;
        let certificate = authority_params(&key, now)?.self_signed(&key)?;
        write_private(&self.ca_key(), &key.serialize_pem())
            .with_context(|| said("writing", &self.ca_key()))?;
        write_public(&self.ca(), &certificate.pem())
    }

    /// Whether key and certificate belong together and a client that trusts the authority would take them at that time,
    /// by every name.
    fn fits(&self, at: OffsetDateTime) -> bool {
        let provider = Arc::new(ring::default_provider());
        let verified = || {
            let leaf = CertificateDer::from_pem_file(self.certificate()).ok()?;
            let key = PrivateKeyDer::from_pem_file(self.key()).ok()?;
            CertifiedKey::from_der(vec![leaf.clone()], key, &provider).ok()?;
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_file(self.ca()).ok()?).ok()?;
            let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
                .build()
                .ok()?;
            let at = StdDuration::from_secs(u64::try_from(at.unix_timestamp()).ok()?);
            for name in &self.names {
                let name = server_name(name)?;
                let at = UnixTime::since_unix_epoch(at);
                verifier.verify_server_cert(&leaf, &[], &name, &[], at).ok()?;
            }
            Some(())
        };
        verified().is_some()
    }
}

fn server_name(name: &str) -> Option<ServerName<'static>> {
    if let Ok(ip) = name.parse::<IpAddr>() {
        return Some(ServerName::from(ip));
    }
    // A wildcard is looked at by one of the names it stands for.
    ServerName::try_from(name.replacen('*', "any", 1)).ok()
}

/// The same for the same key, whenever it is asked for: certificates name their issuer by it.
fn authority_params(key: &KeyPair, now: OffsetDateTime) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    // Several of them can be trusted by one machine.
    let mark = hex::encode(&Sha256::digest(key.public_key_raw())[..4]);
    params.distinguished_name = named(&format!("Latchkey local authority {mark}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (now - CLOCK_SLACK, now + AUTHORITY_LIFE);
    Ok(params)
}

fn named(name: &str) -> DistinguishedName {
    let mut distinguished = DistinguishedName::new();
    distinguished.push(DnType::CommonName, name);
    distinguished
}

fn write_public(path: &Path, text: &str) -> anyhow::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path)).with_context(|| said("writing", path))
}

fn said(deed: &str, path: &Path) -> String {
    format!("{deed} {}", path.display())
}

#[cfg(test)]
#[path = "authority/tests.rs"]
mod tests;
