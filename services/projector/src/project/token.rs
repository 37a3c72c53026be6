//! Tokens without their secrets, and what they open, channel by channel.

use std::collections::BTreeMap;

use names::{AccountId, ChannelId, Level, TokenId};
use proto::event::v1::{self as stored, TokenGrant, TokenIssued, TokenKind, TokenRevoked};
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
        seq: context.seq,
    };
    for (channel, level) in &token.grants {
        let summary = change(None, Some(opens(id, *level)));
        rows.history.push(context.history(*channel, part, "token_issued", &summary));
    }
    rows.tokens.insert(id, token);
    Ok(())
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
