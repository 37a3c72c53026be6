//! The groups of one organisation. A group lives from `Created` to `Deleted`; deleted, its id opens nothing for ever, and
//! the same name made again is another group.

use std::collections::{BTreeMap, BTreeSet};

use names::{AccountId, GroupId, GroupName, Level};

/// Longest description, in characters.
pub const DESCRIPTION_CHARS: usize = 2_000;
/// Groups of one organisation; every gateway holds them all in memory.
pub const MAX_GROUPS: usize = 1_000;
/// Accounts in one group.
pub const MAX_MEMBERS: usize = 10_000;
/// Accounts that join or leave at once.
pub const MAX_CHANGED: usize = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    pub id: GroupId,
    pub organisation: AccountId,
    pub name: GroupName,
    pub description: String,
    /// What it is given on a package unless something else is said.
    pub level: Level,
    pub members: BTreeSet<AccountId>,
    pub deleted: bool,
}

/// All groups of one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Groups {
    groups: BTreeMap<GroupId, Group>,
}

impl Groups {
    /// A group that is there.
    pub fn get(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id).filter(|group| !group.deleted)
    }

    /// A group, gone or not.
    pub fn any(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// The group of this name that is there.
    pub fn find(&self, name: &GroupName) -> Option<GroupId> {
        self.named(name).map(|group| group.id)
    }

    /// The newest group of this name that is gone.
    pub fn find_deleted(&self, name: &GroupName) -> Option<GroupId> {
        let key = name.key();
        let gone = self.groups.values().filter(|group| group.deleted && group.name.key() == key);
        gone.map(|group| group.id).max()
    }

    fn named(&self, name: &GroupName) -> Option<&Group> {
        let key = name.key();
        self.groups.values().find(|group| !group.deleted && group.name.key() == key)
    }

    fn live(&self) -> usize {
        self.groups.values().filter(|group| !group.deleted).count()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Create {
        id: GroupId,
        organisation: AccountId,
        name: GroupName,
        description: String,
        level: Level,
    },
    /// Changes what is given.
    Change {
        id: GroupId,
        name: Option<GroupName>,
        description: Option<String>,
        level: Option<Level>,
    },
    /// Puts accounts in and takes accounts out; who is in both lists is out.
    Members {
        id: GroupId,
        add: BTreeSet<AccountId>,
        remove: BTreeSet<AccountId>,
    },
    Delete {
        id: GroupId,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Created { id: GroupId, organisation: AccountId, name: GroupName, description: String, level: Level },
    Changed { id: GroupId, name: GroupName, description: String, level: Level },
    MembersChanged { id: GroupId, added: BTreeSet<AccountId>, removed: BTreeSet<AccountId> },
    Deleted { id: GroupId },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("this organisation has a group of this name already")]
    NameTaken,
    #[error("this group is gone")]
    Gone,
    #[error(
        "a description has at most {DESCRIPTION_CHARS} characters and no control characters but line breaks"
    )]
    Description,
    #[error("this organisation has {MAX_GROUPS} groups already: delete one first")]
    TooMany,
    #[error("a group has at most {MAX_MEMBERS} members, and at most {MAX_CHANGED} join or leave at once")]
    TooManyMembers,
}

impl Command {
    /// Which group it is about.
    pub fn group(&self) -> GroupId {
        match self {
            Self::Create { id, .. }
            | Self::Change { id, .. }
            | Self::Members { id, .. }
            | Self::Delete { id } => *id,
        }
    }
}

/// Says which events a command leads to, or why it is refused.
pub fn decide(groups: Option<&Groups>, command: Command) -> Result<Vec<Event>, Refusal> {
    let none = Groups::default();
    let groups = groups.unwrap_or(&none);
    match command {
        Command::Create { id, organisation, name, description, level } => {
            check(&description)?;
            if groups.named(&name).is_some() || groups.any(id).is_some() {
                return Err(Refusal::NameTaken);
            }
            if groups.live() >= MAX_GROUPS {
                return Err(Refusal::TooMany);
            }
            Ok(vec![Event::Created { id, organisation, name, description, level }])
        }
        Command::Change { id, name, description, level } => {
            let group = groups.get(id).ok_or(Refusal::Gone)?;
            change(groups, group, name, description, level)
        }
        Command::Members { id, add, remove } => members(groups.get(id).ok_or(Refusal::Gone)?, &add, &remove),
        // Deleting twice is a retry after a lost reply: it succeeds and records nothing.
        Command::Delete { id } => match groups.groups.get(&id) {
            None => Err(Refusal::Gone),
            Some(Group { deleted: true, .. }) => Ok(vec![]),
            Some(_) => Ok(vec![Event::Deleted { id }]),
        },
    }
}

