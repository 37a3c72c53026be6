//! How the read models stand: what the projector says of itself and of the log.

use sqlx::Row;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{Reader, limited};
use crate::{ReadError, Stream, artifact::count};

/// What the projector found when it last compared log and ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerCheck {
    /// Of which stream.
    pub stream: Stream,
    /// When, by the clock of Postgres.
    pub checked_at: OffsetDateTime,
    /// How long ago, in seconds by the same clock.
    pub age_s: u64,
    /// Compared up to here.
    pub seq: u64,
    /// Events that the ledger has and the log lacks.
    pub missing: u64,
    /// The first of them.
    pub first_missing: Option<u64>,
    /// Messages that differ, or that the ledger lacks.
    pub differing: u64,
}

/// A projector that has said lately that it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectorRow {
    /// Stable over restarts.
    pub name: String,
    /// Fresh in each process.
    pub incarnation: Uuid,
    /// Of its release.
    pub version: String,
    /// It writes; the others stand by.
    pub active: bool,
    /// How long ago it said so, in seconds by the clock of Postgres.
    pub age_s: u64,
}

impl Reader {
    /// The projectors, by name.
    pub async fn projectors(&self) -> Result<Vec<ProjectorRow>, ReadError> {
        let rows = sqlx::query(
            "SELECT name, incarnation, version, active, \
             greatest(extract(epoch FROM now() - seen_at), 0)::bigint AS age_s FROM live.projectors \
             ORDER BY name, active DESC, incarnation",
        )
        .fetch_all(self.pool());
        let read = |row: &sqlx::postgres::PgRow| {
            Ok(ProjectorRow {
                name: row.try_get("name")?,
                incarnation: row.try_get("incarnation")?,
                version: row.try_get("version")?,
                active: row.try_get("active")?,
                age_s: count(row, "age_s")?,
            })
        };
        Ok(limited(rows).await?.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
    }

    /// The last comparison of each stream; none before the projector's first.
    pub async fn ledger_checks(&self) -> Result<Vec<LedgerCheck>, ReadError> {
        let rows = sqlx::query(
            "SELECT stream, checked_at, greatest(extract(epoch FROM now() - checked_at), 0)::bigint AS age_s, seq, \
             missing, first_missing, differing FROM live.ledger_check ORDER BY stream",
        )
        .fetch_all(self.pool());
        let rows = limited(rows).await?;
        Ok(rows.iter().filter_map(|row| check(row).transpose()).collect::<Result<_, _>>()?)
    }
}

/// Nothing for a stream that this release does not know.
fn check(row: &sqlx::postgres::PgRow) -> Result<Option<LedgerCheck>, sqlx::Error> {
    let name: &str = row.try_get("stream")?;
    let Some(stream) = Stream::ALL.into_iter().find(|stream| stream.as_str() == name) else {
        return Ok(None);
    };
    let first: Option<i64> = row.try_get("first_missing")?;
    Ok(Some(LedgerCheck {
        stream,
        checked_at: row.try_get("checked_at")?,
        age_s: count(row, "age_s")?,
        seq: count(row, "seq")?,
        missing: count(row, "missing")?,
        first_missing: first.map(i64::cast_unsigned),
        differing: count(row, "differing")?,
    }))
}
