//! The ledger: every message that decides something, as it stands in the log. It only grows.

use sqlx::FromRow;

use crate::{
    Stream,
    write::{Database, Tx, WriteError},
};

/// One message of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// Its position in the stream.
    pub seq: u64,
    /// The aggregate.
    pub subject: String,
    /// The sealed bytes as stored.
    pub raw: Vec<u8>,
}

impl FromRow<'_, sqlx::postgres::PgRow> for LedgerRow {
    fn from_row(row: &sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        use sqlx::Row as _;
        let seq = crate::artifact::count(row, "seq")?;
        Ok(Self { seq, subject: row.try_get("subject")?, raw: row.try_get("raw")? })
    }
}

impl Tx {
    /// Adds what the log holds. A row that is there already is an error: the checkpoint should have fenced it.
    pub async fn append_ledger(
        &mut self,
        stream: Stream,
        seqs: &[u64],
        subjects: &[&str],
        raws: &[&[u8]],
    ) -> Result<(), WriteError> {
        if seqs.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO meta.ledger (stream, seq, subject, raw) \
             SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bytea[])",
        )
        .bind(stream.as_str())
        .bind(seqs.iter().map(|seq| seq.cast_signed()).collect::<Vec<_>>())
        .bind(subjects)
        .bind(raws)
        .execute(&mut *self.inner)
        .await?;
        Ok(())
    }
}

impl Database {
    /// One page of the ledger: after a sequence, up to another, in order.
    pub async fn ledger(
        &self,
        stream: Stream,
        after: u64,
        up_to: u64,
        limit: u32,
    ) -> Result<Vec<LedgerRow>, WriteError> {
        let rows = sqlx::query_as(
            "SELECT seq, subject, raw FROM meta.ledger WHERE stream = $1 AND seq > $2 AND seq <= $3 \
             ORDER BY seq LIMIT $4",
        )
        .bind(stream.as_str())
        .bind(after.cast_signed())
        .bind(up_to.cast_signed())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        Ok(rows)
    }

    /// The last row of the ledger.
    pub async fn ledger_end(&self, stream: Stream) -> Result<Option<LedgerRow>, WriteError> {
        let row = sqlx::query_as(
            "SELECT seq, subject, raw FROM meta.ledger WHERE stream = $1 ORDER BY seq DESC LIMIT 1",
        )
        .bind(stream.as_str())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row)
    }
}