fn change(
    groups: &Groups,
    group: &Group,
    name: Option<GroupName>,
    description: Option<String>,
    level: Option<Level>,
) -> Result<Vec<Event>, Refusal> {
    let name = name.unwrap_or_else(|| group.name.clone());
    let description = description.unwrap_or_else(|| group.description.clone());
    let level = level.unwrap_or(group.level);
    check(&description)?;
    if groups.named(&name).is_some_and(|other| other.id != group.id) {
        return Err(Refusal::NameTaken);
    }
    match (name == group.name, description == group.description, level == group.level) {
        (true, true, true) => Ok(vec![]),
        (_, _, _) => Ok(vec![Event::Changed { id: group.id, name, description, level }]),
    }
}

fn members(
    group: &Group,
    add: &BTreeSet<AccountId>,
    remove: &BTreeSet<AccountId>,
) -> Result<Vec<Event>, Refusal> {
    let added: BTreeSet<_> =
        add.iter().filter(|id| !group.members.contains(id) && !remove.contains(id)).copied().collect();
    let removed: BTreeSet<_> = remove.intersection(&group.members).copied().collect();
    if add.len() + remove.len() > MAX_CHANGED || group.members.len() + added.len() > MAX_MEMBERS {
        return Err(Refusal::TooManyMembers);
    }
    match (added.is_empty(), removed.is_empty()) {
        (true, true) => Ok(vec![]),
        (_, _) => Ok(vec![Event::MembersChanged { id: group.id, added, removed }]),
    }
}

fn check(description: &str) -> Result<(), Refusal> {
    let legal = |c: char| !c.is_control() || c == '\n';
    match description.chars().count() <= DESCRIPTION_CHARS && description.chars().all(legal) {
        true => Ok(()),
        false => Err(Refusal::Description),
    }
}

/// Adds one recorded event. It cannot fail: the event has happened.
pub fn evolve(groups: Option<Groups>, event: Event) -> Option<Groups> {
    let mut groups = groups.unwrap_or_default();
    match event {
        Event::Created { id, organisation, name, description, level } => {
            let members = BTreeSet::new();
            let group = Group { id, organisation, name, description, level, members, deleted: false };
            groups.groups.entry(id).or_insert(group);
        }
        Event::Changed { id, name, description, level } => {
            groups.groups.entry(id).and_modify(|group| {
                *group = Group { name, description, level, ..group.clone() };
            });
        }
        Event::MembersChanged { id, added, removed } => {
            groups.groups.entry(id).and_modify(|group| {
                group.members.extend(added);
                group.members.retain(|member| !removed.contains(member));
            });
        }
        Event::Deleted { id } => {
            groups.groups.entry(id).and_modify(|group| {
                group.deleted = true;
                group.members.clear();
            });
        }
    }
    Some(groups)
}

