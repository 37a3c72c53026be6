//! Custom roles and who holds a role. One aggregate: a name is unique among all roles, and the last administrator is seen
//! to be the last.
//!
//! The shipped roles everyone and author are held by whoever asks and whoever is signed in; only admin is given and taken.

use std::collections::{BTreeMap, BTreeSet};

use names::{AccountId, RoleId, RoleLevels, RoleName, Subject};

/// Longest description, in characters.
pub const DESCRIPTION_CHARS: usize = 1_000;
/// Custom roles at one time.
pub const MAX_ROLES: usize = 100;
/// Accounts and groups that hold one role.
pub const MAX_HOLDERS: usize = 1_000;

/// All roles that were ever made, and what was decided about administrators.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roles {
    roles: BTreeMap<RoleId, Role>,
    /// Whether they are administrators, of those that were made so or are so no more; others are as they were created.
    admins: BTreeMap<AccountId, bool>,
}

/// A custom role. Deleted, it stays dead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub id: RoleId,
    pub name: RoleName,
    pub description: String,
    pub levels: RoleLevels,
    pub holders: BTreeSet<Subject>,
    deleted: bool,
}

#[derive(Debug, Clone)]
pub enum Command {
    Create {
        id: RoleId,
        name: RoleName,
        description: String,
        levels: RoleLevels,
    },
    /// Changes what is given.
    Change {
        id: RoleId,
        name: Option<RoleName>,
        description: Option<String>,
        levels: Option<RoleLevels>,
    },
    Assign {
        id: RoleId,
        holder: Subject,
    },
    Unassign {
        id: RoleId,
        holder: Subject,
    },
    Delete {
        id: RoleId,
    },
    /// Makes an account an administrator. Whether it is one, the access table knows.
    Appoint {
        account: AccountId,
        is_admin: bool,
    },
    /// Takes the role admin from an account; `able` are the administrators that are not disabled, as the access table
    /// knows them.
    Dismiss {
        account: AccountId,
        able: BTreeSet<AccountId>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Created { id: RoleId, name: RoleName, description: String, levels: RoleLevels },
    Changed { id: RoleId, name: RoleName, description: String, before: RoleLevels, after: RoleLevels },
    Assigned { id: RoleId, holder: Subject },
    Unassigned { id: RoleId, holder: Subject },
    Deleted { id: RoleId },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("there is a role of this name already")]
    NameTaken,
    #[error("this role is gone")]
    Gone,
    #[error(
        "a role's description has at most {DESCRIPTION_CHARS} characters and no control characters but line breaks"
    )]
    Description,
    #[error("there are {MAX_ROLES} roles already: delete one first")]
    TooMany,
    #[error("a role has at most {MAX_HOLDERS} holders: assign it to a group")]
    TooManyHolders,
    #[error(
        "this is the last administrator: a server without one cannot be managed, so make another one first"
    )]
    LastAdmin,
}

impl Roles {
    /// A role, deleted or not.
    pub fn any(&self, id: RoleId) -> Option<&Role> {
        self.roles.get(&id)
    }

    /// A role that is not deleted.
    pub fn get(&self, id: RoleId) -> Option<&Role> {
        self.any(id).filter(|role| !role.deleted)
    }

    fn live(&self) -> impl Iterator<Item = &Role> {
        self.roles.values().filter(|role| !role.deleted)
    }

    fn named(&self, name: &RoleName) -> Option<&Role> {
        self.live().find(|role| role.name.key() == name.key())
    }
}

