//! A token lives from `Issued` to `Revoked`. Expiry is a date it carries, not an event.
//!
//! The tokens of one owner are folded together, so that a name can be unique among those that live. Nothing brings a
//! revoked token back, and nothing that is done with a token reaches further than that token.

mod change;
mod issue;
mod reach;
mod tokens;

use names::{AccountId, ChannelId, Level, Scope, TokenId, TokenName};
use time::{Duration, OffsetDateTime};

use super::account::Sealed;
pub use change::{MAX_OVERLAP, Overlap};
pub use issue::{MAX_GRANTS, MAX_LIVE};
pub use reach::Reach;
pub use tokens::{Token, Tokens, evolve};

/// Strings of one token that may be known at a time, dead ones counted.
pub const MAX_STRINGS: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A sign-in: whatever its owner may do.
    Session,
    /// Levels on named channels, and nothing else.
    Resource,
    /// Scopes, within the levels of its owner.
    Scoped,
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

/// A token's facts. Kind, owner, grants, scopes and maker never change.
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
    /// The newest string last.
    pub secrets: Vec<Secret>,
    pub grants: Vec<Grant>,
    pub scopes: Vec<Scope>,
    /// The token that made this one; none for a sign-in.
    pub maker: Option<TokenId>,
    /// The address that the request came from.
    pub from: Option<Sealed>,
}

/// A wish to change a token's name, description or end; what is absent stays.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub token: TokenId,
    pub name: Option<TokenName>,
    pub description: Option<String>,
    pub expires_at: Option<OffsetDateTime>,
    pub from: Option<Sealed>,
}

/// A wish for a new string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reissue {
    pub token: TokenId,
    pub sha256: [u8; 32],
    pub overlap: Overlap,
    /// None keeps the token's end.
    pub expires_at: Option<OffsetDateTime>,
    pub from: Option<Sealed>,
}

/// How far away an end may be, and how far what asks reaches itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// The server's setting.
    pub longest: Duration,
    pub reach: Reach,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    Issue(Issued, Bounds),
    Edit(Edit, Bounds),
    Reissue(Reissue, Bounds),
    EndOverlap {
        token: TokenId,
        from: Option<Sealed>,
    },
    Revoke {
        token: TokenId,
        reason: String,
        from: Option<Sealed>,
    },
    /// Tells of every token whose end is nearer than this and was not told of.
    Warn {
        within: Duration,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    Issued(Issued),
    /// Name, description and end as they are from now on.
    Edited {
        token: TokenId,
        name: TokenName,
        description: String,
        expires_at: OffsetDateTime,
        from: Option<Sealed>,
    },
    /// The strings before this one end no later than `older_end_at`.
    Reissued {
        token: TokenId,
        secret: Secret,
        older_end_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        from: Option<Sealed>,
    },
    OverlapEnded {
        token: TokenId,
        from: Option<Sealed>,
    },
    Revoked {
        token: TokenId,
        reason: String,
        from: Option<Sealed>,
    },
    ExpiryWarned {
        token: TokenId,
        expires_at: OffsetDateTime,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("a token of this id was issued before")]
    AlreadyIssued,
    #[error("another live token of this owner is named {0:?}: choose another name or revoke that one")]
    NameTaken(String),
    #[error("the expiry lies in the past")]
    PastExpiry,
    #[error("the expiry is too far away: a token may live for {0} days at most")]
    TooLong(i64),
    #[error("say what the token may do: give it either grants, levels on channels, or scopes")]
    Neither,
    #[error("a token has either grants or scopes, never both: issue two tokens")]
    Both,
    #[error("a token names {MAX_GRANTS} channels at most")]
    TooManyGrants,
    #[error("a channel is named twice")]
    ChannelTwice,
    #[error("this owner has {MAX_LIVE} live tokens of this kind: revoke those no longer needed")]
    TooMany,
    #[error("there is no such token")]
    NotFound,
    #[error("the token was revoked and nothing brings it back: issue another")]
    Revoked,
    #[error("the token has expired: issue another")]
    Expired,
    #[error("a sign-in cannot be prolonged: sign in again")]
    SignInProlonged,
    #[error("an older string may stay valid for {} days at most", MAX_OVERLAP.whole_days())]
    OverlapTooLong,
    #[error("the token has {MAX_STRINGS} strings: end their overlap or issue another token")]
    TooManyStrings,
    #[error("the token that asks has scopes only, so it hands out scope tokens only")]
    KindBeyondMaker,
    #[error("the token that asks lacks the scope {0}, so it cannot hand it out")]
    ScopeBeyondMaker(Scope),
    #[error("the token that asks ends earlier, and nothing it hands out may outlive it")]
    ExpiryBeyondMaker,
}

/// Says which events a command leads to, or why it is refused.
pub fn decide(tokens: &Tokens, command: Command, now: OffsetDateTime) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Issue(issued, bounds) => issue::decide(tokens, issued, &bounds, now),
        Command::Edit(edit, bounds) => change::edit(tokens, edit, &bounds, now),
        Command::Reissue(reissue, bounds) => change::reissue(tokens, reissue, &bounds, now),
        Command::EndOverlap { token, from } => change::end_overlap(tokens, token, from, now),
        Command::Revoke { token, reason, from } => match tokens.by_id(token) {
            None => Err(Refusal::NotFound),
            // Revoking twice is a retry after a lost reply: it succeeds and records nothing.
            Some(Token { revoked: true, .. }) => Ok(vec![]),
            Some(_) => Ok(vec![Event::Revoked { token, reason, from }]),
        },
        Command::Warn { within } => Ok(change::warn(tokens, within, now)),
    }
}

#[cfg(test)]
mod tests;