impl Event {
    /// Whether somebody may do less after it than before.
    pub fn restricts(&self) -> bool {
        match self {
            Self::MembersChanged { removed, .. } => !removed.is_empty(),
            Self::Deleted { .. } => true,
            Self::Created { .. } | Self::Changed { .. } => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const ORGANISATION: AccountId = AccountId(Uuid::from_u128(1));

    fn id(n: u128) -> GroupId {
        GroupId(Uuid::from_u128(n))
    }

    fn accounts(ids: impl IntoIterator<Item = u128>) -> BTreeSet<AccountId> {
        ids.into_iter().map(|n| AccountId(Uuid::from_u128(n))).collect()
    }

    fn create(n: u128, name: &str) -> Command {
        let name = GroupName::parse(name).unwrap();
        let description = String::new();
        Command::Create { id: id(n), organisation: ORGANISATION, name, description, level: Level::Read }
    }

    fn after(commands: &[Command]) -> Option<Groups> {
        let apply = |groups: Option<Groups>, command: &Command| {
            decide(groups.as_ref(), command.clone()).unwrap_or_default().into_iter().fold(groups, evolve)
        };
        commands.iter().fold(None, apply)
    }

    #[test]
    fn a_name_is_one_groups_whatever_its_case_until_that_group_is_gone() {
        let groups = after(&[create(1, "Ops")]);
        assert_eq!(decide(groups.as_ref(), create(2, "ops")), Err(Refusal::NameTaken));
        let groups = after(&[create(1, "Ops"), create(2, "dev")]);
        let rename = |n, name: &str| Command::Change {
            id: id(n),
            name: Some(GroupName::parse(name).unwrap()),
            description: None,
            level: None,
        };
        assert_eq!(decide(groups.as_ref(), rename(2, "OPS")), Err(Refusal::NameTaken));
        assert!(decide(groups.as_ref(), rename(1, "OPS")).is_ok());
        let groups = after(&[create(1, "Ops"), Command::Delete { id: id(1) }]);
        assert!(decide(groups.as_ref(), create(2, "ops")).is_ok());
        assert_eq!(decide(groups.as_ref(), Command::Delete { id: id(1) }), Ok(vec![]));
        assert_eq!(decide(groups.as_ref(), rename(1, "x")), Err(Refusal::Gone));
    }

    #[test]
    fn members_join_and_leave_and_only_leaving_restricts() {
        let members = |add, remove| Command::Members { id: id(1), add, remove };
        let groups = after(&[create(1, "ops"), members(accounts([5, 6]), accounts([]))]);
        assert_eq!(decide(groups.as_ref(), members(accounts([5]), accounts([7]))), Ok(vec![]));
        let events = decide(groups.as_ref(), members(accounts([7]), accounts([5]))).unwrap();
        assert_eq!(
            events,
            [Event::MembersChanged { id: id(1), added: accounts([7]), removed: accounts([5]) }]
        );
        assert!(events[0].restricts());
        let joined = decide(groups.as_ref(), members(accounts([8]), accounts([]))).unwrap();
        assert!(!joined[0].restricts());
    }

    #[test]
    fn numbers_are_limited_at_their_edges() {
        let members = |add| Command::Members { id: id(1), add, remove: accounts([]) };
        let most = accounts(10..10 + MAX_CHANGED as u128);
        let groups = after(&[create(1, "ops")]);
        assert!(decide(groups.as_ref(), members(most)).is_ok());
        let more = accounts(10..11 + MAX_CHANGED as u128);
        assert_eq!(decide(groups.as_ref(), members(more)), Err(Refusal::TooManyMembers));
        let many: Vec<Command> = (0..MAX_GROUPS as u128).map(|n| create(n, &format!("g{n}"))).collect();
        let groups = after(&many);
        assert_eq!(groups.as_ref().unwrap().live(), MAX_GROUPS);
        assert_eq!(decide(groups.as_ref(), create(9_999, "one-more")), Err(Refusal::TooMany));
        let long = Command::Create {
            id: id(1),
            organisation: ORGANISATION,
            name: GroupName::parse("a").unwrap(),
            description: "é".repeat(DESCRIPTION_CHARS + 1),
            level: Level::Read,
        };
        assert_eq!(decide(None, long), Err(Refusal::Description));
    }

    fn any_command() -> impl Strategy<Value = Command> {
        let set = || proptest::collection::btree_set(10..14_u128, 0..3).prop_map(accounts);
        prop_oneof![
            (1..4_u128, "[ab]").prop_map(|(n, name)| create(n, &name)),
            (1..4_u128, set(), set()).prop_map(|(n, add, remove)| Command::Members {
                id: id(n),
                add,
                remove
            }),
            (1..4_u128, "[ab]").prop_map(|(n, name)| Command::Change {
                id: id(n),
                name: Some(GroupName::parse(&name).unwrap()),
                description: None,
                level: Some(Level::Write),
            }),
            (1..4_u128).prop_map(|n| Command::Delete { id: id(n) }),
        ]
    }

    proptest! {
        #[test]
        fn no_two_groups_have_one_name_and_a_command_given_twice_records_nothing_the_second_time(
            before in proptest::collection::vec(any_command(), 0..12), command in any_command(),
        ) {
            let groups = after(&before);
            let all = groups.clone().unwrap_or_default();
            let live: Vec<_> = all.groups.values().filter(|group| !group.deleted).map(|group| group.name.key()).collect();
            prop_assert_eq!(live.iter().collect::<BTreeSet<_>>().len(), live.len());
            if let Ok(events) = decide(groups.as_ref(), command.clone()) {
                let groups = events.into_iter().fold(groups, evolve);
                prop_assert_eq!(decide(groups.as_ref(), command).unwrap_or_default(), vec![]);
            }
        }
    }
}
