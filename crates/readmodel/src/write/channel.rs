//! Channels, and the levels that accounts were given in them.

use std::collections::{BTreeMap, BTreeSet};

use names::{AccountId, ChannelId};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{
    artifact::{count, word},
    write::{
        ChannelRow, WriteError,
        rows::{changed, column},
    },
};

type Channels = BTreeMap<ChannelId, ChannelRow>;

pub(crate) async fn load(db: &mut PgConnection, ids: &BTreeSet<ChannelId>) -> Result<Channels, WriteError> {
    if ids.is_empty() {
        return Ok(Channels::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(
        "SELECT channel_id, name, owner_id, privacy, description, created_at, deleted_at, seq \
         FROM channels WHERE channel_id = ANY($1)",
    )
    .bind(&ids)
    .fetch_all(&mut *db)
    .await?;
    let mut channels = rows.iter().map(read).collect::<Result<Channels, _>>()?;
    let grants =
        sqlx::query("SELECT channel_id, account_id, level FROM channel_grants WHERE channel_id = ANY($1)")
            .bind(&ids)
            .fetch_all(db)
            .await?;
    for row in &grants {
        if let Some(channel) = channels.get_mut(&ChannelId(row.try_get("channel_id")?)) {
            channel.grants.insert(AccountId(row.try_get("account_id")?), word(row, "level")?);
        }
    }
    Ok(channels)
}

fn read(row: &PgRow) -> Result<(ChannelId, ChannelRow), sqlx::Error> {
    let channel = ChannelRow {
        name: row.try_get("name")?,
        owner_id: AccountId(row.try_get("owner_id")?),
        privacy: word(row, "privacy")?,
        description: row.try_get("description")?,
        grants: BTreeMap::new(),
        created_at: row.try_get("created_at")?,
        deleted_at: row.try_get("deleted_at")?,
        seq: count(row, "seq")?,
    };
    Ok((ChannelId(row.try_get("channel_id")?), channel))
}

pub(crate) async fn save(
    db: &mut PgConnection,
    before: &Channels,
    after: &Channels,
) -> Result<(), WriteError> {
    let rows = changed(before, after);
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO channels (channel_id, name, owner_id, privacy, description, created_at, deleted_at, seq) \
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], \
         $7::timestamptz[], $8::bigint[]) ON CONFLICT (channel_id) DO UPDATE SET name = excluded.name, \
         owner_id = excluded.owner_id, privacy = excluded.privacy, description = excluded.description, \
         created_at = excluded.created_at, deleted_at = excluded.deleted_at, seq = excluded.seq",
    )
    .bind(column(&rows, |(id, _)| id.0))
    .bind(column(&rows, |(_, row)| row.name.as_str()))
    .bind(column(&rows, |(_, row)| row.owner_id.0))
    .bind(column(&rows, |(_, row)| row.privacy.as_str()))
    .bind(column(&rows, |(_, row)| row.description.as_str()))
    .bind(column(&rows, |(_, row)| row.created_at))
    .bind(column(&rows, |(_, row)| row.deleted_at))
    .bind(column(&rows, |(_, row)| row.seq.cast_signed()))
    .execute(&mut *db)
    .await?;
    save_grants(db, &rows).await
}

async fn save_grants(db: &mut PgConnection, rows: &[(&ChannelId, &ChannelRow)]) -> Result<(), WriteError> {
    sqlx::query("DELETE FROM channel_grants WHERE channel_id = ANY($1)")
        .bind(column(rows, |(id, _)| id.0))
        .execute(&mut *db)
        .await?;
    let grants: Vec<_> = rows
        .iter()
        .flat_map(|(id, row)| row.grants.iter().map(|(account, level)| (id.0, account.0, level.as_str())))
        .collect();
    sqlx::query(
        "INSERT INTO channel_grants (channel_id, account_id, level) \
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])",
    )
    .bind(column(&grants, |(channel, _, _)| *channel))
    .bind(column(&grants, |(_, account, _)| *account))
    .bind(column(&grants, |(_, _, level)| *level))
    .execute(db)
    .await?;
    Ok(())
}
