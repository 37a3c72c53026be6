//! A channel lives from `Created` to `Deleted`. Deleted, its id opens nothing for ever; the same name made again is
//! another channel.

use std::collections::{BTreeMap, BTreeSet};

use names::{AccountId, ChannelId, ChannelName, Indexing, LabelName, Level, Privacy, Subject};

/// Longest description, in characters.
pub const DESCRIPTION_CHARS: usize = 2_000;
/// Accounts and groups that can be given a level on one channel; every gateway holds them all in memory.
pub const MAX_GRANTS: usize = 1_000;
/// Labels that can be locked in one channel; every gateway holds them all in memory.
pub const MAX_LOCKED_LABELS: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    pub id: ChannelId,
    /// Its own name; a subchannel's is unique in its parent.
    pub name: ChannelName,
    /// The channel that it is a subchannel of. It goes with it, by the fold of AUTHZ.
    pub parent: Option<ChannelId>,
    pub owner: AccountId,
    pub privacy: Privacy,
    pub description: String,
    /// Accounts and groups that were given a level here.
    pub grants: BTreeMap<Subject, Level>,
    pub locked_labels: BTreeSet<LabelName>,
    pub indexing: Indexing,
    pub deleted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Create {
        id: ChannelId,
        name: ChannelName,
        parent: Option<ChannelId>,
        owner: AccountId,
        privacy: Privacy,
        description: String,
    },
    /// Changes what is given.
    Set {
        privacy: Option<Privacy>,
        description: Option<String>,
        indexing: Option<Indexing>,
    },
    /// Gives an account or a group a level, or with none takes it away.
    Grant {
        subject: Subject,
        level: Option<Level>,
    },
    /// Locks a label, or unlocks it.
    LockLabel {
        label: LabelName,
        locked: bool,
    },
    Delete,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Created {
        id: ChannelId,
        name: ChannelName,
        parent: Option<ChannelId>,
        owner: AccountId,
        privacy: Privacy,
        description: String,
    },
    Described {
        id: ChannelId,
        description: String,
    },
    PrivacyChanged {
        id: ChannelId,
        before: Privacy,
        after: Privacy,
    },
    IndexingChanged {
        id: ChannelId,
        before: Indexing,
        after: Indexing,
    },
    LevelChanged {
        id: ChannelId,
        subject: Subject,
        before: Option<Level>,
        after: Option<Level>,
    },
    LabelLockChanged {
        id: ChannelId,
        label: LabelName,
        locked: bool,
    },
    Deleted {
        id: ChannelId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this channel is there already")]
    AlreadyCreated,
    #[error("this channel is gone")]
    Gone,
    #[error(
        "a description has at most {DESCRIPTION_CHARS} characters and no control characters but line breaks"
    )]
    Description,
    #[error("this account owns the channel: it may manage it without being given a level")]
    Owner,
    #[error(
        "{MAX_GRANTS} accounts and groups have a level on this channel already: give it to a group instead"
    )]
    TooMany,
    #[error("{MAX_LOCKED_LABELS} labels are locked in this channel already: unlock one of them first")]
    TooManyLocks,
}

/// Says which events a command leads to, or why it is refused.
pub fn decide(channel: Option<&Channel>, command: Command) -> Result<Vec<Event>, Refusal> {
    match (command, channel) {
        (Command::Create { .. }, Some(_)) => Err(Refusal::AlreadyCreated),
        (Command::Create { id, name, parent, owner, privacy, description }, None) => {
            check(&description)?;
            Ok(vec![Event::Created { id, name, parent, owner, privacy, description }])
        }
        (
            Command::Set { .. } | Command::Grant { .. } | Command::LockLabel { .. },
            None | Some(Channel { deleted: true, .. }),
        ) => Err(Refusal::Gone),
        (Command::Set { privacy, description, indexing }, Some(channel)) => {
            let mut events = set(channel, privacy, description)?;
            events.extend(index(channel, indexing));
            Ok(events)
        }
        (Command::Grant { subject, level }, Some(channel)) => grant(channel, subject, level),
        (Command::LockLabel { label, locked }, Some(channel)) => lock(channel, label, locked),
        (Command::Delete, None) => Err(Refusal::Gone),
        // Deleting twice is a retry after a lost reply: it succeeds and records nothing.
        (Command::Delete, Some(Channel { deleted: true, .. })) => Ok(vec![]),
        (Command::Delete, Some(Channel { id, .. })) => Ok(vec![Event::Deleted { id: *id }]),
    }
}

