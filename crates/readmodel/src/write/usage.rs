//! Last uses of tokens: the latest counts, so that taking the same in again changes nothing.

use sqlx::Row as _;
use time::OffsetDateTime;

use crate::{
    UseRow,
    artifact::count,
    usage::NOTIFICATIONS,
    write::{Database, WriteError, rows::column},
};

/// How far the stream USAGE has been taken in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsagePosition {
    /// Which stream of that name; empty before the first.
    pub epoch: String,
    /// The last sequence taken in.
    pub seq: u64,
}

impl Database {
    /// Where taking in goes on.
    pub async fn usage_position(&self) -> Result<UsagePosition, WriteError> {
        let row = sqlx::query("SELECT epoch, seq FROM meta.usage_position").fetch_one(&self.pool).await?;
        Ok(UsagePosition { epoch: row.try_get("epoch")?, seq: count(&row, "seq")? })
    }

    /// Takes uses in, of which no two are of one string and both dead or both alive, and moves the position; then wakes
    /// whoever waits for it.
    pub async fn record_uses(&self, uses: &[UseRow], to: &UsagePosition) -> Result<(), WriteError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query(
            "INSERT INTO meta.token_uses AS known (token_id, string_no, alive, at, address, client, family, outcome) \
             SELECT * FROM unnest($1::uuid[], $2::integer[], $3::boolean[], $4::timestamptz[], $5::text[], $6::text[], \
             $7::text[], $8::text[]) \
             ON CONFLICT (token_id, string_no, alive) DO UPDATE SET at = excluded.at, address = excluded.address, \
             client = excluded.client, family = excluded.family, outcome = excluded.outcome \
             WHERE known.at < excluded.at",
        )
        .bind(column(uses, |used| used.token_id.0))
        .bind(column(uses, |used| used.string_no.cast_signed()))
        .bind(column(uses, |used| used.alive))
        .bind(column(uses, |used| used.at))
        .bind(column(uses, |used| used.address.as_str()))
        .bind(column(uses, |used| used.client.as_str()))
        .bind(column(uses, |used| used.family.as_str()))
        .bind(column(uses, |used| used.outcome.as_str()))
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE meta.usage_position SET epoch = $1, seq = $2")
            .bind(&to.epoch)
            .bind(to.seq.cast_signed())
            .execute(&mut *tx)
            .await?;
        sqlx::query("SELECT pg_notify($1, '')").bind(NOTIFICATIONS).execute(&mut *tx).await?;
        Ok(tx.commit().await?)
    }

    /// Empties addresses and clients of uses before a moment; the times stay. Returns how many there were.
    pub async fn forget_users(&self, before: OffsetDateTime) -> Result<u64, WriteError> {
        let done = sqlx::query(
            "UPDATE meta.token_uses SET address = '', client = '' \
             WHERE at < $1 AND (address <> '' OR client <> '')",
        )
        .bind(before)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected())
    }
}
