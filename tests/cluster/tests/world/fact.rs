//! The plain facts of the world: who and what there is, and what was given to whom. Nothing is ever taken off a list, so
//! that a place in one means the same thing for ever.

use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    Read,
    Write,
    Manage,
}

impl Level {
    pub(crate) const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Manage];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Manage => "manage",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privacy {
    Public,
    Authenticated,
    Private,
}

impl Privacy {
    pub(crate) const ALL: [Self; 3] = [Self::Public, Self::Authenticated, Self::Private];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Authenticated => "authenticated",
            Self::Private => "private",
        }
    }
}

/// Kinds of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Conda,
    Pypi,
    Notebook,
    Environment,
    File,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] =
        [Self::Conda, Self::Pypi, Self::Notebook, Self::Environment, Self::File];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Conda => "conda",
            Self::Pypi => "pypi",
            Self::Notebook => "notebook",
            Self::Environment => "environment",
            Self::File => "file",
        }
    }

    /// Anaconda Server's word.
    pub(crate) fn family(self) -> &'static str {
        match self {
            Self::Conda => "conda",
            Self::Pypi => "python",
            Self::Notebook => "notebook",
            Self::Environment => "anaconda_env",
            Self::File => "anaconda_project",
        }
    }
}

/// Whom something is given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Who {
    Account(usize),
    Group(usize),
}

pub(crate) type Given = BTreeMap<Who, Level>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Person,
    Organisation,
    Service,
}

#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) login: String,
    pub(crate) sort: Sort,
    pub(crate) admin: bool,
    /// Accounts that own an organisation or a service account.
    pub(crate) owners: BTreeSet<usize>,
    pub(crate) disabled: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Group {
    pub(crate) organisation: usize,
    pub(crate) name: String,
    pub(crate) members: BTreeSet<usize>,
    pub(crate) gone: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Channel {
    /// A subchannel's is `parent/name`.
    pub(crate) name: String,
    pub(crate) parent: Option<usize>,
    pub(crate) owner: usize,
    pub(crate) privacy: Privacy,
    pub(crate) given: Given,
    /// Labels that its files have borne, besides `main`.
    pub(crate) labels: Vec<String>,
    pub(crate) locked: BTreeSet<String>,
    pub(crate) gone: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) channel: usize,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) given: Given,
    pub(crate) files: Vec<Stored>,
    pub(crate) gone: bool,
}

/// A file of a package.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) version: String,
    /// conda's only.
    pub(crate) subdir: String,
    pub(crate) filename: String,
    pub(crate) bytes: Vec<u8>,
    pub(crate) labels: BTreeSet<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opens {
    /// A session: whatever its owner may do.
    All,
    Channels(Vec<(usize, Level)>),
    Scopes(Vec<&'static str>),
}

#[derive(Debug, Clone)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) string: String,
    pub(crate) owner: usize,
    pub(crate) opens: Opens,
    pub(crate) revoked: bool,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    pub(crate) accounts: Vec<Account>,
    pub(crate) groups: Vec<Group>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) packages: Vec<Package>,
    pub(crate) tokens: Vec<Token>,
}

impl Facts {
    pub(crate) fn accounts_of(&self, sort: Sort) -> Vec<usize> {
        (0..self.accounts.len()).filter(|at| self.accounts[*at].sort == sort).collect()
    }

    pub(crate) fn live_groups(&self) -> Vec<usize> {
        (0..self.groups.len()).filter(|at| !self.groups[*at].gone).collect()
    }

    pub(crate) fn live_channels(&self) -> Vec<usize> {
        (0..self.channels.len()).filter(|at| !self.channels[*at].gone).collect()
    }

    pub(crate) fn live_packages(&self) -> Vec<usize> {
        (0..self.packages.len()).filter(|at| !self.packages[*at].gone).collect()
    }

    /// The packages of a channel.
    pub(crate) fn inside(&self, channel: usize) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(move |package| package.channel == channel && !package.gone)
    }

    /// The labels that files of a channel bear.
    pub(crate) fn labels(&self, channel: usize) -> BTreeSet<&str> {
        let files = self.inside(channel).flat_map(|package| &package.files);
        files.flat_map(|file| file.labels.iter().map(String::as_str)).collect()
    }
}