fn set(
    channel: &Channel,
    privacy: Option<Privacy>,
    description: Option<String>,
) -> Result<Vec<Event>, Refusal> {
    let mut events = Vec::new();
    if let Some(after) = privacy.filter(|privacy| *privacy != channel.privacy) {
        events.push(Event::PrivacyChanged { id: channel.id, before: channel.privacy, after });
    }
    if let Some(description) = description.filter(|description| *description != channel.description) {
        check(&description)?;
        events.push(Event::Described { id: channel.id, description });
    }
    Ok(events)
}

fn index(channel: &Channel, indexing: Option<Indexing>) -> Option<Event> {
    let after = indexing.filter(|after| *after != channel.indexing)?;
    Some(Event::IndexingChanged { id: channel.id, before: channel.indexing, after })
}

fn grant(channel: &Channel, subject: Subject, after: Option<Level>) -> Result<Vec<Event>, Refusal> {
    let before = channel.grants.get(&subject).copied();
    if before == after {
        return Ok(vec![]);
    }
    if after.is_some() && subject == Subject::Account(channel.owner) {
        return Err(Refusal::Owner);
    }
    if before.is_none() && channel.grants.len() >= MAX_GRANTS {
        return Err(Refusal::TooMany);
    }
    Ok(vec![Event::LevelChanged { id: channel.id, subject, before, after }])
}

fn lock(channel: &Channel, label: LabelName, locked: bool) -> Result<Vec<Event>, Refusal> {
    if channel.locked_labels.contains(&label) == locked {
        return Ok(vec![]);
    }
    if locked && channel.locked_labels.len() >= MAX_LOCKED_LABELS {
        return Err(Refusal::TooManyLocks);
    }
    Ok(vec![Event::LabelLockChanged { id: channel.id, label, locked }])
}

fn check(description: &str) -> Result<(), Refusal> {
    let legal = |c: char| !c.is_control() || c == '\n';
    match description.chars().count() <= DESCRIPTION_CHARS && description.chars().all(legal) {
        true => Ok(()),
        false => Err(Refusal::Description),
    }
}

/// Adds one recorded event. It cannot fail: the event has happened.
pub fn evolve(channel: Option<Channel>, event: Event) -> Option<Channel> {
    match event {
        Event::Created { id, name, parent, owner, privacy, description } => {
            let (grants, locked_labels) = (BTreeMap::new(), BTreeSet::new());
            Some(Channel {
                id,
                name,
                parent,
                owner,
                privacy,
                description,
                grants,
                locked_labels,
                indexing: Indexing::Default,
                deleted: false,
            })
        }
        Event::Described { description, .. } => channel.map(|channel| Channel { description, ..channel }),
        Event::PrivacyChanged { after, .. } => channel.map(|channel| Channel { privacy: after, ..channel }),
        Event::IndexingChanged { after, .. } => channel.map(|channel| Channel { indexing: after, ..channel }),
        Event::LevelChanged { subject, after, .. } => channel.map(|mut channel| {
            match after {
                Some(level) => channel.grants.insert(subject, level),
                None => channel.grants.remove(&subject),
            };
            channel
        }),
        Event::LabelLockChanged { label, locked, .. } => channel.map(|mut channel| {
            match locked {
                true => channel.locked_labels.insert(label),
                false => channel.locked_labels.remove(&label),
            };
            channel
        }),
        Event::Deleted { .. } => channel.map(|channel| Channel { deleted: true, ..channel }),
    }
}

impl Event {
    /// Whether less may be seen after it than before.
    pub fn hides(&self) -> bool {
        self.restricts() && matches!(self, Self::PrivacyChanged { .. } | Self::Deleted { .. })
    }

