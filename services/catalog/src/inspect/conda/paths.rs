//! `info/paths.json`, of which only seven facts are kept. It may have millions of entries, so it is never held.

use std::{
    fmt,
    io::{BufReader, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor},
};

use crate::inspect::refusal::{Failed, Refusal, broken};

pub(super) const MEMBER: &str = "info/paths.json";

/// What installing the package would do besides placing files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PathFlags {
    pub(super) binary_prefix: bool,
    pub(super) text_prefix: bool,
    pub(super) activate: bool,
    pub(super) deactivate: bool,
    pub(super) pre_link: bool,
    pub(super) post_link: bool,
    pub(super) pre_unlink: bool,
}

pub(super) fn read(data: &mut dyn Read, limit: u64) -> Result<PathFlags, Failed> {
    let mut limited = data.take(limit);
    let paths: Result<Paths, _> = serde_json::from_reader(BufReader::new(&mut limited));
    match paths {
        Ok(paths) => Ok(paths.paths),
        Err(_) if limited.limit() == 0 => Err(Refusal::MemberSize { member: MEMBER.into(), limit }.into()),
        Err(error) if error.is_io() => Err(broken(MEMBER, error.into())),
        Err(error) => Err(Refusal::Document { member: MEMBER.into(), why: error.to_string() }.into()),
    }
}

#[derive(Deserialize)]
struct Paths {
    #[serde(default)]
    paths: PathFlags,
}

#[derive(Deserialize)]
struct Path {
    #[serde(rename = "_path")]
    path: String,
    #[serde(default)]
    prefix_placeholder: Option<String>,
    #[serde(default)]
    file_mode: Option<String>,
}

impl PathFlags {
    fn add(&mut self, path: &Path) {
        if path.prefix_placeholder.as_deref().is_some_and(|prefix| !prefix.is_empty()) {
            match path.file_mode.as_deref() {
                Some("binary") => self.binary_prefix = true,
                Some("text") => self.text_prefix = true,
                Some(_) | None => {}
            }
        }
        self.activate |= path.path.starts_with("etc/conda/activate.d");
        self.deactivate |= path.path.starts_with("etc/conda/deactivate.d");
        self.pre_link |= is_script(&path.path, "-pre-link.");
        self.post_link |= is_script(&path.path, "-post-link.");
        self.pre_unlink |= is_script(&path.path, "-pre-unlink.");
    }
}

/// conda-index's pattern `*/.*-pre-link.*`, in which `*` also stands for slashes.
fn is_script(path: &str, what: &str) -> bool {
    path.find("/.").is_some_and(|at| path[at + 2..].contains(what))
}

impl<'de> Deserialize<'de> for PathFlags {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fold;
        impl<'de> Visitor<'de> for Fold {
            type Value = PathFlags;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of paths")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut paths: A) -> Result<PathFlags, A::Error> {
                let mut flags = PathFlags::default();
                while let Some(path) = paths.next_element::<Path>()? {
                    flags.add(&path);
                }
                Ok(flags)
            }
        }
        deserializer.deserialize_seq(Fold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_prefixes_are_noticed() {
        let text = br#"{"paths_version": 1, "paths": [
            {"_path": "bin/x", "prefix_placeholder": "/p", "file_mode": "binary", "sha256": "00"},
            {"_path": "etc/conda/activate.d/x.sh", "path_type": "hardlink"},
            {"_path": "bin/.x-post-link.sh"}, {"_path": ".x-pre-link.sh"}]}"#;
        let flags = read(&mut text.as_slice(), 1 << 20).unwrap();
        let expected =
            PathFlags { binary_prefix: true, activate: true, post_link: true, ..PathFlags::default() };
        assert_eq!(flags, expected);
    }
}
