//! Subject `evt.access.channel.<channel id>`.

use names::{ChannelName, Privacy};
use proto::event::v1 as stored;
use proto::event::v1::event::Event as Stored;
use proto::event::v1::{access, access_changed};

use super::{account_id, channel_id, known, privacy_from_stored, privacy_to_stored};
use crate::domain::channel::Event;

/// Writes an event.
pub fn encode(event: &Event) -> stored::Event {
    let event = match event {
        Event::Created { id, name, owner, privacy, description } => {
            Stored::ChannelCreated(stored::ChannelCreated {
                channel_id: id.to_bytes(),
                name: name.to_string(),
                owner_id: owner.to_bytes(),
                privacy: privacy_to_stored(*privacy).into(),
                description: description.clone(),
            })
        }
        Event::Described { id, description } => Stored::ChannelDescribed(stored::ChannelDescribed {
            channel_id: id.to_bytes(),
            description: description.clone(),
        }),
        Event::PrivacyChanged { id, before, after } => Stored::AccessChanged(stored::AccessChanged {
            object: Some(access_changed::Object::ChannelId(id.to_bytes())),
            subject: Some(access_changed::Subject::Everyone(stored::Everyone {})),
            before: Some(access(*before)),
            after: Some(access(*after)),
        }),
        Event::Deleted { id } => Stored::ChannelDeleted(stored::ChannelDeleted { channel_id: id.to_bytes() }),
    };
    stored::Event { event: Some(event) }
}

fn access(privacy: Privacy) -> stored::Access {
    stored::Access { access: Some(access::Access::Privacy(privacy_to_stored(privacy).into())) }
}

/// Reads an event. One that this version does not know, or that cannot stand here, says so.
pub fn decode(event: &stored::Event) -> Result<Option<Event>, String> {
    let event = match known(event)? {
        Stored::ChannelCreated(event) => Event::Created {
            id: channel_id(&event.channel_id)?,
            name: ChannelName::parse(&event.name).map_err(|reason| reason.to_string())?,
            owner: account_id(&event.owner_id)?,
            privacy: privacy_from_stored(event.privacy()).ok_or("a channel without a privacy")?,
            description: event.description.clone(),
        },
        Stored::ChannelDescribed(event) => {
            Event::Described { id: channel_id(&event.channel_id)?, description: event.description.clone() }
        }
        Stored::AccessChanged(event) => changed(event)?,
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
        | Stored::NameTaken(_)
        | Stored::NameReleased(_)
        | Stored::PackageCreated(_)
        | Stored::ArtifactPublished(_)
        | Stored::ArtifactRemoved(_) => return Err("an event that is not about a channel".into()),
    };
    Ok(Some(event))
}

fn changed(event: &stored::AccessChanged) -> Result<Event, String> {
    let Some(access_changed::Object::ChannelId(id)) = &event.object else {
        return Err("a change of access to something that is no channel".into());
    };
    let Some(access_changed::Subject::Everyone(_)) = &event.subject else {
        return Err("a change of access for somebody: this version knows only everyone".into());
    };
    let privacy = |access: &Option<stored::Access>| match access.as_ref().and_then(|access| access.access) {
        Some(access::Access::Privacy(privacy)) => {
            stored::Privacy::try_from(privacy).ok().and_then(privacy_from_stored)
        }
        Some(access::Access::Level(_)) | None => None,
    };
    let missing = "a change of access without a privacy";
    Ok(Event::PrivacyChanged {
        id: channel_id(id)?,
        before: privacy(&event.before).ok_or(missing)?,
        after: privacy(&event.after).ok_or(missing)?,
    })
}
