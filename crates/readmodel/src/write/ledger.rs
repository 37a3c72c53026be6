//! The ledger: every message that decides something, as it stands in the log. It only grows.

use sqlx::{FromRow, Row as _};

use crate::{
    Stream,
    artifact::count,
    write::{Database, Tx, WriteError, rows::column},
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

/// What the projector adds to it.
#[derive(Debug, Clone, Copy)]
pub struct NewLedgerRow<'r> {
    /// Its position in the stream.
    pub seq: u64,
    /// The aggregate.
    pub subject: &'r str,
    /// The sealed bytes as stored.
    pub raw: &'r [u8],
    /// Where it first stood, of an event that was put back.
    pub original_seq: Option<u64>,
}

/// An event that was lost from the log and put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PutBackRow {
    /// Where it stands.
    pub seq: u64,
    /// Where it first stood.
    pub place: u64,
    /// The aggregate.
    pub subject: String,
    /// Whether the ledger has it at its first place too.
    pub known: bool,
}

/// What a comparison of log and ledger found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerCheckRow {
    /// How far the two were compared.
    pub seq: u64,
    /// Events that the ledger has and the log lacks.
    pub missing: u64,
    /// The first of them.
    pub first_missing: Option<u64>,
    /// Messages that differ, or that the ledger lacks.
    pub differing: u64,
}

impl FromRow<'_, sqlx::postgres::PgRow> for LedgerRow {
    fn from_row(row: &sqlx::postgres::PgRow) -> Result<Self, sqlx::Error> {
        let seq = count(row, "seq")?;
        Ok(Self { seq, subject: row.try_get("subject")?, raw: row.try_get("raw")? })
    }
}

impl Tx {
    /// Adds what the log holds. A row that is there already is an error: the checkpoint should have fenced it.
    pub async fn append_ledger(
        &mut self,
        stream: Stream,
        rows: &[NewLedgerRow<'_>],
    ) -> Result<(), WriteError> {
        if rows.is_empty() {
            return Ok(());
        }
        sqlx::query(
            "INSERT INTO meta.ledger (stream, seq, subject, raw, original_seq) \
             SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::bytea[], $5::bigint[])",
        )
        .bind(stream.as_str())
        .bind(column(rows, |row| row.seq.cast_signed()))
        .bind(column(rows, |row| row.subject))
        .bind(column(rows, |row| row.raw))
        .bind(column(rows, |row| row.original_seq.map(u64::cast_signed)))
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

    /// How many rows stand after a sequence, up to another.
    pub async fn ledger_count(&self, stream: Stream, after: u64, up_to: u64) -> Result<u64, WriteError> {
        let count: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM meta.ledger WHERE stream = $1 AND seq > $2 AND seq <= $3",
        )
        .bind(stream.as_str())
        .bind(after.cast_signed())
        .bind(up_to.cast_signed())
        .fetch_one(&self.pool)
        .await?;
        Ok(count.cast_unsigned())
    }

    /// Everything that was put back up to a sequence, in order.
    pub async fn put_back(&self, stream: Stream, up_to: u64) -> Result<Vec<PutBackRow>, WriteError> {
        let rows = sqlx::query(
            "SELECT seq, original_seq, subject, EXISTS (SELECT FROM meta.ledger o WHERE o.stream = p.stream AND \
             o.seq = p.original_seq) AS known FROM meta.ledger p \
             WHERE stream = $1 AND original_seq IS NOT NULL AND seq <= $2 ORDER BY seq",
        )
        .bind(stream.as_str())
        .bind(up_to.cast_signed())
        .fetch_all(&self.pool)
        .await?;
        let read = |row: &sqlx::postgres::PgRow| {
            let (seq, place) = (count(row, "seq")?, count(row, "original_seq")?);
            Ok(PutBackRow { seq, place, subject: row.try_get("subject")?, known: row.try_get("known")? })
        };
        Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
    }

    /// Notes what a comparison found, for whoever asks how things stand.
    pub async fn save_check(&self, stream: Stream, found: &LedgerCheckRow) -> Result<(), WriteError> {
        sqlx::query(
            "INSERT INTO meta.ledger_check (stream, checked_at, seq, missing, first_missing, differing) \
             VALUES ($1, now(), $2, $3, $4, $5) ON CONFLICT (stream) DO UPDATE SET checked_at = now(), seq = $2, \
             missing = $3, first_missing = $4, differing = $5",
        )
        .bind(stream.as_str())
        .bind(found.seq.cast_signed())
        .bind(found.missing.cast_signed())
        .bind(found.first_missing.map(u64::cast_signed))
        .bind(found.differing.cast_signed())
        .execute(&self.pool)
        .await?;
        Ok(())
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
