//! Folding AUTHZ, in order. Position decides: an event whose actor was dead by then is void here,
//! and in every other fold, so a stolen token cannot outlive its revocation through what it was making.

mod channel;
mod group;
mod package;
mod role;

use std::collections::{BTreeSet, hash_map::Entry};

use names::{AccountId, ChannelId, InvalidId, InvalidName, Level, PackageKind, Privacy, TokenId};
use proto::event::v1::{self as stored, AccountKind, Envelope, TokenIssued, event::Event};

use crate::table::{Account, Table, Token, TokenKind};
use crate::{SecretHash, fold::Outcome::*};

/// What applying an envelope did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its events are in the table.
    Applied,
    /// Its actor was dead at this sequence; nothing changed but the position.
    Void,
    /// The table was there already.
    Seen,
    /// An event put back, whose own place the table has passed: nothing changed but the position.
    Late,
}

/// An event that cannot be folded. The fold must stop: a skipped revocation is a breach.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("AUTHZ sequence {seq}: {reason}")]
pub struct FoldError {
    /// Where.
    pub seq: u64,
    reason: String,
}

impl FoldError {
    pub(crate) fn at(seq: u64, reason: impl ToString) -> Self {
        Self { seq, reason: reason.to_string() }
    }
}

type Folded<T> = Result<T, String>;

impl Table {
    /// Applies the next envelope. Sequences may have gaps (barriers expire), but never go back.
    ///
    /// An event that was put back counts at the place where it first stood. A table that has applied it there needs
    /// it no more; one that has not must be made anew, with the event at its place: see `eventlog::in_place`.
    pub fn apply(&mut self, seq: u64, envelope: &Envelope) -> Result<Outcome, FoldError> {
        if seq <= self.seq {
            return Ok(Seen);
        }
        if envelope.original_seq.is_some_and(|place| place < seq) {
            self.seq = seq;
            return Ok(Late);
        }
        self.at = seq;
        if !envelope.events.is_empty() {
            self.sights.forget();
        }
        let void = self.is_dead(envelope).map_err(|reason| FoldError::at(seq, reason))?;
        if void {
            self.voids.insert(seq);
        } else {
            for event in &envelope.events {
                let event = event.event.as_ref().ok_or_else(|| {
                    FoldError::at(seq, "an event of a kind unknown to this version; update before going on")
                })?;
                self.fold(event, envelope.time_us).map_err(|reason| FoldError::at(seq, reason))?;
            }
        }
        self.seq = seq;
        Ok(if void { Void } else { Applied })
    }

    fn is_dead(&self, envelope: &Envelope) -> Folded<bool> {
        let Some(actor) = envelope.actor.as_ref() else { return Ok(false) };
        if !actor.token_id.is_empty() {
            let token = self.token(TokenId::from_bytes(&actor.token_id).map_err(text)?);
            if token.is_none_or(|token| token.revoked_at_us.is_some() || self.is_disabled(token.owner)) {
                return Ok(true);
            }
        }
        if actor.account_id.is_empty() {
            return Ok(false);
        }
        Ok(self.is_disabled(AccountId::from_bytes(&actor.account_id).map_err(text)?))
    }

    fn is_disabled(&self, account: AccountId) -> bool {
        self.accounts.get(&account).is_none_or(|account| account.disabled)
    }

    fn fold(&mut self, event: &Event, time_us: i64) -> Folded<()> {
        match event {
            Event::AccountCreated(event) => self.fold_account(event),
            Event::AccountDisabled(event) => self.fold_disabled(&event.account_id, true),
            Event::AccountEnabled(event) => self.fold_disabled(&event.account_id, false),
            Event::TokenIssued(event) => {
                self.put_token(token(event, None)?);
                Ok(())
            }
            Event::TokenRevoked(event) => {
                let place = self.place(&event.token_id)?;
                self.tokens[place].revoked_at_us.get_or_insert(time_us);
                Ok(())
            }
            Event::TokenEdited(event) => self.fold_edited(event),
            Event::TokenReissued(event) => self.fold_reissued(event, time_us),
            Event::TokenOverlapEnded(event) => {
                let place = self.place(&event.token_id)?;
                let older = self.tokens[place].secrets.len().saturating_sub(1);
                self.end_secrets(place, older, ended(time_us));
                Ok(())
            }
            Event::OwnersChanged(event) => self.fold_owners(event),
            Event::ChannelCreated(event) => self.fold_channel(event),
            Event::ChannelDescribed(event) => self.fold_described(event),
            Event::LabelLockChanged(event) => {
                let id = ChannelId::from_bytes(&event.channel_id).map_err(text)?;
                if let Some(channel) = self.channels.get_mut(&id) {
                    channel.lock(&event.label, event.locked);
                }
                Ok(())
            }
            Event::IndexingChanged(event) => self.fold_indexing(event),
            Event::DefaultChannelChanged(event) => self.fold_default_channel(event),
            Event::ChannelDeleted(event) => self.fold_deleted(&event.channel_id),
            Event::AccessChanged(event) => self.fold_access(event),
            Event::PackageCreated(event) => self.fold_package(event),
            Event::PackageDeleted(event) => self.fold_package_deleted(&event.package_id),
            Event::GroupCreated(event) => self.fold_group(event, &[]),
            Event::GroupChanged(event) => self.fold_group_changed(event),
            Event::GroupMembersChanged(event) => self.fold_members(event),
            Event::GroupDeleted(event) => self.fold_group_deleted(&event.group_id),
            Event::RoleCreated(event) => self.fold_role(event, BTreeSet::new()),
            Event::RoleChanged(event) => self.fold_role_changed(event),
            Event::RoleAssigned(event) => self.fold_role_held(&event.role_id, event.holder.as_ref(), true),
            Event::RoleUnassigned(event) => self.fold_role_held(&event.role_id, event.holder.as_ref(), false),
            Event::RoleDeleted(event) => self.fold_role_deleted(&event.role_id),
            // They decide who may take a name or sign in, not who may do what.
            Event::PasswordChanged(_)
            | Event::TokenExpiryWarned(_)
            | Event::NameTaken(_)
            | Event::NameReleased(_) => Ok(()),
            Event::ArtifactPublished(_) | Event::ArtifactRemoved(_) | Event::LabelsChanged(_) => {
                Err("a CATALOG event stands in AUTHZ".into())
            }
        }
    }

