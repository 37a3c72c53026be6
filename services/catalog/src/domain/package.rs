//! A package exists from before its first file on, so that a private one is never public for a moment. It lives from
//! `Created` to `Deleted`; the same name made again is another package.

use std::collections::BTreeMap;

use names::{ChannelId, Level, PackageId, PackageKind, Subject};

/// Accounts and groups that can be given a level on one package; every gateway holds them all in memory.
pub const MAX_GRANTS: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    pub id: PackageId,
    /// Private on its own.
    pub private: bool,
    /// Accounts and groups that were given a level on it alone.
    pub grants: BTreeMap<Subject, Level>,
    pub deleted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Makes it if it is not there; one that is there stays as it is.
    Ensure {
        id: PackageId,
        channel: ChannelId,
        kind: PackageKind,
        /// Normalised by the kind's rules.
        name: String,
        private: bool,
    },
    Set {
        private: bool,
    },
    /// Gives an account or a group a level, or with none takes it away.
    Grant {
        subject: Subject,
        level: Option<Level>,
    },
    Delete,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The name is normalised by the kind's rules.
    Created {
        id: PackageId,
        channel: ChannelId,
        kind: PackageKind,
        name: String,
        private: bool,
    },
    /// Private on its own from now on, or as open as its channel.
    PrivacyChanged {
        id: PackageId,
        private: bool,
    },
    LevelChanged {
        id: PackageId,
        subject: Subject,
        before: Option<Level>,
        after: Option<Level>,
    },
    Deleted {
        id: PackageId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this package is gone")]
    Gone,
    #[error(
        "{MAX_GRANTS} accounts and groups have a level on this package already: give it to a group instead"
    )]
    TooMany,
}

/// Says which events a command leads to, or why it is refused.
pub fn decide(package: Option<&Package>, command: Command) -> Result<Vec<Event>, Refusal> {
    let live = package.filter(|package| !package.deleted);
    match (command, live) {
        (Command::Ensure { .. }, Some(_)) => Ok(vec![]),
        (Command::Ensure { id, channel, kind, name, private }, None) => {
            Ok(vec![Event::Created { id, channel, kind, name, private }])
        }
        // Deleting twice is a retry after a lost reply: it succeeds and records nothing.
        (Command::Delete, None) if package.is_some() => Ok(vec![]),
        (Command::Set { .. } | Command::Grant { .. } | Command::Delete, None) => Err(Refusal::Gone),
        (Command::Set { private }, Some(package)) if private == package.private => Ok(vec![]),
        (Command::Set { private }, Some(package)) => {
            Ok(vec![Event::PrivacyChanged { id: package.id, private }])
        }
        (Command::Grant { subject, level }, Some(package)) => grant(package, subject, level),
        (Command::Delete, Some(package)) => Ok(vec![Event::Deleted { id: package.id }]),
    }
}

fn grant(package: &Package, subject: Subject, after: Option<Level>) -> Result<Vec<Event>, Refusal> {
    let before = package.grants.get(&subject).copied();
    if before == after {
        return Ok(vec![]);
    }
    if before.is_none() && package.grants.len() >= MAX_GRANTS {
        return Err(Refusal::TooMany);
    }
    Ok(vec![Event::LevelChanged { id: package.id, subject, before, after }])
}

/// Adds one recorded event. It cannot fail: the event has happened.
pub fn evolve(package: Option<Package>, event: Event) -> Option<Package> {
    match event {
        Event::Created { id, private, .. } => {
            // Its id never changes while it is there.
            let live = package.filter(|package| !package.deleted);
            live.or(Some(Package { id, private, grants: BTreeMap::new(), deleted: false }))
        }
        Event::PrivacyChanged { private, .. } => package.map(|package| Package { private, ..package }),
        Event::LevelChanged { subject, after, .. } => package.map(|mut package| {
            match after {
                Some(level) => package.grants.insert(subject, level),
                None => package.grants.remove(&subject),
            };
            package
        }),
        Event::Deleted { .. } => package.map(|package| Package { deleted: true, ..package }),
    }
}

impl Command {
    /// Whether it may take something away; found in effect already, it is waited for like the first time.
    pub fn may_restrict(&self) -> bool {
        match self {
            Self::Ensure { .. } => false,
            Self::Set { private } => *private,
            Self::Grant { level, .. } => *level != Some(Level::Manage),
            Self::Delete => true,
        }
    }
}

impl Event {
    /// Whether somebody may do less after it than before.
    pub fn restricts(&self) -> bool {
        match self {
            Self::PrivacyChanged { private, .. } => *private,
            Self::LevelChanged { before, after, .. } => after < before,
            Self::Deleted { .. } => true,
            Self::Created { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use names::AccountId;
    use uuid::Uuid;

    fn ensure(id: u128, private: bool) -> Command {
        let (id, channel) = (PackageId(Uuid::from_u128(id)), ChannelId(Uuid::nil()));
        Command::Ensure { id, channel, kind: PackageKind::Conda, name: "a".into(), private }
    }

    fn after(commands: &[Command]) -> Option<Package> {
        let apply = |package: Option<Package>, command: &Command| {
            decide(package.as_ref(), command.clone()).unwrap_or_default().into_iter().fold(package, evolve)
        };
        commands.iter().fold(None, apply)
    }

    #[test]
    fn a_package_is_made_once_and_stays_as_private_as_it_was_made() {
        let package = after(&[ensure(1, true), ensure(2, false)]).unwrap();
        assert_eq!((package.id, package.private), (PackageId(Uuid::from_u128(1)), true));
    }

    #[test]
    fn deleted_and_made_again_it_is_another_and_nobody_holds_anything_on_it() {
        let subject = Subject::Account(AccountId(Uuid::from_u128(7)));
        let grant = |level| Command::Grant { subject, level };
        let package = after(&[ensure(1, false), grant(Some(Level::Read)), Command::Delete]);
        assert_eq!(decide(package.as_ref(), Command::Delete), Ok(vec![]));
        assert_eq!(decide(package.as_ref(), grant(Some(Level::Read))), Err(Refusal::Gone));
        assert_eq!(decide(None, Command::Delete), Err(Refusal::Gone));
        let again = decide(package.as_ref(), ensure(2, true)).unwrap();
        let package = again.into_iter().fold(package, evolve).unwrap();
        assert_eq!((package.id, package.private), (PackageId(Uuid::from_u128(2)), true));
        assert!(package.grants.is_empty());
    }

    #[test]
    fn only_what_takes_something_away_restricts() {
        let subject = Subject::Account(AccountId(Uuid::from_u128(7)));
        let package = after(&[ensure(1, false)]);
        let one = |command| decide(package.as_ref(), command).unwrap().remove(0);
        assert!(one(Command::Set { private: true }).restricts());
        assert!(!one(Command::Grant { subject, level: Some(Level::Read) }).restricts());
        assert!(one(Command::Delete).restricts());
        let package = after(&[ensure(1, true), Command::Grant { subject, level: Some(Level::Write) }]);
        let one = |command| decide(package.as_ref(), command).unwrap().remove(0);
        assert!(!one(Command::Set { private: false }).restricts());
        assert!(one(Command::Grant { subject, level: Some(Level::Read) }).restricts());
        assert!(one(Command::Grant { subject, level: None }).restricts());
        assert_eq!(decide(package.as_ref(), Command::Set { private: true }), Ok(vec![]));
    }
}
