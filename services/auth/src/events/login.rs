//! Subject `evt.access.name.<sha256>`: who holds a name. Catalog writes here too, for channels.

use names::{AccountId, ChannelId};
use proto::event::v1 as stored;
use proto::event::v1::event::Event as Stored;
use proto::event::v1::{name_released, name_taken};

use crate::domain::name::{Event, Holder};

/// Writes an event.
pub fn encode(event: &Event) -> stored::Event {
    let event = match event {
        Event::Taken(holder) => Stored::NameTaken(stored::NameTaken { holder: Some(taken(*holder)) }),
        Event::ReleasedByAccount(account) => released(name_released::Holder::AccountId(account.to_bytes())),
        Event::ReleasedByChannel(channel) => released(name_released::Holder::ChannelId(channel.to_bytes())),
    };
    stored::Event { event: Some(event) }
}

fn taken(holder: Holder) -> name_taken::Holder {
    match holder {
        Holder::Account(account) => name_taken::Holder::AccountId(account.to_bytes()),
        Holder::Channel { channel, owner } => name_taken::Holder::Channel(stored::ChannelHolder {
            channel_id: channel.to_bytes(),
            owner_id: owner.to_bytes(),
        }),
    }
}

fn released(holder: name_released::Holder) -> Stored {
    Stored::NameReleased(stored::NameReleased { holder: Some(holder) })
}

/// Reads an event. One that this version does not know, or that cannot stand here, says so.
pub fn decode(event: &stored::Event) -> Result<Option<Event>, String> {
    let event = event.event.as_ref().ok_or("an event of a kind unknown to this version")?;
    Ok(Some(match event {
        Stored::NameTaken(event) => {
            Event::Taken(match event.holder.as_ref().ok_or("a name without a holder")? {
                name_taken::Holder::AccountId(id) => Holder::Account(account_id(id)?),
                name_taken::Holder::Channel(holder) => Holder::Channel {
                    channel: channel_id(&holder.channel_id)?,
                    owner: account_id(&holder.owner_id)?,
                },
            })
        }
        Stored::NameReleased(event) => match event.holder.as_ref().ok_or("a name without a holder")? {
            name_released::Holder::AccountId(id) => Event::ReleasedByAccount(account_id(id)?),
            name_released::Holder::ChannelId(id) => Event::ReleasedByChannel(channel_id(id)?),
        },
        Stored::AccountCreated(_)
        | Stored::PasswordChanged(_)
        | Stored::AccountDisabled(_)
        | Stored::AccountEnabled(_)
        | Stored::OwnersChanged(_)
        | Stored::DefaultChannelChanged(_)
        | Stored::IndexingChanged(_)
        | Stored::RoleCreated(_)
        | Stored::RoleChanged(_)
        | Stored::RoleAssigned(_)
        | Stored::RoleUnassigned(_)
        | Stored::RoleDeleted(_)
        | Stored::TokenIssued(_)
        | Stored::TokenRevoked(_)
        | Stored::TokenEdited(_)
        | Stored::TokenReissued(_)
        | Stored::TokenOverlapEnded(_)
        | Stored::TokenExpiryWarned(_)
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
    }))
}

fn account_id(bytes: &[u8]) -> Result<AccountId, String> {
    AccountId::from_bytes(bytes).map_err(|reason| reason.to_string())
}

fn channel_id(bytes: &[u8]) -> Result<ChannelId, String> {
    ChannelId::from_bytes(bytes).map_err(|reason| reason.to_string())
}
