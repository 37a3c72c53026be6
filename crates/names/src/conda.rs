//! conda's names (CEP 26).

use crate::{InvalidName, text};

/// Every subdir that conda knows, in the order of its own list.
pub(crate) const SUBDIRS: [&str; 20] = [
    "noarch",
    "emscripten-wasm32",
    "freebsd-64",
    "linux-32",
    "linux-64",
    "linux-aarch64",
    "linux-armv6l",
    "linux-armv7l",
    "linux-ppc64",
    "linux-ppc64le",
    "linux-riscv32",
    "linux-riscv64",
    "linux-s390x",
    "osx-64",
    "osx-arm64",
    "wasi-wasm32",
    "win-32",
    "win-64",
    "win-arm64",
    "zos-z",
];

/// A subdir that conda knows, such as `noarch` or `linux-64`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Subdir(&'static str);

impl Subdir {
    /// Checks a subdir against conda's list.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        SUBDIRS.into_iter().find(|subdir| *subdir == text).map(Self).ok_or_else(|| {
            InvalidName::because(format!("{text:?} is no subdir: expected one of {}", SUBDIRS.join(", ")))
        })
    }

    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        SUBDIRS.into_iter().map(Self)
    }
}

text!(Subdir);

/// A conda package's name: lowercase, `^[a-z0-9_][a-z0-9_.-]*$`, at most 64 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CondaName(String);

impl CondaName {
    /// Longest name, in characters (CEP 26).
    pub const MAX_CHARS: usize = 64;

    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
        if text.is_empty() || text.len() > Self::MAX_CHARS {
            return Err(InvalidName::because(format!(
                "a conda package's name has 1 to {} characters, this one has {}",
                Self::MAX_CHARS,
                text.chars().count(),
            )));
        }
        if text.starts_with(['.', '-']) || !text.chars().all(inner) {
            return Err(InvalidName::because(format!(
                "{text:?} is no conda package name: use a-z, 0-9, '_', '.' and '-' (CEP 26)",
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

text!(CondaName);
