//! Issuing: what a token may be.

use std::collections::BTreeSet;

use names::ChannelId;
use time::{Duration, OffsetDateTime};

use super::{Bounds, Event, Issued, Kind, Refusal, Tokens};

/// Live tokens of one kind that an owner may hold at a time.
pub const MAX_LIVE: usize = 1_000;
/// Channels that one token may name.
pub const MAX_GRANTS: usize = 100;

pub(super) fn decide(
    tokens: &Tokens,
    issued: Issued,
    bounds: &Bounds,
    now: OffsetDateTime,
) -> Result<Vec<Event>, Refusal> {
    if tokens.by_id(issued.token).is_some() {
        return Err(Refusal::AlreadyIssued);
    }
    check_end(issued.expires_at, bounds.longest, now)?;
    if tokens.living(issued.kind, now).count() >= MAX_LIVE {
        return Err(Refusal::TooMany);
    }
    match issued.kind {
        Kind::Session => {}
        Kind::Resource | Kind::Scoped => {
            check_rights(&issued)?;
            tokens.check_name(&issued.name, None, now)?;
        }
    }
    bounds.reach.covers(issued.kind, &issued.scopes, issued.expires_at)?;
    Ok(vec![Event::Issued(issued)])
}

pub(super) fn check_end(
    expires_at: OffsetDateTime,
    longest: Duration,
    now: OffsetDateTime,
) -> Result<(), Refusal> {
    if expires_at <= now {
        return Err(Refusal::PastExpiry);
    }
    if expires_at - now > longest {
        return Err(Refusal::TooLong(longest.whole_days()));
    }
    Ok(())
}

fn check_rights(issued: &Issued) -> Result<(), Refusal> {
    match (issued.grants.len(), issued.scopes.len()) {
        (0, 0) => return Err(Refusal::Neither),
        (0, _) => return Ok(()),
        (1..=MAX_GRANTS, 0) => {}
        (_, 0) => return Err(Refusal::TooManyGrants),
        (_, _) => return Err(Refusal::Both),
    }
    let channels: BTreeSet<ChannelId> = issued.grants.iter().map(|grant| grant.channel).collect();
    if channels.len() < issued.grants.len() {
        return Err(Refusal::ChannelTwice);
    }
    Ok(())
}