    fn fold_account(&mut self, event: &stored::AccountCreated) -> Folded<()> {
        let id = AccountId::from_bytes(&event.account_id).map_err(text)?;
        let owners = event.owner_ids.iter().map(|id| AccountId::from_bytes(id)).collect::<Result<_, _>>();
        let account = Account {
            id,
            kind: AccountKind::try_from(event.kind).map_err(text)?,
            admin: event.admin,
            disabled: false,
            owners: owners.map_err(text)?,
            default_channel: None,
        };
        self.accounts.entry(id).or_insert(account);
        Ok(())
    }

    fn fold_disabled(&mut self, id: &[u8], disabled: bool) -> Folded<()> {
        let id = AccountId::from_bytes(id).map_err(text)?;
        let account =
            self.accounts.get_mut(&id).ok_or("an account is disabled or enabled that was never made")?;
        account.disabled = disabled;
        Ok(())
    }

    /// Nothing if it is known already: an event that was put back counts once.
    pub(crate) fn put_token(&mut self, token: Token) {
        let place = self.tokens.len();
        let Entry::Vacant(free) = self.token_places.entry(token.id) else { return };
        free.insert(place);
        for (hash, ends_at_us) in &token.secrets {
            self.secrets.insert(*hash, (place, *ends_at_us));
        }
        self.tokens.push(token);
    }

    fn place(&self, token: &[u8]) -> Folded<usize> {
        let id = TokenId::from_bytes(token).map_err(text)?;
        self.token_places
            .get(&id)
            .copied()
            .ok_or_else(|| format!("the token {id} changes, but was never issued"))
    }

    fn fold_edited(&mut self, event: &stored::TokenEdited) -> Folded<()> {
        let place = self.place(&event.token_id)?;
        let token = &mut self.tokens[place];
        token.name = event.name.as_str().into();
        token.expires_at_us = event.expires_at_us;
        // The newest string lives as long as its token; older ones keep the end that they were given.
        if let Some((hash, ends_at_us)) = token.secrets.last_mut() {
            *ends_at_us = event.expires_at_us;
            self.secrets.insert(*hash, (place, event.expires_at_us));
        }
        Ok(())
    }

    fn fold_reissued(&mut self, event: &stored::TokenReissued, time_us: i64) -> Folded<()> {
        let place = self.place(&event.token_id)?;
        let secret = event.secret.as_ref().ok_or("a token is reissued without a secret")?;
        let hash = SecretHash::from_slice(&secret.sha256).ok_or("a secret's hash has not 32 bytes")?;
        if self.secrets.contains_key(&hash) {
            return Ok(());
        }
        let at_once = event.older_end_at_us <= time_us;
        let older_end_us = if at_once { ended(time_us) } else { event.older_end_at_us };
        self.end_secrets(place, self.tokens[place].secrets.len(), older_end_us);
        let token = &mut self.tokens[place];
        token.expires_at_us = event.expires_at_us;
        token.secrets = [&token.secrets[..], &[(hash, secret.ends_at_us)]].concat().into();
        self.secrets.insert(hash, (place, secret.ends_at_us));
        Ok(())
    }

