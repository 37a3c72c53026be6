//! Files by their places.

use std::collections::{BTreeMap, BTreeSet};

use names::LabelName;
use sqlx::PgConnection;

use crate::{
    ArtifactRow, FileKey, FileType,
    write::{
        WriteError,
        rows::{changed, column},
    },
};

type Files = BTreeMap<FileKey, ArtifactRow>;

pub(crate) async fn load(db: &mut PgConnection, keys: &BTreeSet<FileKey>) -> Result<Files, WriteError> {
    if keys.is_empty() {
        return Ok(Files::new());
    }
    let keys: Vec<&FileKey> = keys.iter().collect();
    let rows: Vec<ArtifactRow> = sqlx::query_as(
        "SELECT a.* FROM artifacts a JOIN unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) \
         AS k (channel_id, kind, subdir, filename) USING (channel_id, kind, subdir, filename)",
    )
    .bind(column(&keys, |key| key.channel_id.0))
    .bind(column(&keys, |key| key.kind.as_str()))
    .bind(column(&keys, |key| key.subdir.as_str()))
    .bind(column(&keys, |key| key.filename.as_str()))
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (row.key(), row)).collect())
}

pub(crate) async fn save(db: &mut PgConnection, before: &Files, after: &Files) -> Result<(), WriteError> {
    let gone: Vec<&FileKey> = before.keys().filter(|key| !after.contains_key(key)).collect();
    if !gone.is_empty() {
        sqlx::query(
            "DELETE FROM artifacts a USING unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) \
             AS k (channel_id, kind, subdir, filename) WHERE a.channel_id = k.channel_id AND a.kind = k.kind \
             AND a.subdir = k.subdir AND a.filename = k.filename",
        )
        .bind(column(&gone, |key| key.channel_id.0))
        .bind(column(&gone, |key| key.kind.as_str()))
        .bind(column(&gone, |key| key.subdir.as_str()))
        .bind(column(&gone, |key| key.filename.as_str()))
        .execute(&mut *db)
        .await?;
    }
    let rows: Vec<&ArtifactRow> = changed(before, after).into_iter().map(|(_, row)| row).collect();
    if rows.is_empty() { Ok(()) } else { upsert(db, &rows).await }
}

/// A file's labels come as one text: UNNEST would take lists of lists apart.
const UPSERT: &str = "INSERT INTO artifacts (artifact_id, package_id, channel_id, kind, name, subdir, filename, \
     version, build, build_number, sha256, md5, size_bytes, record_json, run_exports_json, channeldata_json, \
     indexed_timestamp_ms, filetype, project, requires_python, metadata_sha256, metadata_size_bytes, summary, \
     uploaded_at, seq, authz_seq, labels) \
     SELECT a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, string_to_array(labels, ' ') \
     FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], \
     $6::text[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bytea[], $12::bytea[], $13::bigint[], \
     $14::text[], $15::text[], $16::text[], $17::bigint[], $18::text[], $19::text[], $20::text[], $21::bytea[], \
     $22::bigint[], $23::text[], $24::timestamptz[], $25::bigint[], $26::bigint[], $27::text[]) \
     AS new (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, labels) \
     ON CONFLICT (channel_id, kind, subdir, filename) DO UPDATE SET artifact_id = excluded.artifact_id, \
     package_id = excluded.package_id, name = excluded.name, version = excluded.version, build = excluded.build, \
     build_number = excluded.build_number, sha256 = excluded.sha256, md5 = excluded.md5, \
     size_bytes = excluded.size_bytes, record_json = excluded.record_json, \
     run_exports_json = excluded.run_exports_json, channeldata_json = excluded.channeldata_json, \
     indexed_timestamp_ms = excluded.indexed_timestamp_ms, filetype = excluded.filetype, \
     project = excluded.project, requires_python = excluded.requires_python, \
     metadata_sha256 = excluded.metadata_sha256, metadata_size_bytes = excluded.metadata_size_bytes, \
     summary = excluded.summary, uploaded_at = excluded.uploaded_at, seq = excluded.seq, \
     authz_seq = excluded.authz_seq, labels = excluded.labels";

async fn upsert(db: &mut PgConnection, rows: &[&ArtifactRow]) -> Result<(), WriteError> {
    sqlx::query(UPSERT)
        .bind(column(rows, |row| row.artifact_id.0))
        .bind(column(rows, |row| row.package_id.0))
        .bind(column(rows, |row| row.channel_id.0))
        .bind(column(rows, |row| row.kind.as_str()))
        .bind(column(rows, |row| row.name.as_str()))
        .bind(column(rows, |row| row.subdir.as_str()))
        .bind(column(rows, |row| row.filename.as_str()))
        .bind(column(rows, |row| row.version.as_str()))
        .bind(column(rows, |row| row.build.as_str()))
        .bind(column(rows, |row| row.build_number.cast_signed()))
        .bind(column(rows, |row| row.sha256.as_slice()))
        .bind(column(rows, |row| row.md5.as_slice()))
        .bind(column(rows, |row| row.size.cast_signed()))
        .bind(column(rows, |row| row.record_json.as_str()))
        .bind(column(rows, |row| row.run_exports_json.as_str()))
        .bind(column(rows, |row| row.channeldata_json.as_str()))
        .bind(column(rows, |row| row.indexed_timestamp_ms))
        .bind(column(rows, |row| row.filetype.map(FileType::as_str)))
        .bind(column(rows, |row| row.project.as_str()))
        .bind(column(rows, |row| row.requires_python.as_str()))
        .bind(column(rows, |row| row.metadata_sha256.as_ref().map(<[u8; 32]>::as_slice)))
        .bind(column(rows, |row| row.metadata_size.cast_signed()))
        .bind(column(rows, |row| row.summary.as_str()))
        .bind(column(rows, |row| row.uploaded_at))
        .bind(column(rows, |row| row.seq.cast_signed()))
        .bind(column(rows, |row| row.authz_seq.cast_signed()))
        .bind(column(rows, |row| joined(&row.labels)))
        .execute(db)
        .await?;
    Ok(())
}

fn joined(labels: &BTreeSet<LabelName>) -> String {
    labels.iter().map(LabelName::as_str).collect::<Vec<_>>().join(" ")
}
