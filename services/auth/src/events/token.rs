//! Events of tokens, on the subject of their owner.

use names::{ChannelId, InvalidName, Level, Scope, TokenId, TokenName};
use proto::event::v1 as stored;
use proto::event::v1::event::Event as Stored;

use super::owner::{account_id, personal, sealed};
use super::{instant, micros, time_of};
use crate::domain::account::Sealed;
use crate::domain::token::{Event, Grant, Issued, Kind, Secret};

pub(super) fn encode(event: &Event) -> Stored {
    match event {
        Event::Issued(issued) => Stored::TokenIssued(token_issued(issued)),
        Event::Edited { token, name, description, expires_at, from } => {
            Stored::TokenEdited(stored::TokenEdited {
                token_id: token.to_bytes(),
                name: name.to_string(),
                description: description.clone(),
                expires_at_us: micros(*expires_at),
                from_address: from.as_ref().map(personal),
            })
        }
        Event::Reissued { token, secret, older_end_at, expires_at, from } => {
            Stored::TokenReissued(stored::TokenReissued {
                token_id: token.to_bytes(),
                secret: Some(stored_secret(secret)),
                older_end_at_us: micros(*older_end_at),
                expires_at_us: micros(*expires_at),
                from_address: from.as_ref().map(personal),
            })
        }
        Event::OverlapEnded { token, from } => Stored::TokenOverlapEnded(stored::TokenOverlapEnded {
            token_id: token.to_bytes(),
            from_address: from.as_ref().map(personal),
        }),
        Event::Revoked { token, reason, from } => Stored::TokenRevoked(stored::TokenRevoked {
            token_id: token.to_bytes(),
            reason: reason.clone(),
            from_address: from.as_ref().map(personal),
        }),
        Event::ExpiryWarned { token, expires_at } => Stored::TokenExpiryWarned(stored::TokenExpiryWarned {
            token_id: token.to_bytes(),
            expires_at_us: micros(*expires_at),
        }),
    }
}

pub(super) fn decode(event: &Stored) -> Result<Event, String> {
    Ok(match event {
        Stored::TokenIssued(event) => Event::Issued(issued(event)?),
        Stored::TokenEdited(event) => Event::Edited {
            token: token_id(&event.token_id)?,
            name: token_name(&event.name)?,
            description: event.description.clone(),
            expires_at: instant(event.expires_at_us)?,
            from: address(event.from_address.as_ref()),
        },
        Stored::TokenReissued(event) => Event::Reissued {
            token: token_id(&event.token_id)?,
            secret: secret(event.secret.as_ref().ok_or("a token is reissued without a secret")?)?,
            older_end_at: instant(event.older_end_at_us)?,
            expires_at: instant(event.expires_at_us)?,
            from: address(event.from_address.as_ref()),
        },
        Stored::TokenOverlapEnded(event) => Event::OverlapEnded {
            token: token_id(&event.token_id)?,
            from: address(event.from_address.as_ref()),
        },
        Stored::TokenRevoked(event) => Event::Revoked {
            token: token_id(&event.token_id)?,
            reason: event.reason.clone(),
            from: address(event.from_address.as_ref()),
        },
        Stored::TokenExpiryWarned(event) => Event::ExpiryWarned {
            token: token_id(&event.token_id)?,
            expires_at: instant(event.expires_at_us)?,
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
        | Stored::NameTaken(_)
        | Stored::NameReleased(_)
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
        | Stored::LabelLockChanged(_) => return Err("an event that is not about a token".into()),
    })
}

fn token_issued(issued: &Issued) -> stored::TokenIssued {
    let grant = |grant: &Grant| stored::TokenGrant {
        channel_id: grant.channel.to_bytes(),
        level: match grant.level {
            Level::Read => stored::Level::Read,
            Level::Write => stored::Level::Write,
            Level::Manage => stored::Level::Manage,
        }
        .into(),
    };
    stored::TokenIssued {
        token_id: issued.token.to_bytes(),
        owner_id: issued.owner.to_bytes(),
        kind: match issued.kind {
            Kind::Session => stored::TokenKind::Session,
            Kind::Resource => stored::TokenKind::Resource,
            Kind::Scoped => stored::TokenKind::Scoped,
        }
        .into(),
        name: issued.name.to_string(),
        description: issued.description.clone(),
        expires_at_us: micros(issued.expires_at),
        secrets: issued.secrets.iter().map(stored_secret).collect(),
        grants: issued.grants.iter().map(grant).collect(),
        maker_token_id: issued.maker.map(|maker| maker.to_bytes()).unwrap_or_default(),
        scopes: issued.scopes.iter().map(|scope| scope.to_string()).collect(),
        from_address: issued.from.as_ref().map(personal),
    }
}

fn issued(event: &stored::TokenIssued) -> Result<Issued, String> {
    let token = token_id(&event.token_id)?;
    let maker = (!event.maker_token_id.is_empty()).then(|| token_id(&event.maker_token_id)).transpose()?;
    Ok(Issued {
        token,
        owner: account_id(&event.owner_id)?,
        kind: match event.kind() {
            stored::TokenKind::Session => Kind::Session,
            stored::TokenKind::Resource => Kind::Resource,
            stored::TokenKind::Scoped => Kind::Scoped,
            stored::TokenKind::Unspecified => return Err("a token of a kind unknown to this version".into()),
        },
        name: token_name(&event.name)?,
        description: event.description.clone(),
        issued_at: time_of(token.0),
        expires_at: instant(event.expires_at_us)?,
        secrets: event.secrets.iter().map(secret).collect::<Result<_, _>>()?,
        grants: event.grants.iter().map(grant).collect::<Result<_, _>>()?,
        scopes: event.scopes.iter().map(|name| scope(name)).collect::<Result<_, _>>()?,
        maker,
        from: address(event.from_address.as_ref()),
    })
}

fn stored_secret(secret: &Secret) -> stored::TokenSecret {
    stored::TokenSecret { sha256: secret.sha256.to_vec(), ends_at_us: micros(secret.ends_at) }
}

fn secret(secret: &stored::TokenSecret) -> Result<Secret, String> {
    let sha256 = secret.sha256.as_slice().try_into().map_err(|_| "a token's hash that is no SHA-256")?;
    Ok(Secret { sha256, ends_at: instant(secret.ends_at_us)? })
}

fn grant(grant: &stored::TokenGrant) -> Result<Grant, String> {
    let channel = ChannelId::from_bytes(&grant.channel_id).map_err(|reason| reason.to_string())?;
    let level = match grant.level() {
        stored::Level::Read => Level::Read,
        stored::Level::Write => Level::Write,
        stored::Level::Manage => Level::Manage,
        stored::Level::None => return Err("a grant of nothing".into()),
    };
    Ok(Grant { channel, level })
}

fn scope(name: &str) -> Result<Scope, String> {
    name.parse().map_err(|reason: InvalidName| reason.to_string())
}

fn token_name(name: &str) -> Result<TokenName, String> {
    TokenName::parse(name).map_err(|reason| reason.to_string())
}

fn address(from: Option<&stored::Personal>) -> Option<Sealed> {
    from.map(|from| sealed(Some(from)))
}

fn token_id(bytes: &[u8]) -> Result<TokenId, String> {
    TokenId::from_bytes(bytes).map_err(|reason| reason.to_string())
}
