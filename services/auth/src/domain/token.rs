//! A token lives from `Issued` to `Revoked`. Expiry is a date it carries, not an event.
//!
//! The tokens of one owner are folded together, so that a name can be unique among those that live. Nothing brings a
//! revoked token back.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use names::{AccountId, ChannelId, Level, TokenId, TokenName};
use time::{Duration, OffsetDateTime};

/// Live tokens of one kind that an owner may hold at a time.
pub const MAX_LIVE: usize = 1_000;
/// Channels that one token may name.
pub const MAX_GRANTS: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sign-in: whatever its owner may do.
    Session,
    /// Levels on named channels, and nothing else.
    Resource,
}

/// SHA-256 of the whole token string, and how long that string is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    pub sha256: [u8; 32],
    pub ends_at: OffsetDateTime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    pub channel: ChannelId,
    pub level: Level,
}

/// What was issued; it never changes afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    pub token: TokenId,
    pub owner: AccountId,
    pub kind: Kind,
    pub name: TokenName,
    pub description: String,
    /// As the id says.
    pub issued_at: OffsetDateTime,
    pub expires_at: OffsetDateTime,
    pub secrets: Vec<Secret>,
    pub grants: Vec<Grant>,
    /// The token that made this one; none for a sign-in.
    pub maker: Option<TokenId>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub issued: Issued,
    pub revoked: bool,
}

impl Token {
    pub fn lives(&self, now: OffsetDateTime) -> bool {
        !self.revoked && self.issued.expires_at > now
    }

    fn is_named(&self, name: &str) -> bool {
        self.issued.kind == Kind::Resource && self.issued.name.as_str() == name
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// `longest` is the server's setting for how far away an expiry may be.
    Issue {
        issued: Issued,
        longest: Duration,
    },
    Revoke {
        token: TokenId,
        reason: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Issued(Issued),
    Revoked { token: TokenId, reason: String },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("another live token of this owner is named {0:?}: choose another name or revoke that one")]
    NameTaken(String),
    #[error("the expiry lies in the past")]
    PastExpiry,
    #[error("the expiry is too far away: a token may live for {0} days at most")]
    TooLong(i64),
    #[error("name at least one channel that the token may use")]
    NoGrants,
    #[error("a token names {MAX_GRANTS} channels at most")]
    TooManyGrants,
    #[error("a channel is named twice")]
    ChannelTwice,
    #[error("this owner has {MAX_LIVE} live tokens of this kind: revoke those no longer needed")]
    TooMany,
    #[error("there is no such token")]
    NotFound,
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

    fn living(&self, kind: Kind, now: OffsetDateTime) -> impl Iterator<Item = &Token> {
        self.0.values().filter(move |token| token.issued.kind == kind && token.lives(now))
    }
}

/// Says which events a command leads to, or why it is refused.
pub fn decide(tokens: &Tokens, command: Command, now: OffsetDateTime) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Issue { issued, longest } => issue(tokens, issued, longest, now),
        Command::Revoke { token, reason } => match tokens.by_id(token) {
            None => Err(Refusal::NotFound),
            // Revoking twice is a retry after a lost reply: it succeeds and records nothing.
            Some(Token { revoked: true, .. }) => Ok(vec![]),
            Some(_) => Ok(vec![Event::Revoked { token, reason }]),
        },
    }
}

fn issue(
    tokens: &Tokens,
    issued: Issued,
    longest: Duration,
    now: OffsetDateTime,
) -> Result<Vec<Event>, Refusal> {
    if issued.expires_at <= now {
        return Err(Refusal::PastExpiry);
    }
    if issued.expires_at - now > longest {
        return Err(Refusal::TooLong(longest.whole_days()));
    }
    if tokens.living(issued.kind, now).count() >= MAX_LIVE {
        return Err(Refusal::TooMany);
    }
    if issued.kind == Kind::Resource {
        check_resource(tokens, &issued, now)?;
    }
    Ok(vec![Event::Issued(issued)])
}

fn check_resource(tokens: &Tokens, issued: &Issued, now: OffsetDateTime) -> Result<(), Refusal> {
    if tokens.living(Kind::Resource, now).any(|token| token.is_named(issued.name.as_str())) {
        return Err(Refusal::NameTaken(issued.name.to_string()));
    }
    match issued.grants.len() {
        0 => return Err(Refusal::NoGrants),
        1..=MAX_GRANTS => {}
        _ => return Err(Refusal::TooManyGrants),
    }
    let channels: BTreeSet<ChannelId> = issued.grants.iter().map(|grant| grant.channel).collect();
    if channels.len() < issued.grants.len() {
        return Err(Refusal::ChannelTwice);
    }
    Ok(())
}

/// Adds one recorded event. It cannot fail: the event has happened.
pub fn evolve(mut tokens: Tokens, event: Event) -> Tokens {
    match event {
        Event::Issued(issued) => {
            // A sign-in a minute for years must not weigh on every later command: sessions that expired before this one
            // began are gone from the list, though not from the log.
            if issued.kind == Kind::Session {
                let at = issued.issued_at;
                tokens
                    .0
                    .retain(|_, token| token.issued.kind != Kind::Session || token.issued.expires_at > at);
            }
            tokens.0.entry(issued.token).or_insert(Token { issued, revoked: false });
        }
        Event::Revoked { token, .. } => {
            if let Some(token) = tokens.0.get_mut(&token) {
                token.revoked = true;
            }
        }
    }
    tokens
}

#[cfg(test)]
#[path = "token/tests.rs"]
mod tests;