    /// Whether somebody may do less after it than before.
    pub fn restricts(&self) -> bool {
        let openness = |privacy: &Privacy| match privacy {
            Privacy::Private => 0,
            Privacy::Authenticated => 1,
            Privacy::Public => 2,
        };
        match self {
            Self::PrivacyChanged { before, after, .. } => openness(after) < openness(before),
            Self::LevelChanged { before, after, .. } => after < before,
            Self::IndexingChanged { after, .. } => *after == Indexing::Frozen,
            Self::Deleted { .. } => true,
            Self::Created { .. } | Self::Described { .. } | Self::LabelLockChanged { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use names::GroupId;
    use proptest::prelude::*;
    use uuid::Uuid;

    const ID: ChannelId = ChannelId(Uuid::from_u128(1));

    fn create(description: &str) -> Command {
        Command::Create {
            id: ID,
            name: ChannelName::parse("acme").unwrap(),
            parent: None,
            owner: AccountId(Uuid::from_u128(2)),
            privacy: Privacy::Private,
            description: description.into(),
        }
    }

    fn after(commands: &[Command]) -> Option<Channel> {
        let apply = |channel: Option<Channel>, command: &Command| {
            decide(channel.as_ref(), command.clone()).unwrap_or_default().into_iter().fold(channel, evolve)
        };
        commands.iter().fold(None, apply)
    }

    fn set(privacy: Option<Privacy>, description: Option<&str>) -> Command {
        Command::Set { privacy, description: description.map(ToOwned::to_owned), indexing: None }
    }

    fn freeze(indexing: Indexing) -> Command {
        Command::Set { privacy: None, description: None, indexing: Some(indexing) }
    }

    #[test]
    fn a_channel_is_frozen_and_unfrozen_and_only_freezing_restricts() {
        let channel = after(&[create("d")]);
        assert_eq!(decide(channel.as_ref(), freeze(Indexing::Default)), Ok(vec![]));
        let frozen = decide(channel.as_ref(), freeze(Indexing::Frozen)).unwrap();
        let change = |before, after| Event::IndexingChanged { id: ID, before, after };
        assert_eq!(frozen, [change(Indexing::Default, Indexing::Frozen)]);
        assert!(frozen[0].restricts() && !frozen[0].hides());
        let channel = after(&[create("d"), freeze(Indexing::Frozen)]);
        assert_eq!(decide(channel.as_ref(), freeze(Indexing::Frozen)), Ok(vec![]));
        let thawed = decide(channel.as_ref(), freeze(Indexing::Default)).unwrap();
        assert_eq!(thawed, [change(Indexing::Frozen, Indexing::Default)]);
        assert!(!thawed[0].restricts());
    }

    #[test]
    fn setting_what_is_so_already_records_nothing() {
        let channel = after(&[create("d")]);
        assert_eq!(decide(channel.as_ref(), set(Some(Privacy::Private), Some("d"))), Ok(vec![]));
        let events = decide(channel.as_ref(), set(Some(Privacy::Public), None)).unwrap();
        assert_eq!(
            events,
            [Event::PrivacyChanged { id: ID, before: Privacy::Private, after: Privacy::Public }]
        );
    }

    #[test]
    fn a_description_is_limited_at_its_edge() {
        assert!(decide(None, create(&"é".repeat(DESCRIPTION_CHARS))).is_ok());
        assert_eq!(decide(None, create(&"é".repeat(DESCRIPTION_CHARS + 1))), Err(Refusal::Description));
        assert_eq!(decide(None, create("a\u{1b}[31m")), Err(Refusal::Description));
    }

    #[test]
    fn only_less_openness_restricts() {
        let change = |before, after| Event::PrivacyChanged { id: ID, before, after }.restricts();
        assert!(
            change(Privacy::Public, Privacy::Authenticated)
                && change(Privacy::Authenticated, Privacy::Private)
        );
        assert!(
            !change(Privacy::Private, Privacy::Public) && !change(Privacy::Authenticated, Privacy::Public)
        );
    }

    #[test]
    fn a_level_is_given_changed_and_taken_away() {
        let subject = Subject::Group(GroupId(Uuid::from_u128(3)));
        let grant = |level| Command::Grant { subject, level };
        let change = |before, after| vec![Event::LevelChanged { id: ID, subject, before, after }];
        let channel = after(&[create("d")]);
        assert_eq!(decide(channel.as_ref(), grant(None)), Ok(vec![]));
        let given = change(None, Some(Level::Write));
        assert_eq!(decide(channel.as_ref(), grant(Some(Level::Write))), Ok(given.clone()));
        let channel = after(&[create("d"), grant(Some(Level::Write))]);
        let lowered = change(Some(Level::Write), Some(Level::Read));
        assert_eq!(decide(channel.as_ref(), grant(Some(Level::Read))), Ok(lowered.clone()));
        let taken = change(Some(Level::Write), None);
        assert_eq!(decide(channel.as_ref(), grant(None)), Ok(taken.clone()));
        assert!(!given[0].restricts() && lowered[0].restricts() && taken[0].restricts());
        let owner = Subject::Account(AccountId(Uuid::from_u128(2)));
        let owner = Command::Grant { subject: owner, level: Some(Level::Read) };
        assert_eq!(decide(channel.as_ref(), owner), Err(Refusal::Owner));
    }

    #[test]
    fn locked_labels_are_limited_at_the_edge() {
        let lock = |number: usize| {
            let label = LabelName::parse(&format!("l{number}")).unwrap();
            Command::LockLabel { label, locked: true }
        };
        let commands: Vec<Command> =
            std::iter::once(create("d")).chain((0..MAX_LOCKED_LABELS).map(lock)).collect();
        let channel = after(&commands);
        assert_eq!(channel.as_ref().unwrap().locked_labels.len(), MAX_LOCKED_LABELS);
        assert_eq!(decide(channel.as_ref(), lock(MAX_LOCKED_LABELS)), Err(Refusal::TooManyLocks));
        assert_eq!(decide(channel.as_ref(), lock(0)), Ok(vec![]));
    }

    fn any_command() -> impl Strategy<Value = Command> {
        let privacy =
            prop_oneof![Just(Privacy::Public), Just(Privacy::Authenticated), Just(Privacy::Private)];
        prop_oneof![
            Just(create("x")),
            Just(Command::Delete),
            (any::<bool>(), "[a-c]").prop_map(|(locked, label)| {
                Command::LockLabel { label: LabelName::parse(&label).unwrap(), locked }
            }),
            (3..5_u128, proptest::option::of(prop_oneof![Just(Level::Read), Just(Level::Manage)])).prop_map(
                |(account, level)| Command::Grant {
                    subject: Subject::Account(AccountId(Uuid::from_u128(account))),
                    level
                }
            ),
            (
                proptest::option::of(privacy),
                proptest::option::of("[a-z]{0,3}"),
                proptest::option::of(prop_oneof![Just(Indexing::Default), Just(Indexing::Frozen)]),
            )
                .prop_map(|(privacy, description, indexing)| Command::Set {
                    privacy,
                    description,
                    indexing,
                }),
        ]
    }

    proptest! {
        #[test]
        fn nothing_brings_a_deleted_channel_back(
            before in proptest::collection::vec(any_command(), 0..6), later in proptest::collection::vec(any_command(), 0..12),
        ) {
            let commands = [vec![create("x")], before, vec![Command::Delete], later].concat();
            prop_assert!(after(&commands).unwrap().deleted);
        }

        #[test]
        fn a_command_given_twice_records_nothing_the_second_time(
            before in proptest::collection::vec(any_command(), 0..6), command in any_command(),
        ) {
            let channel = after(&before);
            if let Ok(events) = decide(channel.as_ref(), command.clone()) {
                let channel = events.into_iter().fold(channel, evolve);
                let again = decide(channel.as_ref(), command).unwrap_or_default();
                prop_assert_eq!(again, vec![]);
            }
        }
    }
}
