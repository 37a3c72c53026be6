//! Accounts, and the owners of organisations and service accounts.

use std::collections::{BTreeMap, BTreeSet};

use names::AccountId;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use crate::{
    artifact::count,
    write::{
        AccountRow, WriteError,
        rows::{changed, column},
    },
};

type Accounts = BTreeMap<AccountId, AccountRow>;

pub(crate) async fn load(db: &mut PgConnection, ids: &BTreeSet<AccountId>) -> Result<Accounts, WriteError> {
    if ids.is_empty() {
        return Ok(Accounts::new());
    }
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let rows = sqlx::query(
        "SELECT account_id, kind, admin, disabled, created_at, seq, \
         array(SELECT o.owner_id FROM account_owners o WHERE o.account_id = a.account_id) AS owners \
         FROM accounts a WHERE account_id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(db)
    .await?;
    let read = |row: &sqlx::postgres::PgRow| {
        let owners: Vec<Uuid> = row.try_get("owners")?;
        let account = AccountRow {
            kind: row.try_get("kind")?,
            admin: row.try_get("admin")?,
            disabled: row.try_get("disabled")?,
            owners: owners.into_iter().map(AccountId).collect(),
            created_at: row.try_get("created_at")?,
            seq: count(row, "seq")?,
        };
        Ok((AccountId(row.try_get("account_id")?), account))
    };
    Ok(rows.iter().map(read).collect::<Result<_, sqlx::Error>>()?)
}

pub(crate) async fn save(
    db: &mut PgConnection,
    before: &Accounts,
    after: &Accounts,
) -> Result<(), WriteError> {
    let rows = changed(before, after);
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO accounts (account_id, kind, admin, disabled, created_at, seq) \
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::boolean[], $5::timestamptz[], $6::bigint[]) \
         ON CONFLICT (account_id) DO UPDATE SET kind = excluded.kind, admin = excluded.admin, \
         disabled = excluded.disabled, created_at = excluded.created_at, seq = excluded.seq",
    )
    .bind(column(&rows, |(id, _)| id.0))
    .bind(column(&rows, |(_, row)| row.kind.as_str()))
    .bind(column(&rows, |(_, row)| row.admin))
    .bind(column(&rows, |(_, row)| row.disabled))
    .bind(column(&rows, |(_, row)| row.created_at))
    .bind(column(&rows, |(_, row)| row.seq.cast_signed()))
    .execute(&mut *db)
    .await?;
    sqlx::query("DELETE FROM account_owners WHERE account_id = ANY($1)")
        .bind(column(&rows, |(id, _)| id.0))
        .execute(&mut *db)
        .await?;
    let owners: Vec<(Uuid, Uuid)> =
        rows.iter().flat_map(|(id, row)| row.owners.iter().map(|owner| (id.0, owner.0))).collect();
    sqlx::query(
        "INSERT INTO account_owners (account_id, owner_id) SELECT * FROM unnest($1::uuid[], $2::uuid[]) \
         ON CONFLICT DO NOTHING",
    )
    .bind(column(&owners, |(account, _)| *account))
    .bind(column(&owners, |(_, owner)| *owner))
    .execute(db)
    .await?;
    Ok(())
}