/// Says which events a command leads to, or why it is refused.
pub fn decide(roles: Option<&Roles>, command: Command) -> Result<Vec<Event>, Refusal> {
    let none = Roles::default();
    let roles = roles.unwrap_or(&none);
    match command {
        Command::Create { id, name, description, levels } => {
            check(&description)?;
            if roles.named(&name).is_some() || roles.roles.contains_key(&id) {
                return Err(Refusal::NameTaken);
            }
            if roles.live().count() >= MAX_ROLES {
                return Err(Refusal::TooMany);
            }
            Ok(vec![Event::Created { id, name, description, levels }])
        }
        Command::Change { id, name, description, levels } => {
            change(roles, roles.get(id).ok_or(Refusal::Gone)?, name, description, levels)
        }
        Command::Assign { id, holder } => {
            let role = roles.get(id).ok_or(Refusal::Gone)?;
            match (role.holders.contains(&holder), role.holders.len() >= MAX_HOLDERS) {
                (true, _) => Ok(vec![]),
                (false, true) => Err(Refusal::TooManyHolders),
                (false, false) => Ok(vec![Event::Assigned { id, holder }]),
            }
        }
        Command::Unassign { id, holder } => {
            let held = roles.get(id).ok_or(Refusal::Gone)?.holders.contains(&holder);
            Ok(held.then_some(Event::Unassigned { id, holder }).into_iter().collect())
        }
        // Deleting twice is a retry after a lost reply: it succeeds and records nothing.
        Command::Delete { id } => match roles.roles.get(&id) {
            None => Err(Refusal::Gone),
            Some(Role { deleted: true, .. }) => Ok(vec![]),
            Some(_) => Ok(vec![Event::Deleted { id }]),
        },
        Command::Appoint { account, is_admin } => {
            let is_admin = roles.admins.get(&account).copied().unwrap_or(is_admin);
            let appointed = Event::Assigned { id: RoleId::ADMIN, holder: Subject::Account(account) };
            Ok((!is_admin).then_some(appointed).into_iter().collect())
        }
        Command::Dismiss { account, able } => dismiss(roles, account, &able),
    }
}

fn change(
    roles: &Roles,
    role: &Role,
    name: Option<RoleName>,
    description: Option<String>,
    levels: Option<RoleLevels>,
) -> Result<Vec<Event>, Refusal> {
    let name = name.unwrap_or_else(|| role.name.clone());
    let description = description.unwrap_or_else(|| role.description.clone());
    let after = levels.unwrap_or(role.levels);
    check(&description)?;
    if roles.named(&name).is_some_and(|other| other.id != role.id) {
        return Err(Refusal::NameTaken);
    }
    if name == role.name && description == role.description && after == role.levels {
        return Ok(vec![]);
    }
    Ok(vec![Event::Changed { id: role.id, name, description, before: role.levels, after }])
}

/// The access table may not know the latest of these events yet, so those that this aggregate knows to be dismissed do
/// not count.
fn dismiss(roles: &Roles, account: AccountId, able: &BTreeSet<AccountId>) -> Result<Vec<Event>, Refusal> {
    let dismissed = |id: &AccountId| roles.admins.get(id) == Some(&false);
    let is_admin = roles.admins.get(&account).copied().unwrap_or(able.contains(&account));
    if !is_admin {
        return Ok(vec![]);
    }
    match able.iter().any(|other| *other != account && !dismissed(other)) {
        true => Ok(vec![Event::Unassigned { id: RoleId::ADMIN, holder: Subject::Account(account) }]),
        false => Err(Refusal::LastAdmin),
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
pub fn evolve(roles: Option<Roles>, event: Event) -> Option<Roles> {
    let mut roles = roles.unwrap_or_default();
    match event {
        Event::Created { id, name, description, levels } => {
            let role = Role { id, name, description, levels, holders: BTreeSet::new(), deleted: false };
            roles.roles.entry(id).or_insert(role);
        }
        Event::Changed { id, name, description, after, .. } => {
            roles.roles.entry(id).and_modify(|role| {
                *role = Role { name, description, levels: after, ..role.clone() };
            });
        }
        Event::Assigned { id: RoleId::ADMIN, holder: Subject::Account(account) } => {
            roles.admins.insert(account, true);
        }
        Event::Unassigned { id: RoleId::ADMIN, holder: Subject::Account(account) } => {
            roles.admins.insert(account, false);
        }
        Event::Assigned { id, holder } => {
            roles.roles.entry(id).and_modify(|role| role.holders.extend([holder]));
        }
        Event::Unassigned { id, holder } => {
            roles.roles.entry(id).and_modify(|role| role.holders.retain(|it| *it != holder));
        }
        Event::Deleted { id } => {
            roles.roles.entry(id).and_modify(|role| {
                role.deleted = true;
                role.holders.clear();
            });
        }
    }
    Some(roles)
}

impl Event {
    /// Whether somebody may do less after it than before.
    pub fn restricts(&self) -> bool {
        match self {
            Self::Changed { before, after, .. } => !before.within(after),
            Self::Unassigned { .. } | Self::Deleted { .. } => true,
            Self::Created { .. } | Self::Assigned { .. } => false,
        }
    }
}

#[cfg(test)]
#[path = "role/tests.rs"]
mod tests;
