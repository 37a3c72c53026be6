//! Tokens and their grants.

use std::collections::{BTreeMap, BTreeSet};

use names::{AccountId, ChannelId, Scope, TokenId};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{
    artifact::{count, word},
    write::{
        TokenRow, WriteError,
        rows::{changed, column},
    },
};

type Tokens = BTreeMap<TokenId, TokenRow>;

pub(crate) async fn load(db: &mut PgConnection, ids: &BTreeSet<TokenId>) -> Result<Tokens, WriteError> {
    if ids.is_empty() {
        return Ok(Tokens::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(
        "SELECT token_id, owner_id, kind, name, description, maker_token_id, issued_at, expires_at, revoked_at, \
         seq, scopes, reissued_at FROM tokens WHERE token_id = ANY($1)",
    )
    .bind(&ids)
    .fetch_all(&mut *db)
    .await?;
    let mut tokens = rows.iter().map(read).collect::<Result<Tokens, _>>()?;
    let grants = sqlx::query("SELECT token_id, channel_id, level FROM token_grants WHERE token_id = ANY($1)")
        .bind(&ids)
        .fetch_all(db)
        .await?;
    for row in &grants {
        if let Some(token) = tokens.get_mut(&TokenId(row.try_get("token_id")?)) {
            token.grants.insert(ChannelId(row.try_get("channel_id")?), word(row, "level")?);
        }
    }
    Ok(tokens)
}

fn read(row: &PgRow) -> Result<(TokenId, TokenRow), sqlx::Error> {
    let token = TokenRow {
        owner_id: AccountId(row.try_get("owner_id")?),
        kind: row.try_get("kind")?,
        name: row.try_get("name")?,
        description: row.try_get("description")?,
        maker_token_id: row.try_get::<Option<Uuid>, _>("maker_token_id")?.map(TokenId),
        issued_at: row.try_get("issued_at")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
        grants: BTreeMap::new(),
        scopes: scopes(row)?,
        reissued_at: row.try_get("reissued_at")?,
        seq: count(row, "seq")?,
    };
    Ok((TokenId(row.try_get("token_id")?), token))
}

fn scopes(row: &PgRow) -> Result<BTreeSet<Scope>, sqlx::Error> {
    let names: Vec<String> = row.try_get("scopes")?;
    let read = |name: String| name.parse().map_err(|reason| sqlx::Error::Decode(Box::new(reason)));
    names.into_iter().map(read).collect()
}

pub(crate) async fn save(db: &mut PgConnection, before: &Tokens, after: &Tokens) -> Result<(), WriteError> {
    let rows = changed(before, after);
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO tokens (token_id, owner_id, kind, name, description, maker_token_id, issued_at, expires_at, \
         revoked_at, seq, reissued_at, scopes) \
         SELECT a, b, c, d, e, f, g, h, i, j, k, string_to_array(l, ' ') FROM unnest($1::uuid[], $2::uuid[], \
         $3::text[], $4::text[], $5::text[], $6::uuid[], $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], \
         $10::bigint[], $11::timestamptz[], $12::text[]) AS given (a, b, c, d, e, f, g, h, i, j, k, l) \
         ON CONFLICT (token_id) DO UPDATE SET owner_id = excluded.owner_id, kind = excluded.kind, \
         name = excluded.name, description = excluded.description, maker_token_id = excluded.maker_token_id, \
         issued_at = excluded.issued_at, expires_at = excluded.expires_at, revoked_at = excluded.revoked_at, \
         seq = excluded.seq, reissued_at = excluded.reissued_at, scopes = excluded.scopes",
    )
    .bind(column(&rows, |(id, _)| id.0))
    .bind(column(&rows, |(_, row)| row.owner_id.0))
    .bind(column(&rows, |(_, row)| row.kind.as_str()))
    .bind(column(&rows, |(_, row)| row.name.as_str()))
    .bind(column(&rows, |(_, row)| row.description.as_str()))
    .bind(column(&rows, |(_, row)| row.maker_token_id.map(|id| id.0)))
    .bind(column(&rows, |(_, row)| row.issued_at))
    .bind(column(&rows, |(_, row)| row.expires_at))
    .bind(column(&rows, |(_, row)| row.revoked_at))
    .bind(column(&rows, |(_, row)| row.seq.cast_signed()))
    .bind(column(&rows, |(_, row)| row.reissued_at))
    .bind(column(&rows, |(_, row)| joined(&row.scopes)))
    .execute(&mut *db)
    .await?;
    save_grants(db, &rows).await
}

/// No scope has a blank in its name.
fn joined(scopes: &BTreeSet<Scope>) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" ")
}

/// A token's grants are fixed when it is issued.
async fn save_grants(db: &mut PgConnection, rows: &[(&TokenId, &TokenRow)]) -> Result<(), WriteError> {
    let grants: Vec<_> = rows
        .iter()
        .flat_map(|(id, row)| row.grants.iter().map(|(channel, level)| (id.0, channel.0, level.as_str())))
        .collect();
    sqlx::query(
        "INSERT INTO token_grants (token_id, channel_id, level) \
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]) \
         ON CONFLICT (token_id, channel_id) DO UPDATE SET level = excluded.level",
    )
    .bind(column(&grants, |(token, _, _)| *token))
    .bind(column(&grants, |(_, channel, _)| *channel))
    .bind(column(&grants, |(_, _, level)| *level))
    .execute(db)
    .await?;
    Ok(())
}
