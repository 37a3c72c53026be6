//! The certificates by which the services of a cluster know each other: one authority, and one for each service under it.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// Nobody outside the cluster trusts it, and nobody has to do so by hand.
const AUTHORITY_LIFE: Duration = Duration::days(3650);
/// `latchkey secrets DIR --certificates` makes new ones.
const CERTIFICATE_LIFE: Duration = Duration::days(398);
/// Clocks of other machines may be behind.
const CLOCK_SLACK: Duration = Duration::hours(1);
/// What an authority is called; certificates name their issuer by it.
const AUTHORITY: &str = "Latchkey services";

/// A certificate and its key, as PEM.
pub(super) struct Pair {
    pub(super) certificate: String,
    pub(super) key: String,
}

/// A new authority.
pub(super) fn authority(now: OffsetDateTime) -> anyhow::Result<Pair> {
    let key = KeyPair::generate()?;
    let certificate = authority_params(now)?.self_signed(&key)?;
    Ok(Pair { certificate: certificate.pem(), key: key.serialize_pem() })
}

/// A new certificate of a service, under the authority of this key.
pub(super) fn service(authority_key: &str, name: &str, now: OffsetDateTime) -> anyhow::Result<Pair> {
    let issuer = Issuer::new(authority_params(now)?, KeyPair::from_pem(authority_key)?);
    let namespace = format!("{name}.latchkey");
    let names = vec![name.to_owned(), format!("{namespace}.svc"), format!("{namespace}.svc.cluster.local")];
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (now - CLOCK_SLACK, now + CERTIFICATE_LIFE);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate()?;
    Ok(Pair { certificate: params.signed_by(&key, &issuer)?.pem(), key: key.serialize_pem() })
}

fn authority_params(now: OffsetDateTime) -> anyhow::Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, AUTHORITY);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    (params.not_before, params.not_after) = (now - CLOCK_SLACK, now + AUTHORITY_LIFE);
    Ok(params)
}
