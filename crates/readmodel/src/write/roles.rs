//! The database's roles: projector owns what it writes, gateway reads the views of `live`, auth two of them.

use sqlx::{Connection as _, PgConnection};

use crate::write::{Database, WriteError};

const ROLES_SQL: &str = include_str!("../../../../deploy/k8s/postgres/roles.sql");

/// Whether one of the reading roles may not yet read what it should.
const UNGRANTED: &str = "SELECT EXISTS (SELECT FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
     WHERE n.nspname = 'live' AND c.relkind = 'v' \
         AND (r.rolname = 'gateway' OR (r.rolname = 'auth' AND c.relname IN ('checkpoint', 'token_uses'))) \
         AND NOT (has_table_privilege(r.oid, c.oid, 'SELECT') AND has_schema_privilege(r.oid, n.oid, 'USAGE')))";

/// The gateway's covers views that come later too, as a new shape may make some anew. auth shows last uses.
const GRANTS: [(&str, &str); 2] = [
    (
        "gateway",
        "GRANT USAGE ON SCHEMA live TO gateway; \
         GRANT SELECT ON ALL TABLES IN SCHEMA live TO gateway; \
         ALTER DEFAULT PRIVILEGES IN SCHEMA live GRANT SELECT ON TABLES TO gateway",
    ),
    ("auth", "GRANT USAGE ON SCHEMA live TO auth; GRANT SELECT ON live.checkpoint, live.token_uses TO auth"),
];

/// Makes the roles `projector`, `gateway` and `auth`, each with its password. `url` is the superuser's; done again, it
/// changes nothing but the passwords.
pub async fn make_roles(url: &str, roles: &[(&str, &str)]) -> Result<(), WriteError> {
    let mut connection = PgConnection::connect(url).await?;
    for (role, password) in roles {
        let set = "SELECT set_config('latchkey.' || $1, $2, false)";
        sqlx::query(set).bind(role).bind(password).execute(&mut connection).await?;
    }
    sqlx::raw_sql(ROLES_SQL).execute(&mut connection).await?;
    Ok(connection.close().await?)
}

impl Database {
    /// Lets the reading roles read their views, if there are such and they may not yet.
    pub(crate) async fn grant_views(&self) -> Result<(), WriteError> {
        if !sqlx::query_scalar::<_, bool>(UNGRANTED).fetch_one(&self.pool).await? {
            return Ok(());
        }
        let mut tx = self.pool.begin().await?;
        // Nobody else swaps views, or grants, meanwhile.
        sqlx::query("LOCK TABLE meta.live IN EXCLUSIVE MODE").execute(&mut *tx).await?;
        for (role, grant) in GRANTS {
            let is_there = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)";
            if sqlx::query_scalar::<_, bool>(is_there).bind(role).fetch_one(&mut *tx).await? {
                sqlx::raw_sql(grant).execute(&mut *tx).await?;
            }
        }
        Ok(tx.commit().await?)
    }
}
