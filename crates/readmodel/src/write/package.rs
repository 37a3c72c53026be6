//! Packages, and the levels that were given on single ones.

use std::collections::{BTreeMap, BTreeSet};

use names::{ChannelId, PackageId};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{
    artifact::{count, word},
    write::{
        PackageRow, WriteError, grant,
        rows::{changed, column},
    },
};

type Packages = BTreeMap<PackageId, PackageRow>;

pub(crate) async fn load(db: &mut PgConnection, ids: &BTreeSet<PackageId>) -> Result<Packages, WriteError> {
    if ids.is_empty() {
        return Ok(Packages::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(
        "SELECT package_id, channel_id, kind, name, private, created_at, seq, deleted_at \
         FROM packages WHERE package_id = ANY($1)",
    )
    .bind(&ids)
    .fetch_all(&mut *db)
    .await?;
    let mut packages = rows.iter().map(read).collect::<Result<Packages, _>>()?;
    for (id, given) in grant::load(db, &grant::PACKAGE, &ids).await? {
        packages.entry(PackageId(id)).and_modify(|package| package.grants = given);
    }
    Ok(packages)
}

fn read(row: &PgRow) -> Result<(PackageId, PackageRow), sqlx::Error> {
    let package = PackageRow {
        channel_id: ChannelId(row.try_get("channel_id")?),
        kind: word(row, "kind")?,
        name: row.try_get("name")?,
        private: row.try_get("private")?,
        grants: BTreeMap::new(),
        created_at: row.try_get("created_at")?,
        deleted_at: row.try_get("deleted_at")?,
        seq: count(row, "seq")?,
    };
    Ok((PackageId(row.try_get("package_id")?), package))
}

pub(crate) async fn save(
    db: &mut PgConnection,
    before: &Packages,
    after: &Packages,
) -> Result<(), WriteError> {
    let rows = changed(before, after);
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO packages (package_id, channel_id, kind, name, private, created_at, seq, deleted_at) \
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[], \
         $7::bigint[], $8::timestamptz[]) ON CONFLICT (package_id) DO UPDATE SET channel_id = excluded.channel_id, \
         kind = excluded.kind, name = excluded.name, private = excluded.private, \
         created_at = excluded.created_at, seq = excluded.seq, \
         deleted_at = excluded.deleted_at",
    )
    .bind(column(&rows, |(id, _)| id.0))
    .bind(column(&rows, |(_, row)| row.channel_id.0))
    .bind(column(&rows, |(_, row)| row.kind.as_str()))
    .bind(column(&rows, |(_, row)| row.name.as_str()))
    .bind(column(&rows, |(_, row)| row.private))
    .bind(column(&rows, |(_, row)| row.created_at))
    .bind(column(&rows, |(_, row)| row.seq.cast_signed()))
    .bind(column(&rows, |(_, row)| row.deleted_at))
    .execute(&mut *db)
    .await?;
    let given: Vec<_> = rows.iter().map(|(id, row)| (id.0, &row.grants)).collect();
    grant::save(db, &grant::PACKAGE, &given).await
}
