//! What a batch leaves beside the nouns: history, applied events, parked aggregates.

use std::collections::{BTreeMap, BTreeSet};

use names::EventId;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::{
    HistoryRow, Stream,
    artifact::count,
    write::{
        ParkedRow, WriteError,
        rows::{changed, column},
    },
};

type Applied = BTreeMap<(Stream, EventId), u64>;
type Parked = BTreeMap<String, ParkedRow>;

pub(crate) async fn append(db: &mut PgConnection, rows: &[HistoryRow]) -> Result<(), WriteError> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO history (channel_id, stream, seq, part, at, actor_account, actor_token, actor_system, event, \
         summary_json) SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::integer[], \
         $5::timestamptz[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::text[])",
    )
    .bind(column(rows, |row| row.channel_id.0))
    .bind(column(rows, |row| row.stream.as_str()))
    .bind(column(rows, |row| row.seq.cast_signed()))
    .bind(column(rows, |row| row.part))
    .bind(column(rows, |row| row.at))
    .bind(column(rows, |row| row.actor_account.map(|id| id.0)))
    .bind(column(rows, |row| row.actor_token.map(|id| id.0)))
    .bind(column(rows, |row| row.actor_system.as_str()))
    .bind(column(rows, |row| row.event.as_str()))
    .bind(column(rows, |row| row.summary_json.as_str()))
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn load_applied(
    db: &mut PgConnection,
    keys: &BTreeSet<(Stream, EventId)>,
) -> Result<Applied, WriteError> {
    let keys: Vec<_> = keys.iter().collect();
    if keys.is_empty() {
        return Ok(Applied::new());
    }
    let rows = sqlx::query(
        "SELECT stream, event_id, seq FROM applied JOIN unnest($1::text[], $2::uuid[]) AS k (stream, event_id) \
         USING (stream, event_id)",
    )
    .bind(column(&keys, |(stream, _)| stream.as_str()))
    .bind(column(&keys, |(_, id)| id.0))
    .fetch_all(db)
    .await?;
    let mut applied = Applied::new();
    for row in &rows {
        let name: &str = row.try_get("stream")?;
        let id = EventId(row.try_get::<Uuid, _>("event_id")?);
        if let Some(stream) = Stream::ALL.into_iter().find(|stream| stream.as_str() == name) {
            applied.insert((stream, id), count(row, "seq")?);
        }
    }
    Ok(applied)
}

pub(crate) async fn save_applied(
    db: &mut PgConnection,
    before: &Applied,
    after: &Applied,
) -> Result<(), WriteError> {
    let rows = changed(before, after);
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO applied (stream, event_id, seq) SELECT * FROM unnest($1::text[], $2::uuid[], $3::bigint[])",
    )
    .bind(column(&rows, |((stream, _), _)| stream.as_str()))
    .bind(column(&rows, |((_, id), _)| id.0))
    .bind(column(&rows, |(_, seq)| seq.cast_signed()))
    .execute(db)
    .await?;
    Ok(())
}

pub(crate) async fn load_parked(
    db: &mut PgConnection,
    subjects: &BTreeSet<String>,
) -> Result<Parked, WriteError> {
    if subjects.is_empty() {
        return Ok(Parked::new());
    }
    let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
    let rows = sqlx::query("SELECT subject, seq, reason FROM parked WHERE subject = ANY($1)")
        .bind(subjects)
        .fetch_all(db)
        .await?;
    let read = |row: &sqlx::postgres::PgRow| {
        let parked = ParkedRow { seq: count(row, "seq")?, reason: row.try_get("reason")? };
        Ok((row.try_get("subject")?, parked))
    };
    Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}

pub(crate) async fn save_parked(
    db: &mut PgConnection,
    before: &Parked,
    after: &Parked,
) -> Result<(), WriteError> {
    let rows = changed(before, after);
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query("INSERT INTO parked (subject, seq, reason) SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[])")
        .bind(column(&rows, |(subject, _)| subject.as_str()))
        .bind(column(&rows, |(_, row)| row.seq.cast_signed()))
        .bind(column(&rows, |(_, row)| row.reason.as_str()))
        .execute(db)
        .await?;
    Ok(())
}
