//! Subject `evt.access.group.<organisation's account id>`.

use std::collections::BTreeSet;

use names::{AccountId, GroupName, Level};
use proto::event::v1 as stored;
use proto::event::v1::event::Event as Stored;

use super::{account_id, group_id, known, level_from_stored, level_to_stored};
use crate::domain::group::Event;

/// Writes an event.
pub fn encode(event: &Event) -> stored::Event {
    let event = match event {
        Event::Created { id, organisation, name, description, level } => {
            Stored::GroupCreated(stored::GroupCreated {
                group_id: id.to_bytes(),
                organisation_id: organisation.to_bytes(),
                name: name.to_string(),
                description: description.clone(),
                level: level_to_stored(Some(*level)).into(),
            })
        }
        Event::Changed { id, name, description, level } => Stored::GroupChanged(stored::GroupChanged {
            group_id: id.to_bytes(),
            name: name.to_string(),
            description: description.clone(),
            level: level_to_stored(Some(*level)).into(),
        }),
        Event::MembersChanged { id, added, removed } => {
            let ids = |ids: &BTreeSet<AccountId>| ids.iter().map(|id| id.to_bytes()).collect();
            Stored::GroupMembersChanged(stored::GroupMembersChanged {
                group_id: id.to_bytes(),
                added_ids: ids(added),
                removed_ids: ids(removed),
            })
        }
        Event::Deleted { id } => Stored::GroupDeleted(stored::GroupDeleted { group_id: id.to_bytes() }),
    };
    stored::Event { event: Some(event) }
}

/// Reads an event. One that this version does not know, or that cannot stand here, says so.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever is not about a group cannot stand here")]
pub fn decode(event: &stored::Event) -> Result<Option<Event>, String> {
    let event = match known(event)? {
        Stored::GroupCreated(event) => Event::Created {
            id: group_id(&event.group_id)?,
            organisation: account_id(&event.organisation_id)?,
            name: name(&event.name)?,
            description: event.description.clone(),
            level: level(event.level())?,
        },
        Stored::GroupChanged(event) => Event::Changed {
            id: group_id(&event.group_id)?,
            name: name(&event.name)?,
            description: event.description.clone(),
            level: level(event.level())?,
        },
        Stored::GroupMembersChanged(event) => {
            let ids = |ids: &[Vec<u8>]| ids.iter().map(|id| account_id(id)).collect::<Result<_, _>>();
            let (added, removed) = (ids(&event.added_ids)?, ids(&event.removed_ids)?);
            Event::MembersChanged { id: group_id(&event.group_id)?, added, removed }
        }
        Stored::GroupDeleted(event) => Event::Deleted { id: group_id(&event.group_id)? },
        _ => return Err("an event that is not about a group".into()),
    };
    Ok(Some(event))
}

fn name(text: &str) -> Result<GroupName, String> {
    GroupName::parse(text).map_err(|reason| reason.to_string())
}

fn level(level: stored::Level) -> Result<Level, String> {
    level_from_stored(level).ok_or_else(|| "a group without a level".into())
}
