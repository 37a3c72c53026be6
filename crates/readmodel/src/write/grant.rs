//! Levels given to accounts and groups, on a channel or on one package: two tables of one form.

use std::collections::BTreeMap;

use names::{AccountId, GroupId, Level, Subject};
use sqlx::{PgConnection, Row, postgres::PgRow};
use uuid::Uuid;

use crate::{
    artifact::word,
    write::{WriteError, rows::column},
};

/// What was given on one thing.
pub(crate) type Given = BTreeMap<Subject, Level>;

/// The statements for one of the tables.
pub(crate) struct Statements {
    pub(crate) select: &'static str,
    pub(crate) delete: &'static str,
    pub(crate) insert: &'static str,
}

pub(crate) const CHANNEL: Statements = Statements {
    select: "SELECT channel_id AS id, account_id, group_id, level FROM channel_grants WHERE channel_id = ANY($1)",
    delete: "DELETE FROM channel_grants WHERE channel_id = ANY($1)",
    insert: "INSERT INTO channel_grants (channel_id, account_id, group_id, level) \
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])",
};

pub(crate) const PACKAGE: Statements = Statements {
    select: "SELECT package_id AS id, account_id, group_id, level FROM package_grants WHERE package_id = ANY($1)",
    delete: "DELETE FROM package_grants WHERE package_id = ANY($1)",
    insert: "INSERT INTO package_grants (package_id, account_id, group_id, level) \
             SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[])",
};

/// Reads what was given on each of these.
pub(crate) async fn load(
    db: &mut PgConnection,
    statements: &Statements,
    ids: &[Uuid],
) -> Result<BTreeMap<Uuid, Given>, WriteError> {
    let mut given = BTreeMap::<Uuid, Given>::new();
    for row in &sqlx::query(statements.select).bind(ids).fetch_all(db).await? {
        let (id, subject, level) = read(row)?;
        if let Some(subject) = subject {
            given.entry(id).or_default().insert(subject, level);
        }
    }
    Ok(given)
}

fn read(row: &PgRow) -> Result<(Uuid, Option<Subject>, Level), sqlx::Error> {
    let account: Option<Uuid> = row.try_get("account_id")?;
    let group: Option<Uuid> = row.try_get("group_id")?;
    let account = account.map(|id| Subject::Account(AccountId(id)));
    let subject = account.or(group.map(|id| Subject::Group(GroupId(id))));
    Ok((row.try_get("id")?, subject, word(row, "level")?))
}

/// Puts what was given on each of these in the place of what stands there.
pub(crate) async fn save(
    db: &mut PgConnection,
    statements: &Statements,
    given: &[(Uuid, &Given)],
) -> Result<(), WriteError> {
    sqlx::query(statements.delete).bind(column(given, |(id, _)| *id)).execute(&mut *db).await?;
    let rows: Vec<(Uuid, Subject, Level)> = given
        .iter()
        .flat_map(|(id, given)| given.iter().map(|(subject, level)| (*id, *subject, *level)))
        .collect();
    sqlx::query(statements.insert)
        .bind(column(&rows, |(id, _, _)| *id))
        .bind(column(&rows, |(_, subject, _)| match subject {
            Subject::Account(id) => Some(id.0),
            Subject::Group(_) => None,
        }))
        .bind(column(&rows, |(_, subject, _)| match subject {
            Subject::Group(id) => Some(id.0),
            Subject::Account(_) => None,
        }))
        .bind(column(&rows, |(_, _, level)| level.as_str()))
        .execute(db)
        .await?;
    Ok(())
}
