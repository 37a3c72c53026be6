//! Groups of organisations, and who is in them.

use std::collections::{BTreeMap, BTreeSet};

use names::{AccountId, GroupId};
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::{
    artifact::{count, word},
    write::{
        GroupRow, WriteError,
        rows::{changed, column},
    },
};

type Groups = BTreeMap<GroupId, GroupRow>;

pub(crate) async fn load(db: &mut PgConnection, ids: &BTreeSet<GroupId>) -> Result<Groups, WriteError> {
    if ids.is_empty() {
        return Ok(Groups::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(
        "SELECT group_id, organisation_id, name, description, level, created_at, deleted_at, seq, \
         array(SELECT m.account_id FROM group_members m WHERE m.group_id = g.group_id) AS members \
         FROM groups g WHERE group_id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(db)
    .await?;
    let read = |row: &sqlx::postgres::PgRow| {
        let members: Vec<Uuid> = row.try_get("members")?;
        let group = GroupRow {
            organisation_id: AccountId(row.try_get("organisation_id")?),
            name: row.try_get("name")?,
            description: row.try_get("description")?,
            level: word(row, "level")?,
            members: members.into_iter().map(AccountId).collect(),
            created_at: row.try_get("created_at")?,
            deleted_at: row.try_get("deleted_at")?,
            seq: count(row, "seq")?,
        };
        Ok((GroupId(row.try_get("group_id")?), group))
    };
    Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}

pub(crate) async fn save(db: &mut PgConnection, before: &Groups, after: &Groups) -> Result<(), WriteError> {
    let rows = changed(before, after);
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO groups (group_id, organisation_id, name, description, level, created_at, deleted_at, seq) \
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], \
         $7::timestamptz[], $8::bigint[]) ON CONFLICT (group_id) DO UPDATE SET \
         organisation_id = excluded.organisation_id, name = excluded.name, description = excluded.description, \
         level = excluded.level, created_at = excluded.created_at, deleted_at = excluded.deleted_at, \
         seq = excluded.seq",
    )
    .bind(column(&rows, |(id, _)| id.0))
    .bind(column(&rows, |(_, row)| row.organisation_id.0))
    .bind(column(&rows, |(_, row)| row.name.as_str()))
    .bind(column(&rows, |(_, row)| row.description.as_str()))
    .bind(column(&rows, |(_, row)| row.level.as_str()))
    .bind(column(&rows, |(_, row)| row.created_at))
    .bind(column(&rows, |(_, row)| row.deleted_at))
    .bind(column(&rows, |(_, row)| row.seq.cast_signed()))
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM group_members WHERE group_id = ANY($1)")
        .bind(column(&rows, |(id, _)| id.0))
        .execute(&mut *db)
        .await?;
    let members: Vec<(Uuid, Uuid)> =
        rows.iter().flat_map(|(id, row)| row.members.iter().map(|member| (id.0, member.0))).collect();
    sqlx::query(
        "INSERT INTO group_members (group_id, account_id) SELECT * FROM unnest($1::uuid[], $2::uuid[])",
    )
    .bind(column(&members, |(group, _)| *group))
    .bind(column(&members, |(_, member)| *member))
    .execute(db)
    .await?;
    Ok(())
}
