//! Roles: what their holders may do everywhere on the server, beside what they own or were given. A role adds; it takes
//! nothing from anybody.

use std::collections::BTreeSet;

use names::{AccountId, Level, RoleCategory, RoleCategory as C, RoleId, RoleLevels};

use crate::decide::By;
use crate::hold::Thing;
use crate::table::{Channel, Table};
use crate::{Action, Subject};

/// A custom role that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Its id; made again under the same name it has another.
    pub id: RoleId,
    /// Its name as it was typed.
    pub name: Box<str>,
    /// Free text.
    pub description: Box<str>,
    /// What its holders may do.
    pub levels: RoleLevels,
    /// Accounts and groups; a deleted group is still among them and opens nothing.
    pub holders: BTreeSet<Subject>,
}

impl Action {
    /// The category and the least level in it by which a role opens it everywhere. None: no role but admin does.
    pub fn role(self) -> Option<(RoleCategory, Level)> {
        use Level::{Manage, Read, Write};
        Some(match self {
            Self::ChannelView => (C::Channels, Read),
            Self::ChannelCreate => (C::Channels, Write),
            Self::ChannelEdit | Self::ChannelDelete => (C::Channels, Manage),
            Self::SubchannelView => (C::Subchannels, Read),
            Self::SubchannelCreate => (C::Subchannels, Write),
            Self::SubchannelEdit | Self::SubchannelDelete => (C::Subchannels, Manage),
            Self::ArtifactView
            | Self::SubchannelArtifactView
            | Self::CondaDownload
            | Self::PypiDownload
            | Self::FileDownload
            | Self::AnyDownload
            | Self::AnyView
            | Self::SubchannelAnyView
            | Self::AnyBulk => (C::Artifacts, Read),
            Self::CondaUpload
            | Self::PypiUpload
            | Self::CondaPublish
            | Self::PypiPublish
            | Self::FilePublish
            | Self::AnyPublish
            | Self::PackageCreate => (C::Artifacts, Write),
            Self::CondaDelete
            | Self::PypiDelete
            | Self::FileDelete
            | Self::AnyDelete
            | Self::CondaEdit
            | Self::PypiEdit
            | Self::FileEdit
            | Self::LabelEdit
            | Self::LabelLock
            | Self::PackageEdit
            | Self::PackageDelete => (C::Artifacts, Manage),
            Self::GrantView | Self::PackageGrantView => (C::ChannelGroups, Read),
            Self::GrantEdit | Self::PackageGrantEdit => (C::ChannelGroups, Manage),
            Self::SubchannelGrantView => (C::SubchannelGroups, Read),
            Self::SubchannelGrantEdit => (C::SubchannelGroups, Manage),
            Self::ChannelHistory | Self::SubchannelHistory | Self::EventsSubscribe => (C::AuditLog, Read),
            Self::RoleView => (C::Roles, Read),
            Self::RoleEdit => (C::Roles, Manage),
            Self::GroupView
            | Self::GroupEdit
            | Self::TokenView
            | Self::TokenEdit
            | Self::DefaultChannelEdit
            | Self::AccountView
            | Self::AccountCreate
            | Self::AccountDisable
            | Self::AccountPassword
            | Self::AccountOwners
            | Self::WhoAmI
            | Self::StatusView
            | Self::FeedFollow
            | Self::FeedAwait => return None,
        })
    }
}

impl Table {
    /// A custom role by id; a deleted one is not there.
    pub fn role(&self, id: RoleId) -> Option<&Role> {
        self.roles.get(&id)
    }

    /// Every custom role, in no order.
    pub fn roles(&self) -> impl Iterator<Item = &Role> {
        self.roles.values()
    }

    /// A custom role by its name, whatever the case.
    pub fn role_named(&self, name: &str) -> Option<&Role> {
        self.roles().find(|role| role.name.eq_ignore_ascii_case(name))
    }

    /// The custom roles that an account holds, by itself or through its groups, in no order.
    pub fn roles_of(&self, account: AccountId) -> impl Iterator<Item = &Role> {
        let groups = self.groups_of(account);
        let held = move |holder: &Subject| match holder {
            Subject::Account(id) => *id == account,
            Subject::Group(id) => groups.contains(id),
        };
        self.roles().filter(move |role| role.holders.iter().any(held))
    }

    /// What an account may do everywhere by its roles; everything, for an administrator.
    pub fn everywhere(&self, account: AccountId) -> RoleLevels {
        if self.is_admin(account) {
            return RoleLevels::all();
        }
        let by = |subject: Subject| self.role_levels.get(&subject).copied().unwrap_or_default();
        let groups = self.groups_of(account).iter().map(|id| by(Subject::Group(*id)));
        groups.fold(by(Subject::Account(account)), RoleLevels::or)
    }

    /// Whether a role of an account opens an action everywhere.
    pub(crate) fn role_opens(&self, account: AccountId, action: Action) -> Option<Level> {
        // Most servers have no roles of their own, and every request comes by here.
        if self.role_levels.is_empty() {
            return None;
        }
        let (category, least) = action.role()?;
        (self.everywhere(account).get(category) >= Some(least)).then_some(least)
    }

    /// What an account holds in a channel by its roles.
    pub(crate) fn by_role(
        &self,
        account: AccountId,
        action: Action,
        channel: &Channel,
        thing: Thing<'_>,
    ) -> Option<(Level, By)> {
        let action = action.on(channel.parent.is_some());
        let least = self.role_opens(account, action)?;
        let (category, _) = action.role()?;
        let held = (action.level()?, By::Role(category, least));
        match (thing, category) {
            (Thing::Whole, _)
            | (Thing::Package(_), C::Artifacts | C::ChannelGroups | C::SubchannelGroups) => Some(held),
            // Who sees channels sees no private package by that.
            (Thing::Package(_), C::Channels | C::Subchannels | C::AuditLog | C::Roles) | (Thing::Part, _) => {
                None
            }
        }
    }

    pub(crate) fn put_role(&mut self, role: Role) {
        self.roles.insert(role.id, role);
        self.index_roles();
    }

    pub(crate) fn change_role(&mut self, id: RoleId, change: impl FnOnce(&mut Role)) {
        self.roles.entry(id).and_modify(change);
        self.index_roles();
    }

    pub(crate) fn remove_role(&mut self, id: RoleId) {
        self.roles.remove(&id);
        self.index_roles();
    }

    /// Roles change rarely and are asked for with every request.
    fn index_roles(&mut self) {
        self.role_levels.clear();
        for role in self.roles.values() {
            for holder in &role.holders {
                let levels = self.role_levels.entry(*holder).or_default();
                *levels = levels.or(role.levels);
            }
        }
    }
}
