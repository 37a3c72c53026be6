//! Subject `evt.auth.roles`: custom roles, who holds them, and who is an administrator.

use names::{Level, RoleCategory, RoleId, RoleLevels, RoleName, Subject};
use proto::event::v1 as stored;
use proto::event::v1::event::Event as Stored;
use proto::event::v1::role_holder::Holder;

use super::owner::account_id;
use crate::domain::role::Event;

/// Writes an event.
pub fn encode(event: &Event) -> stored::Event {
    let event = match event {
        Event::Created { id, name, description, levels } => Stored::RoleCreated(stored::RoleCreated {
            role_id: id.to_bytes(),
            name: name.to_string(),
            description: description.clone(),
            levels: levels_to_stored(levels),
        }),
        Event::Changed { id, name, description, before, after } => Stored::RoleChanged(stored::RoleChanged {
            role_id: id.to_bytes(),
            name: name.to_string(),
            description: description.clone(),
            before: levels_to_stored(before),
            after: levels_to_stored(after),
        }),
        Event::Assigned { id, holder } => Stored::RoleAssigned(stored::RoleAssigned {
            role_id: id.to_bytes(),
            holder: Some(holder_to_stored(*holder)),
        }),
        Event::Unassigned { id, holder } => Stored::RoleUnassigned(stored::RoleUnassigned {
            role_id: id.to_bytes(),
            holder: Some(holder_to_stored(*holder)),
        }),
        Event::Deleted { id } => Stored::RoleDeleted(stored::RoleDeleted { role_id: id.to_bytes() }),
    };
    stored::Event { event: Some(event) }
}

/// Reads an event. One that this version does not know, or that cannot stand here, says so.
#[expect(clippy::wildcard_enum_match_arm, reason = "whatever is not about a role cannot stand here")]
pub fn decode(event: &stored::Event) -> Result<Option<Event>, String> {
    let event = event.event.as_ref().ok_or("an event of a kind unknown to this version")?;
    Ok(Some(match event {
        Stored::RoleCreated(event) => Event::Created {
            id: role_id(&event.role_id)?,
            name: name(&event.name)?,
            description: event.description.clone(),
            levels: levels(&event.levels)?,
        },
        Stored::RoleChanged(event) => Event::Changed {
            id: role_id(&event.role_id)?,
            name: name(&event.name)?,
            description: event.description.clone(),
            before: levels(&event.before)?,
            after: levels(&event.after)?,
        },
        Stored::RoleAssigned(event) => {
            Event::Assigned { id: role_id(&event.role_id)?, holder: holder(event.holder.as_ref())? }
        }
        Stored::RoleUnassigned(event) => {
            Event::Unassigned { id: role_id(&event.role_id)?, holder: holder(event.holder.as_ref())? }
        }
        Stored::RoleDeleted(event) => Event::Deleted { id: role_id(&event.role_id)? },
        _ => return Err("an event that is not about a role".into()),
    }))
}

/// The levels that are not none, in the order of their categories.
pub fn levels_to_stored(levels: &RoleLevels) -> Vec<stored::RoleLevel> {
    let level = |level| match level {
        Level::Read => stored::Level::Read,
        Level::Write => stored::Level::Write,
        Level::Manage => stored::Level::Manage,
    };
    let stored = |(category, given)| stored::RoleLevel {
        category: category_to_stored(category).into(),
        level: level(given).into(),
    };
    levels.given().map(stored).collect()
}

/// Reads levels. A category that this version does not know says so, and a level of none is none.
pub fn levels(stored: &[stored::RoleLevel]) -> Result<RoleLevels, String> {
    stored.iter().try_fold(RoleLevels::default(), |levels, it| {
        let level = match it.level() {
            stored::Level::None => None,
            stored::Level::Read => Some(Level::Read),
            stored::Level::Write => Some(Level::Write),
            stored::Level::Manage => Some(Level::Manage),
        };
        let category = category(it.category()).ok_or("a category of roles unknown to this version")?;
        Ok(levels.with(category, level))
    })
}

fn category_to_stored(category: RoleCategory) -> stored::RoleCategory {
    match category {
        RoleCategory::Channels => stored::RoleCategory::Channels,
        RoleCategory::ChannelGroups => stored::RoleCategory::ChannelGroups,
        RoleCategory::Subchannels => stored::RoleCategory::Subchannels,
        RoleCategory::SubchannelGroups => stored::RoleCategory::SubchannelGroups,
        RoleCategory::Artifacts => stored::RoleCategory::Artifacts,
        RoleCategory::AuditLog => stored::RoleCategory::AuditLog,
        RoleCategory::Roles => stored::RoleCategory::Roles,
    }
}

/// None of a category that this version does not know.
pub fn category(stored: stored::RoleCategory) -> Option<RoleCategory> {
    Some(match stored {
        stored::RoleCategory::Channels => RoleCategory::Channels,
        stored::RoleCategory::ChannelGroups => RoleCategory::ChannelGroups,
        stored::RoleCategory::Subchannels => RoleCategory::Subchannels,
        stored::RoleCategory::SubchannelGroups => RoleCategory::SubchannelGroups,
        stored::RoleCategory::Artifacts => RoleCategory::Artifacts,
        stored::RoleCategory::AuditLog => RoleCategory::AuditLog,
        stored::RoleCategory::Roles => RoleCategory::Roles,
        stored::RoleCategory::Unspecified => return None,
    })
}

fn holder_to_stored(holder: Subject) -> stored::RoleHolder {
    let holder = match holder {
        Subject::Account(id) => Holder::AccountId(id.to_bytes()),
        Subject::Group(id) => Holder::GroupId(id.to_bytes()),
    };
    stored::RoleHolder { holder: Some(holder) }
}

fn holder(stored: Option<&stored::RoleHolder>) -> Result<Subject, String> {
    match stored.and_then(|stored| stored.holder.as_ref()) {
        Some(Holder::AccountId(id)) => account_id(id).map(Subject::Account),
        Some(Holder::GroupId(id)) => {
            names::GroupId::from_bytes(id).map(Subject::Group).map_err(|reason| reason.to_string())
        }
        None => Err("a role that is held by nobody this version knows".into()),
    }
}

fn role_id(bytes: &[u8]) -> Result<RoleId, String> {
    RoleId::from_bytes(bytes).map_err(|reason| reason.to_string())
}

fn name(text: &str) -> Result<RoleName, String> {
    RoleName::parse(text).map_err(|reason| reason.to_string())
}
