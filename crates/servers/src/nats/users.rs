//! Who signs in to the log, each with a password of its own. What each may do stands in one file, which a cluster and a
//! laptop read alike.

use std::path::Path;

use crate::secret;

/// The accounts and permissions, as nats-server reads them; they take the passwords from variables.
const RIGHTS: &str = include_str!("../../../../deploy/k8s/base/rights.conf");

/// Where a cluster's file takes the passwords from; here they stand in its place.
const PASSWORDS: &str = "include \"secret/passwords.conf\"\n";

/// One who signs in to the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NatsUser {
    /// A person who backs up, restores and repairs; no program is this user.
    Operator,
    /// Makes the streams.
    Setup,
    /// The service of this name, as the others below.
    Auth,
    /// See [`NatsUser::Auth`].
    Catalog,
    /// See [`NatsUser::Auth`].
    Projector,
    /// See [`NatsUser::Auth`].
    Gateway,
}

impl NatsUser {
    /// Everybody.
    pub const ALL: [Self; 6] =
        [Self::Operator, Self::Setup, Self::Auth, Self::Catalog, Self::Projector, Self::Gateway];

    /// The name it signs in with.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Setup => "setup",
            Self::Auth => "auth",
            Self::Catalog => "catalog",
            Self::Projector => "projector",
            Self::Gateway => "gateway",
        }
    }
}

/// The password of each user, in files of a folder that are made where they are missing.
#[derive(Debug)]
pub(super) struct Passwords(Vec<(NatsUser, String)>);

impl Passwords {
    pub(super) fn ensure(dir: &Path) -> anyhow::Result<Self> {
        let each = |user: NatsUser| {
            let file = dir.join(format!("{}.password", user.as_str()));
            anyhow::Ok((user, secret::password(&file)?))
        };
        Ok(Self(NatsUser::ALL.into_iter().map(each).collect::<anyhow::Result<_>>()?))
    }

    pub(super) fn of(&self, user: NatsUser) -> &str {
        let found = self.0.iter().find(|(each, _)| *each == user);
        &found.expect("everybody has a password").1
    }

    /// The rights, with these passwords.
    pub(super) fn rights(&self) -> String {
        let line = |(user, password): &(NatsUser, String)| {
            format!("{}_PASSWORD: \"{password}\"\n", user.as_str().to_uppercase())
        };
        RIGHTS.replacen(PASSWORDS, &self.0.iter().map(line).collect::<String>(), 1)
    }
}
