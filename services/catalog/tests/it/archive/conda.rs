//! conda packages, right until a test makes them wrong.

use serde_json::{Value, json};

use super::{tar, zip::Member};

pub(crate) const STEM: &str = "tiny-1.0-h0_0";

/// `info/index.json` with some keys changed; null takes a key away.
pub(crate) fn index(changes: Value) -> Vec<u8> {
    let mut index = json!({
        "name": "tiny", "version": "1.0", "build": "h0_0", "build_number": 0, "subdir": "linux-64",
        "arch": "x86_64", "platform": "linux", "depends": ["python >=3.8"], "license": "MIT",
        "timestamp": 1_700_000_000_000_u64,
    });
    let object = index.as_object_mut().unwrap();
    for (key, value) in changes.as_object().unwrap() {
        object.insert(key.clone(), value.clone());
    }
    object.retain(|_, value| !value.is_null());
    serde_json::to_vec(&index).unwrap()
}

pub(crate) fn paths() -> Vec<u8> {
    tar::file("info/paths.json", br#"{"paths": [{"_path": "bin/x"}], "paths_version": 1}"#)
}

/// The entries of a right info archive.
pub(crate) fn info() -> Vec<Vec<u8>> {
    vec![tar::file("info/index.json", index(json!({}))), paths()]
}

pub(crate) fn payload() -> Vec<Vec<u8>> {
    vec![tar::file("bin/x", "#!/bin/sh\n")]
}

/// The members of a `.conda` file with these entries.
pub(crate) fn members(info: &[Vec<u8>], pkg: &[Vec<u8>]) -> Vec<Member> {
    vec![
        Member::stored("metadata.json", br#"{"conda_pkg_format_version": 2}"#),
        Member::stored(&format!("info-{STEM}.tar.zst"), tar::zst(&tar::archive(info))),
        Member::stored(&format!("pkg-{STEM}.tar.zst"), tar::zst(&tar::archive(pkg))),
    ]
}

pub(crate) fn conda(info: &[Vec<u8>], pkg: &[Vec<u8>]) -> Vec<u8> {
    super::zip::archive(&members(info, pkg))
}

pub(crate) fn tar_bz2(entries: &[Vec<u8>]) -> Vec<u8> {
    tar::bz2(&tar::archive(entries))
}

pub(crate) fn conda_name() -> String {
    format!("{STEM}.conda")
}

pub(crate) fn tar_bz2_name() -> String {
    format!("{STEM}.tar.bz2")
}
