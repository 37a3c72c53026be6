//! The tokens of one owner, as their events add up.

use std::collections::BTreeMap;
use std::ops::Bound;

use names::{TokenId, TokenName};
use time::OffsetDateTime;

use super::{Event, Issued, Kind, Refusal, Secret};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub issued: Issued,
    pub revoked: bool,
    /// The end that its owner was warned of.
    pub warned_of: Option<OffsetDateTime>,
}

impl Token {
    pub fn lives(&self, now: OffsetDateTime) -> bool {
        !self.revoked && self.issued.expires_at > now
    }

    /// Until when an older string is valid beside the newest, if one is.
    pub fn overlap_ends_at(&self, now: OffsetDateTime) -> Option<OffsetDateTime> {
        let (_newest, older) = self.issued.secrets.split_last()?;
        let last = older.iter().map(|secret| secret.ends_at).max()?.min(self.issued.expires_at);
        (self.lives(now) && last > now).then_some(last)
    }

    fn is_named(&self, name: &str) -> bool {
        self.issued.kind != Kind::Session && self.issued.name.as_str() == name
    }
}

/// The tokens of one owner, oldest first: their ids hold the time of their making.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tokens(BTreeMap<TokenId, Token>);

impl Tokens {
    pub fn iter(&self) -> impl Iterator<Item = &Token> {
        self.0.values()
    }

    pub fn by_id(&self, id: TokenId) -> Option<&Token> {
        self.0.get(&id)
    }

    /// Oldest first, from behind this one.
    pub fn after(&self, id: Option<TokenId>) -> impl Iterator<Item = &Token> {
        let from = id.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range((from, Bound::Unbounded)).map(|(_, token)| token)
    }

    /// The token with this id or name. Of several with one name only one lives; where none does the newest is meant,
    /// so that repeating a revoke finds what it has revoked.
    pub fn find(&self, id_or_name: &str, now: OffsetDateTime) -> Option<&Token> {
        if let Some(token) = id_or_name.parse().ok().and_then(|id| self.by_id(id)) {
            return Some(token);
        }
        let mut named = self.0.values().rev().filter(|token| token.is_named(id_or_name));
        let newest = named.next()?;
        let living = std::iter::once(newest).chain(named).find(|token| token.lives(now));
        Some(living.unwrap_or(newest))
    }

    pub(super) fn living(&self, kind: Kind, now: OffsetDateTime) -> impl Iterator<Item = &Token> {
        self.0.values().filter(move |token| token.issued.kind == kind && token.lives(now))
    }

    pub(super) fn living_by_id(&self, id: TokenId, now: OffsetDateTime) -> Result<&Token, Refusal> {
        match self.by_id(id) {
            None => Err(Refusal::NotFound),
            Some(token) if token.revoked => Err(Refusal::Revoked),
            Some(token) if !token.lives(now) => Err(Refusal::Expired),
            Some(token) => Ok(token),
        }
    }

    /// Whether the name is free, or borne by the token that asks for it.
    pub(super) fn check_name(
        &self,
        name: &TokenName,
        bearer: Option<TokenId>,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        let bears = |token: &&Token| token.lives(now) && token.is_named(name.as_str());
        match self.0.values().find(|token| bears(token) && Some(token.issued.token) != bearer) {
            Some(_) => Err(Refusal::NameTaken(name.to_string())),
            None => Ok(()),
        }
    }
}

/// Adds one recorded event. It cannot fail: the event has happened.
pub fn evolve(mut tokens: Tokens, event: Event) -> Tokens {
    match event {
        Event::Issued(issued) => add(&mut tokens, issued),
        Event::Edited { token, name, description, expires_at, .. } => {
            if let Some(Token { issued, .. }) = tokens.0.get_mut(&token) {
                (issued.name, issued.description) = (name, description);
                issued.expires_at = expires_at;
                // The newest string lives as long as its token; older ones keep the end that they were given.
                if let Some(newest) = issued.secrets.last_mut() {
                    newest.ends_at = expires_at;
                }
            }
        }
        Event::Reissued { token, secret, older_end_at, expires_at, .. } => {
            if let Some(Token { issued, .. }) = tokens.0.get_mut(&token) {
                for Secret { ends_at, .. } in &mut issued.secrets {
                    *ends_at = older_end_at.min(*ends_at);
                }
                issued.expires_at = expires_at;
                issued.secrets.push(secret);
            }
        }
        Event::OverlapEnded { token, .. } => {
            if let Some(token) = tokens.0.get_mut(&token) {
                let newest = token.issued.secrets.pop();
                token.issued.secrets = newest.into_iter().collect();
            }
        }
        Event::Revoked { token, .. } => {
            if let Some(token) = tokens.0.get_mut(&token) {
                token.revoked = true;
            }
        }
        Event::ExpiryWarned { token, expires_at } => {
            if let Some(token) = tokens.0.get_mut(&token) {
                token.warned_of = Some(expires_at);
            }
        }
    }
    tokens
}

fn add(tokens: &mut Tokens, issued: Issued) {
    // A sign-in a minute for years must not weigh on every later command: sessions that expired before this one
    // began are gone from the list, though not from the log.
    if issued.kind == Kind::Session {
        let at = issued.issued_at;
        tokens.0.retain(|_, token| token.issued.kind != Kind::Session || token.issued.expires_at > at);
    }
    tokens.0.entry(issued.token).or_insert(Token { issued, revoked: false, warned_of: None });
}
