//! Subject `evt.auth.owner.<account id>`: an account and its tokens.

use names::{AccountId, ChannelId};
use proto::event::v1 as stored;
use proto::event::v1::event::Event as Stored;

use super::{time_of, token};
use crate::domain::account::{Created, Event, Kind, Sealed};

/// Writes an event.
pub fn encode(event: &Event) -> stored::Event {
    let event = match event {
        Event::Created(created) => Stored::AccountCreated(account_created(created)),
        Event::PasswordChanged { account, password } => Stored::PasswordChanged(stored::PasswordChanged {
            account_id: account.to_bytes(),
            password_hash: Some(personal(password)),
        }),
        Event::Disabled { account, reason } => Stored::AccountDisabled(stored::AccountDisabled {
            account_id: account.to_bytes(),
            reason: reason.clone(),
        }),
        Event::Enabled { account } => {
            Stored::AccountEnabled(stored::AccountEnabled { account_id: account.to_bytes() })
        }
        Event::OwnersChanged { account, owners } => Stored::OwnersChanged(stored::OwnersChanged {
            account_id: account.to_bytes(),
            owner_ids: owners.iter().map(|id| id.to_bytes()).collect(),
        }),
        Event::DefaultChannelChanged { account, before, after } => {
            let id = |channel: &Option<ChannelId>| channel.map(ChannelId::to_bytes).unwrap_or_default();
            Stored::DefaultChannelChanged(stored::DefaultChannelChanged {
                account_id: account.to_bytes(),
                before_channel_id: id(before),
                after_channel_id: id(after),
            })
        }
        Event::Token(event) => token::encode(event),
    };
    stored::Event { event: Some(event) }
}

/// Reads an event. One that this version does not know, or that cannot stand here, says so.
pub fn decode(event: &stored::Event) -> Result<Option<Event>, String> {
    let event = event.event.as_ref().ok_or("an event of a kind unknown to this version")?;
    Ok(Some(match event {
        Stored::AccountCreated(event) => Event::Created(created(event)?),
        Stored::PasswordChanged(event) => Event::PasswordChanged {
            account: account_id(&event.account_id)?,
            password: sealed(event.password_hash.as_ref()),
        },
        Stored::AccountDisabled(event) => {
            Event::Disabled { account: account_id(&event.account_id)?, reason: event.reason.clone() }
        }
        Stored::AccountEnabled(event) => Event::Enabled { account: account_id(&event.account_id)? },
        Stored::OwnersChanged(event) => Event::OwnersChanged {
            account: account_id(&event.account_id)?,
            owners: event.owner_ids.iter().map(|id| account_id(id)).collect::<Result<_, _>>()?,
        },
        Stored::DefaultChannelChanged(event) => Event::DefaultChannelChanged {
            account: account_id(&event.account_id)?,
            before: channel_id(&event.before_channel_id)?,
            after: channel_id(&event.after_channel_id)?,
        },
        Stored::TokenIssued(_)
        | Stored::TokenRevoked(_)
        | Stored::TokenEdited(_)
        | Stored::TokenReissued(_)
        | Stored::TokenOverlapEnded(_)
        | Stored::TokenExpiryWarned(_) => Event::Token(token::decode(event)?),
        Stored::NameTaken(_)
        | Stored::NameReleased(_)
        | Stored::ChannelCreated(_)
        | Stored::ChannelDescribed(_)
        | Stored::ChannelDeleted(_)
        | Stored::IndexingChanged(_)
        | Stored::RoleCreated(_)
        | Stored::RoleChanged(_)
        | Stored::RoleAssigned(_)
        | Stored::RoleUnassigned(_)
        | Stored::RoleDeleted(_)
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
        | Stored::LabelLockChanged(_) => return Err("an event that is not about an account or token".into()),
    }))
}

fn account_created(created: &Created) -> stored::AccountCreated {
    stored::AccountCreated {
        account_id: created.account.to_bytes(),
        kind: match created.kind {
            Kind::Person => stored::AccountKind::Person,
            Kind::Organisation => stored::AccountKind::Organisation,
            Kind::ServiceAccount => stored::AccountKind::ServiceAccount,
        }
        .into(),
        login: Some(personal(&created.login)),
        password_hash: created.password.as_ref().map(personal),
        admin: created.admin,
        owner_ids: created.owners.iter().map(|id| id.to_bytes()).collect(),
    }
}

fn created(event: &stored::AccountCreated) -> Result<Created, String> {
    let account = account_id(&event.account_id)?;
    Ok(Created {
        account,
        kind: match event.kind() {
            stored::AccountKind::Person => Kind::Person,
            stored::AccountKind::Organisation => Kind::Organisation,
            stored::AccountKind::ServiceAccount => Kind::ServiceAccount,
            stored::AccountKind::Unspecified => {
                return Err("an account of a kind unknown to this version".into());
            }
        },
        created_at: time_of(account.0),
        login: sealed(event.login.as_ref()),
        password: event.password_hash.as_ref().map(|hash| sealed(Some(hash))),
        admin: event.admin,
        owners: event.owner_ids.iter().map(|id| account_id(id)).collect::<Result<_, _>>()?,
    })
}

fn channel_id(bytes: &[u8]) -> Result<Option<ChannelId>, String> {
    match bytes {
        [] => Ok(None),
        bytes => ChannelId::from_bytes(bytes).map(Some).map_err(|reason| reason.to_string()),
    }
}

pub(super) fn personal(sealed: &Sealed) -> stored::Personal {
    stored::Personal { ciphertext: sealed.0.clone() }
}

pub(super) fn sealed(personal: Option<&stored::Personal>) -> Sealed {
    Sealed(personal.map(|personal| personal.ciphertext.clone()).unwrap_or_default())
}

pub(super) fn account_id(bytes: &[u8]) -> Result<AccountId, String> {
    AccountId::from_bytes(bytes).map_err(|reason| reason.to_string())
}
