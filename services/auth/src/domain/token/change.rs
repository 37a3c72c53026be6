//! What can happen to a token between its making and its end.

use names::TokenId;
use time::{Duration, OffsetDateTime};

use super::issue::check_end;
use super::{Bounds, Edit, Event, Kind, MAX_STRINGS, Refusal, Reissue, Secret, Token, Tokens};
use crate::domain::account::Sealed;

/// The longest time that an older string stays valid beside a new one.
pub const MAX_OVERLAP: Duration = Duration::days(30);

/// How long the older strings stay valid beside the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overlap {
    /// For so long, but not past the token's end; zero kills them at once.
    For(Duration),
    /// To the token's end.
    ToTheEnd,
}

pub(super) fn edit(
    tokens: &Tokens,
    edit: Edit,
    bounds: &Bounds,
    now: OffsetDateTime,
) -> Result<Vec<Event>, Refusal> {
    let was = tokens.living_by_id(edit.token, now)?;
    let name = edit.name.unwrap_or_else(|| was.issued.name.clone());
    let description = edit.description.unwrap_or_else(|| was.issued.description.clone());
    let expires_at = edit.expires_at.unwrap_or(was.issued.expires_at);
    if name != was.issued.name && was.issued.kind != Kind::Session {
        tokens.check_name(&name, Some(edit.token), now)?;
    }
    check_new_end(was, expires_at, bounds, now)?;
    let is = &was.issued;
    if (&name, &description, expires_at) == (&is.name, &is.description, is.expires_at) {
        return Ok(vec![]);
    }
    Ok(vec![Event::Edited { token: edit.token, name, description, expires_at, from: edit.from }])
}

/// An end that stays, or comes nearer, needs nobody's leave.
fn check_new_end(
    token: &Token,
    end: OffsetDateTime,
    bounds: &Bounds,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    if end <= now {
        return Err(Refusal::PastExpiry);
    }
    if end <= token.issued.expires_at {
        return Ok(());
    }
    if token.issued.kind == Kind::Session {
        return Err(Refusal::SignInProlonged);
    }
    check_end(end, bounds.longest, now)?;
    // Whoever prolongs a token hands out all of it for the time gained.
    bounds.reach.covers(token.issued.kind, &token.issued.scopes, end)
}

pub(super) fn reissue(
    tokens: &Tokens,
    reissue: Reissue,
    bounds: &Bounds,
    now: OffsetDateTime,
) -> Result<Vec<Event>, Refusal> {
    let token = tokens.living_by_id(reissue.token, now)?;
    let was = &token.issued;
    if was.secrets.len() >= MAX_STRINGS {
        return Err(Refusal::TooManyStrings);
    }
    let expires_at = reissue.expires_at.unwrap_or(was.expires_at);
    check_new_end(token, expires_at, bounds, now)?;
    // The new string is a whole token in the hands of whoever asks.
    bounds.reach.covers(was.kind, &was.scopes, expires_at)?;
    let end = was.expires_at.min(expires_at);
    let older_end_at = match reissue.overlap {
        Overlap::For(overlap) if overlap > MAX_OVERLAP => return Err(Refusal::OverlapTooLong),
        Overlap::For(overlap) => end.min(now + overlap),
        Overlap::ToTheEnd => end,
    };
    Ok(vec![Event::Reissued {
        token: reissue.token,
        secret: Secret { sha256: reissue.sha256, ends_at: expires_at },
        older_end_at,
        expires_at,
        from: reissue.from,
    }])
}

pub(super) fn end_overlap(
    tokens: &Tokens,
    token: TokenId,
    from: Option<Sealed>,
    now: OffsetDateTime,
) -> Result<Vec<Event>, Refusal> {
    let known = tokens.by_id(token).ok_or(Refusal::NotFound)?;
    // Nothing to end is what a retry after a lost reply meets.
    if known.revoked || known.overlap_ends_at(now).is_none() {
        return Ok(vec![]);
    }
    Ok(vec![Event::OverlapEnded { token, from }])
}

/// Once for each end that a token has had. All of an owner's live tokens ([`super::MAX_LIVE`] of each kind) fit into one
/// decision: a warning has less than 64 bytes.
pub(super) fn warn(tokens: &Tokens, within: Duration, now: OffsetDateTime) -> Vec<Event> {
    let due = tokens.iter().filter(|token| {
        token.issued.kind != Kind::Session
            && token.lives(now)
            && token.issued.expires_at - now < within
            && token.warned_of != Some(token.issued.expires_at)
    });
    let warned = |token: &Token| Event::ExpiryWarned {
        token: token.issued.token,
        expires_at: token.issued.expires_at,
    };
    due.map(warned).collect()
}
