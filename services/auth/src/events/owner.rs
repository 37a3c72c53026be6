//! Subject `evt.auth.owner.<account id>`: an account and its tokens.

use names::{AccountId, ChannelId, Level, TokenId, TokenName};
use proto::event::v1 as stored;
use proto::event::v1::event::Event as Stored;

use super::{instant, micros, time_of};
use crate::domain::account::{Created, Event, Kind, Sealed};
use crate::domain::token::{self, Grant, Issued, Secret};

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
        Event::Token(token::Event::Issued(issued)) => Stored::TokenIssued(token_issued(issued)),
        Event::Token(token::Event::Revoked { token, reason }) => {
            Stored::TokenRevoked(stored::TokenRevoked { token_id: token.to_bytes(), reason: reason.clone() })
        }
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
        Stored::TokenIssued(event) => Event::Token(token::Event::Issued(issued(event)?)),
        Stored::TokenRevoked(event) => Event::Token(token::Event::Revoked {
            token: token_id(&event.token_id)?,
            reason: event.reason.clone(),
        }),
        Stored::NameTaken(_)
        | Stored::NameReleased(_)
        | Stored::ChannelCreated(_)
        | Stored::ChannelDescribed(_)
        | Stored::ChannelDeleted(_)
        | Stored::AccessChanged(_)
        | Stored::PackageCreated(_)
        | Stored::ArtifactPublished(_)
        | Stored::ArtifactRemoved(_) => return Err("an event that is not about an account or token".into()),
    }))
}

fn account_created(created: &Created) -> stored::AccountCreated {
    stored::AccountCreated {
        account_id: created.account.to_bytes(),
        kind: match created.kind {
            Kind::Person => stored::AccountKind::Person,
            Kind::Organisation => stored::AccountKind::Organisation,
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

fn token_issued(issued: &Issued) -> stored::TokenIssued {
    let secret = |secret: &Secret| stored::TokenSecret {
        sha256: secret.sha256.to_vec(),
        ends_at_us: micros(secret.ends_at),
    };
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
            token::Kind::Session => stored::TokenKind::Session,
            token::Kind::Resource => stored::TokenKind::Resource,
        }
        .into(),
        name: issued.name.to_string(),
        description: issued.description.clone(),
        expires_at_us: micros(issued.expires_at),
        secrets: issued.secrets.iter().map(secret).collect(),
        grants: issued.grants.iter().map(grant).collect(),
        maker_token_id: issued.maker.map(|maker| maker.to_bytes()).unwrap_or_default(),
    }
}

fn issued(event: &stored::TokenIssued) -> Result<Issued, String> {
    let token = token_id(&event.token_id)?;
    let maker = (!event.maker_token_id.is_empty()).then(|| token_id(&event.maker_token_id)).transpose()?;
    Ok(Issued {
        token,
        owner: account_id(&event.owner_id)?,
        kind: match event.kind() {
            stored::TokenKind::Session => token::Kind::Session,
            stored::TokenKind::Resource => token::Kind::Resource,
            stored::TokenKind::Unspecified => return Err("a token of a kind unknown to this version".into()),
        },
        name: TokenName::parse(&event.name).map_err(|reason| reason.to_string())?,
        description: event.description.clone(),
        issued_at: time_of(token.0),
        expires_at: instant(event.expires_at_us)?,
        secrets: event.secrets.iter().map(secret).collect::<Result<_, _>>()?,
        grants: event.grants.iter().map(grant).collect::<Result<_, _>>()?,
        maker,
    })
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

fn personal(sealed: &Sealed) -> stored::Personal {
    stored::Personal { ciphertext: sealed.0.clone() }
}

fn sealed(personal: Option<&stored::Personal>) -> Sealed {
    Sealed(personal.map(|personal| personal.ciphertext.clone()).unwrap_or_default())
}

fn account_id(bytes: &[u8]) -> Result<AccountId, String> {
    AccountId::from_bytes(bytes).map_err(|reason| reason.to_string())
}

fn token_id(bytes: &[u8]) -> Result<TokenId, String> {
    TokenId::from_bytes(bytes).map_err(|reason| reason.to_string())
}
