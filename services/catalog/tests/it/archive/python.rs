//! Wheels and sdists, right until a test makes them wrong.

use super::{
    tar,
    zip::{Member, archive},
};

pub(crate) const WHEEL: &str = "leaf_pkg-1.0-py3-none-any.whl";
pub(crate) const SDIST: &str = "leaf_pkg-1.0.tar.gz";
pub(crate) const METADATA: &str = "Metadata-Version: 2.1\nName: Leaf.Pkg\nVersion: 1.0\nSummary: A leaf\nRequires-Python: >=3.8\n\nText: é\n";

pub(crate) fn wheel_members(metadata: &str) -> Vec<Member> {
    vec![
        Member::deflated("leaf_pkg/__init__.py", b"x = 1\n"),
        Member::deflated("leaf_pkg-1.0.dist-info/METADATA", metadata.as_bytes()),
        Member::deflated("leaf_pkg-1.0.dist-info/WHEEL", b"Wheel-Version: 1.0\nTag: py3-none-any\n"),
        Member::deflated("leaf_pkg-1.0.dist-info/RECORD", b""),
    ]
}

pub(crate) fn wheel(metadata: &str) -> Vec<u8> {
    archive(&wheel_members(metadata))
}

pub(crate) fn sdist_entries(metadata: &str) -> Vec<Vec<u8>> {
    vec![tar::file("leaf_pkg-1.0/setup.py", ""), tar::file("leaf_pkg-1.0/PKG-INFO", metadata)]
}

pub(crate) fn sdist(entries: &[Vec<u8>]) -> Vec<u8> {
    tar::gz(&tar::archive(entries))
}
