//! Groups of organisations, and who is in them.

use std::collections::BTreeSet;

use names::{AccountId, GroupId, PackageId};
use proto::event::v1 as stored;

use super::{Folded, level, text};
use crate::table::Table;
use crate::{Group, Subject, given};

impl Table {
    pub(crate) fn fold_group(&mut self, event: &stored::GroupCreated, members: &[Vec<u8>]) -> Folded<()> {
        let group = Group {
            id: GroupId::from_bytes(&event.group_id).map_err(text)?,
            organisation: AccountId::from_bytes(&event.organisation_id).map_err(text)?,
            name: event.name.as_str().into(),
            description: event.description.as_str().into(),
            level: level(event.level)?,
            members: accounts(members)?,
        };
        if self.group(group.id).is_none() {
            self.put_group(group);
        }
        Ok(())
    }

    pub(super) fn fold_group_changed(&mut self, event: &stored::GroupChanged) -> Folded<()> {
        let id = GroupId::from_bytes(&event.group_id).map_err(text)?;
        let level = level(event.level)?;
        if let Some(group) = self.groups.get_mut(&id) {
            group.name = event.name.as_str().into();
            group.description = event.description.as_str().into();
            group.level = level;
        }
        Ok(())
    }

    pub(super) fn fold_members(&mut self, event: &stored::GroupMembersChanged) -> Folded<()> {
        let id = GroupId::from_bytes(&event.group_id).map_err(text)?;
        for account in accounts(&event.added_ids)? {
            self.add_member(id, account);
        }
        for account in accounts(&event.removed_ids)? {
            self.remove_member(id, account);
        }
        Ok(())
    }

    /// What the group was given anywhere is given to nobody from here on.
    pub(super) fn fold_group_deleted(&mut self, id: &[u8]) -> Folded<()> {
        let id = GroupId::from_bytes(id).map_err(text)?;
        let subject = Subject::Group(id);
        for channel in self.channels.values_mut() {
            given::set(&mut channel.grants, subject, None);
        }
        let special = self.shelves.values().flat_map(|shelf| shelf.special());
        let held = special.filter(|(_, _, package)| given::find(&package.grants, subject).is_some());
        let held: Vec<PackageId> = held.map(|(_, _, package)| package.id).collect();
        for package in held {
            self.change_package(package, |package| {
                let mut grants = package.grants.to_vec();
                given::set(&mut grants, subject, None);
                package.grants = grants.into();
            });
        }
        self.remove_group(id);
        Ok(())
    }
}

fn accounts(ids: &[Vec<u8>]) -> Folded<BTreeSet<AccountId>> {
    ids.iter().map(|id| AccountId::from_bytes(id).map_err(text)).collect()
}
