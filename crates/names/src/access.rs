//! The small vocabularies that decide access.

use crate::{AccountId, GroupId};

/// What somebody may do with a channel or package; each level contains the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// Index and download.
    Read,
    /// Also upload.
    Write,
    /// Also edit, delete and grant.
    Manage,
}

/// Whom a level can be given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Subject {
    /// A person, an organisation or a service account.
    Account(AccountId),
    /// The members of a group.
    Group(GroupId),
}

/// Who may read a channel without a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Privacy {
    /// Anyone who reaches the server.
    Public,
    /// Anyone signed in, with a session of their own.
    Authenticated,
    /// Its owner and those they authorise.
    Private,
}

/// What becomes of uploads to a channel and removals from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Indexing {
    /// They change its indexes.
    Default,
    /// They are refused: its indexes stay as they are.
    Frozen,
}

/// The kinds of package a channel holds; names are unique within a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PackageKind {
    /// `.conda` and `.tar.bz2`.
    Conda,
    /// Wheels and sdists.
    Pypi,
    /// Jupyter notebooks.
    Notebook,
    /// conda environments, as `environment.yml`.
    Environment,
    /// Any other file.
    File,
}

impl PackageKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Conda, Self::Pypi, Self::Notebook, Self::Environment, Self::File];

    /// Whether it is none of conda's or Python's: its files stand under `<name>/<version>`, and no index shows them.
    pub fn is_plain(self) -> bool {
        match self {
            Self::Notebook | Self::Environment | Self::File => true,
            Self::Conda | Self::Pypi => false,
        }
    }
}

impl PackageKind {
    /// A package's name as this kind normalises it; refused where the kind's rules do.
    pub fn normal(self, name: &str) -> Result<String, crate::InvalidName> {
        match self {
            Self::Conda => crate::CondaName::parse(name).map(|name| name.to_string()),
            Self::Pypi => crate::ProjectName::parse(name).map(|name| name.to_string()),
            Self::Notebook | Self::Environment | Self::File => {
                crate::PlainName::parse(name).map(|name| name.to_string())
            }
        }
    }
}

/// The words of a vocabulary, as typed in commands and shown in JSON.
macro_rules! words {
    ($name:ident, $what:literal, $($variant:ident = $word:literal),*) => {
        impl $name {
            /// The word for it.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::InvalidName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(crate::InvalidName::because(format!(
                        "{text:?} is no {}: expected one of {}", $what, [$($word),*].join(", "),
                    ))),
                }
            }
        }
    };
}
pub(crate) use words;

words!(Level, "level", Read = "read", Write = "write", Manage = "manage");
words!(Privacy, "privacy", Public = "public", Authenticated = "authenticated", Private = "private");
words!(
    PackageKind,
    "package kind",
    Conda = "conda",
    Pypi = "pypi",
    Notebook = "notebook",
    Environment = "environment",
    File = "file"
);