    /// The first `count` secrets of a token end no later than this; one that has ended by position stays as it is.
    fn end_secrets(&mut self, place: usize, count: usize, end_us: i64) {
        for (hash, ends_at_us) in self.tokens[place].secrets.iter_mut().take(count) {
            if *ends_at_us >= 0 {
                *ends_at_us = end_us.min(*ends_at_us);
                self.secrets.insert(*hash, (place, *ends_at_us));
            }
        }
    }

    fn fold_default_channel(&mut self, event: &stored::DefaultChannelChanged) -> Folded<()> {
        let id = AccountId::from_bytes(&event.account_id).map_err(text)?;
        let account = self.accounts.get_mut(&id).ok_or("an account that was never made chooses a channel")?;
        account.default_channel = channel_or_none(&event.after_channel_id)?;
        Ok(())
    }

    fn fold_owners(&mut self, event: &stored::OwnersChanged) -> Folded<()> {
        let id = AccountId::from_bytes(&event.account_id).map_err(text)?;
        let owners = event.owner_ids.iter().map(|id| AccountId::from_bytes(id)).collect::<Result<_, _>>();
        let account =
            self.accounts.get_mut(&id).ok_or("the owners change of an account that was never made")?;
        account.owners = owners.map_err(text)?;
        Ok(())
    }
}

pub(crate) use role::{levels_to_stored, role_holder};

/// A channel's id, or none.
pub(crate) fn channel_or_none(id: &[u8]) -> Folded<Option<ChannelId>> {
    match id {
        [] => Ok(None),
        id => ChannelId::from_bytes(id).map(Some).map_err(text),
    }
}

/// The end of a secret that ends where its event stands in the log. Negative, it is past by every clock: a gateway whose
/// clock is slow must not honour it after it has confirmed the event.
fn ended(time_us: i64) -> i64 {
    -time_us
}

pub(crate) fn token(event: &TokenIssued, revoked_at_us: Option<i64>) -> Folded<Token> {
    let secrets = event.secrets.iter().map(|secret| {
        let hash = SecretHash::from_slice(&secret.sha256).ok_or("a secret's hash has not 32 bytes")?;
        Ok((hash, secret.ends_at_us))
    });
    let grants = event
        .grants
        .iter()
        .map(|grant| Ok((ChannelId::from_bytes(&grant.channel_id).map_err(text)?, level(grant.level)?)));
    let scopes =
        event.scopes.iter().map(|scope| scope.parse().map_err(|wrong: InvalidName| wrong.to_string()));
    let maker = (!event.maker_token_id.is_empty()).then(|| TokenId::from_bytes(&event.maker_token_id));
    Ok(Token {
        id: TokenId::from_bytes(&event.token_id).map_err(text)?,
        owner: AccountId::from_bytes(&event.owner_id).map_err(text)?,
        name: event.name.as_str().into(),
        kind: match event.kind() {
            stored::TokenKind::Session => TokenKind::Session,
            stored::TokenKind::Resource => TokenKind::Resource,
            stored::TokenKind::Scoped => TokenKind::Scoped,
            stored::TokenKind::Unspecified => return Err("a token of a kind unknown to this version".into()),
        },
        expires_at_us: event.expires_at_us,
        revoked_at_us,
        grants: grants.collect::<Folded<_>>()?,
        scopes: scopes.collect::<Folded<_>>()?,
        maker: maker.transpose().map_err(text)?,
        secrets: secrets.collect::<Folded<_>>()?,
    })
}

pub(crate) fn level(level: i32) -> Folded<Level> {
    match stored::Level::try_from(level).map_err(text)? {
        stored::Level::Read => Ok(Level::Read),
        stored::Level::Write => Ok(Level::Write),
        stored::Level::Manage => Ok(Level::Manage),
        stored::Level::None => Err("a grant of no level".into()),
    }
}

fn privacy(privacy: i32) -> Folded<Privacy> {
    match stored::Privacy::try_from(privacy).map_err(text)? {
        stored::Privacy::Public => Ok(Privacy::Public),
        stored::Privacy::Authenticated => Ok(Privacy::Authenticated),
        stored::Privacy::Private => Ok(Privacy::Private),
        stored::Privacy::Unspecified => Err("a privacy unknown to this version".into()),
    }
}

fn kind(kind: i32) -> Folded<PackageKind> {
    match stored::PackageKind::try_from(kind).map_err(text)? {
        stored::PackageKind::Conda => Ok(PackageKind::Conda),
        stored::PackageKind::Pypi => Ok(PackageKind::Pypi),
        stored::PackageKind::Notebook => Ok(PackageKind::Notebook),
        stored::PackageKind::Environment => Ok(PackageKind::Environment),
        stored::PackageKind::File => Ok(PackageKind::File),
        stored::PackageKind::Unspecified => Err("a package of a kind unknown to this version".into()),
    }
}

trait Reason: ToString {}
impl Reason for InvalidId {}
impl Reason for prost::UnknownEnumValue {}

fn text(reason: impl Reason) -> String {
    reason.to_string()
}
