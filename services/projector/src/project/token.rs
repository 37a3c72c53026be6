//! Tokens without their secrets, and what they open, channel by channel.

use std::collections::BTreeMap;

use names::{AccountId, ChannelId, InvalidName, Level, Scope, TokenId};
use proto::event::v1::{
    self as stored, TokenEdited, TokenGrant, TokenIssued, TokenKind, TokenReissued, TokenRevoked,
};
use readmodel::write::{Rows, TokenRow};
use serde_json::{Value, json};

use super::{
    Context, Folded,
    context::{change, instant, optional, text},
};

pub(crate) fn issued(rows: &mut Rows, context: &Context<'_>, part: i32, event: &TokenIssued) -> Folded<()> {
    let id = TokenId::from_bytes(&event.token_id).map_err(|error| error.to_string())?;
    if rows.tokens.contains_key(&id) {
        return Ok(());
    }
    let kind = match event.kind() {
        TokenKind::Session => "session",
        TokenKind::Resource => "resource",
        TokenKind::Scoped => "scoped",
        TokenKind::Unspecified => return Err("a token of a kind that this release does not know".into()),
    };
    let token = TokenRow {
        owner_id: AccountId::from_bytes(&event.owner_id).map_err(|error| error.to_string())?,
        kind: kind.into(),
        name: text(&event.name),
        description: text(&event.description),
        maker_token_id: optional(&event.maker_token_id, TokenId::from_bytes)?,
        issued_at: context.at,
        expires_at: instant(event.expires_at_us),
        revoked_at: None,
        grants: event.grants.iter().map(grant).collect::<Folded<BTreeMap<_, _>>>()?,
        scopes: event.scopes.iter().map(|name| scope(name)).collect::<Folded<_>>()?,
        reissued_at: None,
        seq: context.seq,
    };
    for (channel, level) in &token.grants {
        let summary = change(None, Some(opens(id, *level)));
        rows.history.push(context.history(*channel, part, "token_issued", &summary));
    }
    rows.tokens.insert(id, token);
    Ok(())
}

pub(crate) fn edited(rows: &mut Rows, event: &TokenEdited) -> Folded<()> {
    let token = token(rows, &event.token_id)?;
    token.name = text(&event.name);
    token.description = text(&event.description);
    token.expires_at = instant(event.expires_at_us);
    Ok(())
}

pub(crate) fn reissued(rows: &mut Rows, context: &Context<'_>, event: &TokenReissued) -> Folded<()> {
    let token = token(rows, &event.token_id)?;
    token.expires_at = instant(event.expires_at_us);
    token.reissued_at = Some(context.at);
    Ok(())
}

fn token<'r>(rows: &'r mut Rows, id: &[u8]) -> Folded<&'r mut TokenRow> {
    let id = TokenId::from_bytes(id).map_err(|error| error.to_string())?;
    Ok(rows.tokens.get_mut(&id).ok_or("the token was never issued")?)
}

fn scope(name: &str) -> Folded<Scope> {
    name.parse().map_err(|error: InvalidName| error.to_string())
}

pub(crate) fn revoked(rows: &mut Rows, context: &Context<'_>, part: i32, event: &TokenRevoked) -> Folded<()> {
    let id = TokenId::from_bytes(&event.token_id).map_err(|error| error.to_string())?;
    let token = rows.tokens.get_mut(&id).ok_or("the token was never issued")?;
    if token.revoked_at.is_some() {
        return Ok(());
    }
    token.revoked_at = Some(context.at);
    for (channel, level) in &token.grants {
        let summary = change(Some(opens(id, *level)), None);
        rows.history.push(context.history(*channel, part, "token_revoked", &summary));
    }
    Ok(())
}

fn opens(token: TokenId, level: Level) -> Value {
    json!({ "level": level.as_str(), "token_id": token.to_string() })
}

fn grant(grant: &TokenGrant) -> Folded<(ChannelId, Level)> {
    let level = match grant.level() {
        stored::Level::Read => Level::Read,
        stored::Level::Write => Level::Write,
        stored::Level::Manage => Level::Manage,
        stored::Level::None => return Err("a grant of no level".into()),
    };
    Ok((ChannelId::from_bytes(&grant.channel_id).map_err(|error| error.to_string())?, level))
}
