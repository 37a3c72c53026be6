//! Groups of organisations. Who is in one holds what it was given; who leaves it holds it no more.

use std::collections::BTreeSet;

use names::{AccountId, GroupId, Level, PackageKind};

use crate::table::{Channel, Table};
use crate::{Subject, given};

/// A group that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id; made again under the same name it has another.
    pub id: GroupId,
    /// The organisation whose owners change it.
    pub organisation: AccountId,
    /// Its name as it was typed.
    pub name: Box<str>,
    /// Free text.
    pub description: Box<str>,
    /// What it is given on a package unless something else is said.
    pub level: Level,
    /// The accounts in it.
    pub members: BTreeSet<AccountId>,
}

/// One thing that somebody was given.
#[derive(Debug, Clone, Copy)]
pub struct HeldOn<'a> {
    /// The channel, or the one that the package is in.
    pub channel: &'a Channel,
    /// The package, where it was given on that alone.
    pub package: Option<(PackageKind, &'a str)>,
    /// The level.
    pub level: Level,
}

impl Table {
    /// A group by id; a deleted one is not there.
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// Every group, in no order.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// A group of an organisation by its name, whatever the case.
    pub fn group_named(&self, organisation: AccountId, name: &str) -> Option<&Group> {
        self.groups()
            .find(|group| group.organisation == organisation && group.name.eq_ignore_ascii_case(name))
    }

    /// The groups that an account is in, sorted.
    pub fn groups_of(&self, account: AccountId) -> &[GroupId] {
        self.account_groups.get(&account).map_or(&[], Vec::as_slice)
    }

    /// Whether an account is in any group of an organisation.
    pub fn is_member(&self, account: AccountId, organisation: AccountId) -> bool {
        let groups = self.groups_of(account).iter().filter_map(|id| self.group(*id));
        groups.into_iter().any(|group| group.organisation == organisation)
    }

    /// Whether an account may change an organisation's groups: its owners and administrators.
    pub fn owns_groups(&self, account: AccountId, organisation: AccountId) -> bool {
        account == organisation || self.owns_organisation(account, organisation) || self.is_admin(account)
    }

    /// Everything that somebody was given, in no order.
    pub fn given_to(&self, subject: Subject) -> Vec<HeldOn<'_>> {
        let mut held = Vec::new();
        for channel in self.channels() {
            let whole = given::find(&channel.grants, subject);
            held.extend(whole.map(|level| HeldOn { channel, package: None, level }));
            let special = self.special_packages(channel.id).filter_map(|(kind, name, package)| {
                let level = given::find(&package.grants, subject)?;
                Some(HeldOn { channel, package: Some((kind, name)), level })
            });
            held.extend(special);
        }
        held
    }

    /// Whether an account knows of an organisation's groups: its owners and members do, and administrators.
    pub fn knows_groups(&self, account: AccountId, organisation: AccountId) -> bool {
        self.owns_groups(account, organisation) || self.is_member(account, organisation)
    }

    pub(crate) fn put_group(&mut self, group: Group) {
        let id = group.id;
        self.remove_group(id);
        for member in &group.members {
            self.join(*member, id);
        }
        self.groups.insert(id, group);
    }

    /// Puts an account into a group, if both are still there.
    pub(crate) fn add_member(&mut self, group: GroupId, account: AccountId) {
        if self.groups.get_mut(&group).is_some_and(|group| group.members.insert(account)) {
            self.join(account, group);
        }
    }

    /// Takes an account out of a group.
    pub(crate) fn remove_member(&mut self, group: GroupId, account: AccountId) {
        if self.groups.get_mut(&group).is_some_and(|group| group.members.remove(&account)) {
            self.leave(account, group);
        }
    }

    pub(crate) fn remove_group(&mut self, id: GroupId) {
        for member in self.groups.remove(&id).map(|group| group.members).unwrap_or_default() {
            self.leave(member, id);
        }
    }

    fn join(&mut self, account: AccountId, group: GroupId) {
        let groups = self.account_groups.entry(account).or_default();
        if let Err(place) = groups.binary_search(&group) {
            groups.insert(place, group);
        }
    }

    fn leave(&mut self, account: AccountId, group: GroupId) {
        if let Some(groups) = self.account_groups.get_mut(&account) {
            groups.retain(|id| *id != group);
            if groups.is_empty() {
                self.account_groups.remove(&account);
            }
        }
    }
}
