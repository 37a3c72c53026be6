//! What is kept over restarts, what is made anew, and for whom.

use std::os::unix::fs::PermissionsExt as _;

use time::macros::datetime;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-11-25 12:00 UTC);

fn ensure(dir: &Path, more: &[&str], now: OffsetDateTime) -> Authority {
    let more: Vec<String> = more.iter().map(|name| (*name).to_owned()).collect();
    Authority::ensure(dir, "127.0.0.1:0".parse().unwrap(), &more, now).unwrap()
}

fn texts(authority: &Authority) -> [String; 2] {
    [authority.ca(), authority.certificate()].map(|path| fs::read_to_string(path).unwrap())
}

#[test]
fn a_restart_finds_both_certificates_as_they_were() {
    let dir = tempfile::tempdir().unwrap();
    let first = texts(&ensure(dir.path(), &[], NOW));
    assert_eq!(texts(&ensure(dir.path(), &[], NOW + Duration::days(59))), first);
}

#[test]
fn a_certificate_near_its_end_is_made_anew_under_the_same_authority() {
    let dir = tempfile::tempdir().unwrap();
    let authority = ensure(dir.path(), &[], NOW);
    let [ca, leaf] = texts(&authority);
    let limit = NOW + CERTIFICATE_LIFE - RENEWED_BEFORE;
    assert!(!authority.renew(limit).unwrap());
    assert!(authority.renew(limit + Duration::seconds(1)).unwrap());
    let [same, newer] = texts(&authority);
    assert_eq!(ca, same);
    assert_ne!(leaf, newer);
    assert!(authority.fits(NOW + CERTIFICATE_LIFE));
}

#[test]
fn another_name_or_a_lost_key_makes_a_new_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let [ca, leaf] = texts(&ensure(dir.path(), &[], NOW));
    let named = ensure(dir.path(), &["Packages.Example", "*.packages.example"], NOW);
    let [same, newer] = texts(&named);
    assert_eq!(ca, same);
    assert_ne!(leaf, newer);
    fs::write(named.key(), "").unwrap();
    assert!(named.renew(NOW).unwrap());
}

#[test]
fn the_keys_are_for_their_owner_alone() {
    let dir = tempfile::tempdir().unwrap();
    let authority = ensure(dir.path(), &[], NOW);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&authority.ca_key()), 0o600);
    assert_eq!(mode(&authority.key()), 0o600);
    assert_eq!(mode(&authority.ca()) & 0o444, 0o444);
}

#[test]
fn a_name_that_cannot_stand_in_a_certificate_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let listen = "0.0.0.0:443".parse().unwrap();
    let error = Authority::ensure(dir.path(), listen, &["grüße.example".to_owned()], NOW).unwrap_err();
    assert!(error.to_string().contains("--tls-name"), "{error:#}");
}
