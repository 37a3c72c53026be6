//! Subject `evt.access.name.<sha256>`: who holds a name. Auth writes here too, for logins.

use proto::event::v1 as stored;
use proto::event::v1::event::Event as Stored;
use proto::event::v1::{name_released, name_taken};

use super::{account_id, channel_id, known};
use crate::domain::name::Event;

/// Writes an event.
pub fn encode(event: &Event) -> stored::Event {
    let event = match event {
        Event::TakenByAccount(account) => taken(name_taken::Holder::AccountId(account.to_bytes())),
        Event::TakenByChannel { channel, owner } => {
            taken(name_taken::Holder::Channel(stored::ChannelHolder {
                channel_id: channel.to_bytes(),
                owner_id: owner.to_bytes(),
            }))
        }
        Event::ReleasedByAccount(account) => released(name_released::Holder::AccountId(account.to_bytes())),
        Event::ReleasedByChannel(channel) => released(name_released::Holder::ChannelId(channel.to_bytes())),
    };
    stored::Event { event: Some(event) }
}

fn taken(holder: name_taken::Holder) -> Stored {
    Stored::NameTaken(stored::NameTaken { holder: Some(holder) })
}

fn released(holder: name_released::Holder) -> Stored {
    Stored::NameReleased(stored::NameReleased { holder: Some(holder) })
}

/// Reads an event. One that this version does not know, or that cannot stand here, says so.
pub fn decode(event: &stored::Event) -> Result<Option<Event>, String> {
    const NO_HOLDER: &str = "a name without a holder";
    let event = match known(event)? {
        Stored::NameTaken(event) => match event.holder.as_ref().ok_or(NO_HOLDER)? {
            name_taken::Holder::AccountId(id) => Event::TakenByAccount(account_id(id)?),
            name_taken::Holder::Channel(holder) => Event::TakenByChannel {
                channel: channel_id(&holder.channel_id)?,
                owner: account_id(&holder.owner_id)?,
            },
        },
        Stored::NameReleased(event) => match event.holder.as_ref().ok_or(NO_HOLDER)? {
            name_released::Holder::AccountId(id) => Event::ReleasedByAccount(account_id(id)?),
            name_released::Holder::ChannelId(id) => Event::ReleasedByChannel(channel_id(id)?),
        },
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
        | Stored::IndexingChanged(_)
        | Stored::RoleCreated(_)
        | Stored::RoleChanged(_)
        | Stored::RoleAssigned(_)
        | Stored::RoleUnassigned(_)
        | Stored::RoleDeleted(_)
        | Stored::ChannelCreated(_)
        | Stored::ChannelDescribed(_)
        | Stored::ChannelDeleted(_)
        | Stored::AccessChanged(_)
        | Stored::PackageCreated(_)
        | Stored::PackageDeleted(_)
        | Stored::GroupCreated(_)
        | Stored::GroupChanged(_)
        | Stored::GroupMembersChanged(_)
        | Stored::GroupDeleted(_)
        | Stored::ArtifactPublished(_)
        | Stored::ArtifactRemoved(_)
        | Stored::LabelsChanged(_)
        | Stored::LabelLockChanged(_) => return Err("an event that is not about a name".into()),
    };
    Ok(Some(event))
}
