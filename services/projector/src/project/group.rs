//! Groups of organisations. A deleted group stays as a row: its id is never used again.

use std::collections::BTreeSet;

use names::{AccountId, GroupId, Level};
use proto::event::v1::{self as stored, GroupChanged, GroupCreated, GroupMembersChanged};
use readmodel::write::{GroupRow, Rows};

use super::{Context, Folded, context::text};

pub(crate) fn created(rows: &mut Rows, context: &Context<'_>, event: &GroupCreated) -> Folded<()> {
    let group = GroupRow {
        organisation_id: AccountId::from_bytes(&event.organisation_id).map_err(|error| error.to_string())?,
        name: text(&event.name),
        description: text(&event.description),
        level: level(event.level())?,
        members: BTreeSet::new(),
        created_at: context.at,
        deleted_at: None,
        seq: context.seq,
    };
    rows.groups.entry(group_id(&event.group_id)?).or_insert(group);
    Ok(())
}

pub(crate) fn changed(rows: &mut Rows, event: &GroupChanged) -> Folded<()> {
    let level = level(event.level())?;
    if let Some(group) = rows.groups.get_mut(&group_id(&event.group_id)?) {
        group.name = text(&event.name);
        group.description = text(&event.description);
        group.level = level;
    }
    Ok(())
}

pub(crate) fn members_changed(rows: &mut Rows, event: &GroupMembersChanged) -> Folded<()> {
    let accounts = |ids: &[Vec<u8>]| -> Folded<BTreeSet<AccountId>> {
        ids.iter().map(|id| AccountId::from_bytes(id).map_err(|error| error.to_string())).collect()
    };
    let (added, removed) = (accounts(&event.added_ids)?, accounts(&event.removed_ids)?);
    let group = rows.groups.get_mut(&group_id(&event.group_id)?);
    if let Some(group) = group.filter(|group| group.deleted_at.is_none()) {
        group.members.extend(added);
        group.members.retain(|member| !removed.contains(member));
    }
    Ok(())
}

pub(crate) fn deleted(rows: &mut Rows, context: &Context<'_>, id: &[u8]) -> Folded<()> {
    if let Some(group) = rows.groups.get_mut(&group_id(id)?) {
        group.deleted_at.get_or_insert(context.at);
        group.members.clear();
    }
    Ok(())
}

pub(crate) fn group_id(bytes: &[u8]) -> Folded<GroupId> {
    GroupId::from_bytes(bytes).map_err(|error| error.to_string())
}

fn level(level: stored::Level) -> Folded<Level> {
    match level {
        stored::Level::Read => Ok(Level::Read),
        stored::Level::Write => Ok(Level::Write),
        stored::Level::Manage => Ok(Level::Manage),
        stored::Level::None => Err("a group without a level".into()),
    }
}
