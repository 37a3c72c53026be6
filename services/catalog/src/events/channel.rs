//! Subject `evt.access.channel.<channel id>`.

use names::{ChannelId, ChannelName, Indexing, LabelName};
use proto::event::v1 as stored;
use proto::event::v1::access_changed;
use proto::event::v1::event::Event as Stored;

use super::{
    access_level, access_privacy, account_id, channel_id, indexing_from_stored, indexing_to_stored, known,
    level_access, privacy_access, privacy_from_stored, privacy_to_stored, subject_from_stored,
    subject_to_stored,
};
use crate::domain::channel::Event;

/// Writes an event.
pub fn encode(event: &Event) -> stored::Event {
    let event = match event {
        Event::Created { id, name, parent, owner, privacy, description } => {
            Stored::ChannelCreated(stored::ChannelCreated {
                channel_id: id.to_bytes(),
                name: name.to_string(),
                owner_id: owner.to_bytes(),
                privacy: privacy_to_stored(*privacy).into(),
                description: description.clone(),
                parent_id: parent.map(ChannelId::to_bytes).unwrap_or_default(),
            })
        }
        Event::Described { id, description } => Stored::ChannelDescribed(stored::ChannelDescribed {
            channel_id: id.to_bytes(),
            description: description.clone(),
        }),
        Event::PrivacyChanged { id, before, after } => Stored::AccessChanged(stored::AccessChanged {
            object: Some(access_changed::Object::ChannelId(id.to_bytes())),
            subject: Some(access_changed::Subject::Everyone(stored::Everyone {})),
            before: Some(privacy_access(*before)),
            after: Some(privacy_access(*after)),
        }),
        Event::IndexingChanged { id, before, after } => Stored::IndexingChanged(stored::IndexingChanged {
            channel_id: id.to_bytes(),
            before: indexing_to_stored(*before).into(),
            after: indexing_to_stored(*after).into(),
        }),
        Event::LevelChanged { id, subject, before, after } => Stored::AccessChanged(stored::AccessChanged {
            object: Some(access_changed::Object::ChannelId(id.to_bytes())),
            subject: Some(subject_to_stored(*subject)),
            before: Some(level_access(*before)),
            after: Some(level_access(*after)),
        }),
        Event::LabelLockChanged { id, label, locked } => Stored::LabelLockChanged(stored::LabelLockChanged {
            channel_id: id.to_bytes(),
            label: label.to_string(),
            locked: *locked,
        }),
        Event::Deleted { id } => Stored::ChannelDeleted(stored::ChannelDeleted { channel_id: id.to_bytes() }),
    };
    stored::Event { event: Some(event) }
}

/// Reads an event. One that this version does not know, or that cannot stand here, says so.
pub fn decode(event: &stored::Event) -> Result<Option<Event>, String> {
    let event = match known(event)? {
        Stored::ChannelCreated(event) => Event::Created {
            id: channel_id(&event.channel_id)?,
            name: ChannelName::parse(&event.name).map_err(|reason| reason.to_string())?,
            parent: match event.parent_id.as_slice() {
                [] => None,
                parent => Some(channel_id(parent)?),
            },
            owner: account_id(&event.owner_id)?,
            privacy: privacy_from_stored(event.privacy()).ok_or("a channel without a privacy")?,
            description: event.description.clone(),
        },
        Stored::ChannelDescribed(event) => {
            Event::Described { id: channel_id(&event.channel_id)?, description: event.description.clone() }
        }
        Stored::AccessChanged(event) => changed(event)?,
        Stored::IndexingChanged(event) => Event::IndexingChanged {
            id: channel_id(&event.channel_id)?,
            before: indexing(event.before)?,
            after: indexing(event.after)?,
        },
        Stored::LabelLockChanged(event) => Event::LabelLockChanged {
            id: channel_id(&event.channel_id)?,
            label: LabelName::parse(&event.label).map_err(|reason| reason.to_string())?,
            locked: event.locked,
        },
        Stored::ChannelDeleted(event) => Event::Deleted { id: channel_id(&event.channel_id)? },
        Stored::AccountCreated(_)
        | Stored::PasswordChanged(_)
        | Stored::AccountDisabled(_)
        | Stored::AccountEnabled(_)
        | Stored::TokenIssued(_)
        | Stored::TokenRevoked(_)
        | Stored::TokenEdited(_)
        | Stored::TokenReissued(_)
        | Stored::TokenOverlapEnded(_)
        | Stored::TokenExpiryWarned(_)
        | Stored::OwnersChanged(_)
        | Stored::DefaultChannelChanged(_)
        | Stored::RoleCreated(_)
        | Stored::RoleChanged(_)
        | Stored::RoleAssigned(_)
        | Stored::RoleUnassigned(_)
        | Stored::RoleDeleted(_)
        | Stored::NameTaken(_)
        | Stored::NameReleased(_)
        | Stored::PackageCreated(_)
        | Stored::PackageDeleted(_)
        | Stored::GroupCreated(_)
        | Stored::GroupChanged(_)
        | Stored::GroupMembersChanged(_)
        | Stored::GroupDeleted(_)
        | Stored::ArtifactPublished(_)
        | Stored::ArtifactRemoved(_)
        | Stored::LabelsChanged(_) => return Err("an event that is not about a channel".into()),
    };
    Ok(Some(event))
}

fn indexing(stored: i32) -> Result<Indexing, String> {
    let stored = stored::Indexing::try_from(stored).map_err(|reason| reason.to_string())?;
    Ok(indexing_from_stored(stored))
}

fn changed(event: &stored::AccessChanged) -> Result<Event, String> {
    let Some(access_changed::Object::ChannelId(id)) = &event.object else {
        return Err("a change of access to something that is no channel".into());
    };
    let id = channel_id(id)?;
    match &event.subject {
        Some(access_changed::Subject::Everyone(_)) => {
            let missing = "a change of access for everyone without a privacy";
            let (before, after) =
                (access_privacy(event.before.as_ref()), access_privacy(event.after.as_ref()));
            Ok(Event::PrivacyChanged { id, before: before.ok_or(missing)?, after: after.ok_or(missing)? })
        }
        Some(subject) => {
            let missing = "a change of access for somebody without a level";
            let (before, after) = (access_level(event.before.as_ref()), access_level(event.after.as_ref()));
            let subject = subject_from_stored(subject)?.ok_or("a change of access for nobody")?;
            let (before, after) = (before.ok_or(missing)?, after.ok_or(missing)?);
            Ok(Event::LevelChanged { id, subject, before, after })
        }
        None => Err("a change of access for nobody".into()),
    }
}
