//! Channels, and the levels that were given in them.

use std::collections::{BTreeMap, BTreeSet};

use names::{AccountId, ChannelId};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{
    artifact::{count, word},
    write::{
        ChannelRow, WriteError, grant,
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
        "SELECT channel_id, name, owner_id, privacy, description, created_at, deleted_at, seq, parent_id \
         FROM channels WHERE channel_id = ANY($1)",
    )
    .bind(&ids)
    .fetch_all(&mut *db)
    .await?;
    let mut channels = rows.iter().map(read).collect::<Result<Channels, _>>()?;
    for (id, given) in grant::load(db, &grant::CHANNEL, &ids).await? {
        channels.entry(ChannelId(id)).and_modify(|channel| channel.grants = given);
    }
    Ok(channels)
}

fn read(row: &PgRow) -> Result<(ChannelId, ChannelRow), sqlx::Error> {
    let channel = ChannelRow {
        name: row.try_get("name")?,
        owner_id: AccountId(row.try_get("owner_id")?),
        privacy: word(row, "privacy")?,
        description: row.try_get("description")?,
        parent_id: row.try_get::<Option<Uuid>, _>("parent_id")?.map(ChannelId),
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
        "INSERT INTO channels (channel_id, name, owner_id, privacy, description, created_at, deleted_at, seq, \
         parent_id) \
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], \
         $7::timestamptz[], $8::bigint[], $9::uuid[]) ON CONFLICT (channel_id) DO UPDATE SET name = excluded.name, \
         owner_id = excluded.owner_id, privacy = excluded.privacy, description = excluded.description, \
         created_at = excluded.created_at, deleted_at = excluded.deleted_at, seq = excluded.seq, \
         parent_id = excluded.parent_id",
    )
    .bind(column(&rows, |(id, _)| id.0))
    .bind(column(&rows, |(_, row)| row.name.as_str()))
    .bind(column(&rows, |(_, row)| row.owner_id.0))
    .bind(column(&rows, |(_, row)| row.privacy.as_str()))
    .bind(column(&rows, |(_, row)| row.description.as_str()))
    .bind(column(&rows, |(_, row)| row.created_at))
    .bind(column(&rows, |(_, row)| row.deleted_at))
    .bind(column(&rows, |(_, row)| row.seq.cast_signed()))
    .bind(column(&rows, |(_, row)| row.parent_id.map(|id| id.0)))
    .execute(&mut *db)
    .await?;
    let given: Vec<_> = rows.iter().map(|(id, row)| (id.0, &row.grants)).collect();
    grant::save(db, &grant::CHANNEL, &given).await
}
