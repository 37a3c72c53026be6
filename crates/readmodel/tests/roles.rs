//! What the roles of the database may and may not, tried on a real Postgres.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use readmodel::{
    Reader, Stream,
    write::{Database, Purpose, make_roles},
};
use servers::{Postgres, PostgresOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// What Postgres says when a right is missing.
const INSUFFICIENT_PRIVILEGE: &str = "42501";

struct Lab {
    postgres: Postgres,
    _dir: tempfile::TempDir,
}

impl Lab {
    async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let postgres = Postgres::start(dir.path(), PostgresOptions::default()).await.unwrap();
        Self { postgres, _dir: dir }
    }

    async fn make_roles(&self) {
        let roles = [("projector", "projector's"), ("gateway", "gateway's"), ("auth", "auth's")];
        make_roles(&self.postgres.url(), &roles).await.unwrap();
    }

    fn url(&self, role: &str) -> String {
        self.postgres.url_of(role, &format!("{role}'s"))
    }

    /// Whether the role is refused for want of a right, and for nothing else.
    async fn is_refused(&self, role: &str, statement: &str) -> bool {
        let mut connection = PgConnection::connect(&self.url(role)).await.unwrap();
        match sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await {
            Ok(_) => false,
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(INSUFFICIENT_PRIVILEGE) => {
                true
            }
            Err(error) => panic!("{role}: {statement}: {error}"),
        }
    }
}

const VIEWS: [&str; 5] =
    ["live.checkpoint", "live.token_uses", "live.tokens", "live.artifacts", "live.history"];

async fn gateway_reads_views_only(lab: &Lab) {
    for view in VIEWS {
        assert!(!lab.is_refused("gateway", &format!("SELECT * FROM {view}")).await, "{view}");
    }
    let version = Database::connect(&lab.url("projector")).unwrap().live().await.unwrap().schema();
    for table in [
        "meta.ledger",
        "meta.live",
        "meta.versions",
        "meta.token_uses",
        &format!("{version}.tokens"),
        "public._sqlx_migrations",
    ] {
        assert!(lab.is_refused("gateway", &format!("SELECT * FROM {table}")).await, "{table}");
    }
    for statement in [
        "INSERT INTO live.accounts SELECT * FROM live.accounts",
        "UPDATE live.checkpoint SET seq = 0",
        "DELETE FROM live.tokens",
        "TRUNCATE meta.ledger",
        "CREATE TABLE public.mine (n int)",
        "CREATE TABLE live.mine (n int)",
        "CREATE SCHEMA mine",
        "CREATE TEMP TABLE mine (n int)",
        "CREATE OR REPLACE VIEW live.checkpoint AS SELECT 1 AS stream",
        "SELECT * FROM pg_authid",
        "SELECT pg_read_file('PG_VERSION')",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "SET ROLE projector",
        "CREATE ROLE mine",
    ] {
        assert!(lab.is_refused("gateway", statement).await, "{statement}");
    }
}

#[tokio::test]
async fn the_gateway_reads_the_views_and_nothing_else_and_auth_two_of_them() {
    let lab = Lab::start().await;
    lab.make_roles().await;
    lab.make_roles().await;
    let db = Database::connect(&lab.url("projector")).unwrap();
    db.migrate().await.unwrap();
    db.migrate().await.unwrap();
    gateway_reads_views_only(&lab).await;

    // The same when another version has gone live.
    let next = db.create(Purpose::Building).await.unwrap();
    let mut tx = db.begin_swap(next).await.unwrap();
    tx.go_live().await.unwrap();
    tx.commit().await.unwrap();
    gateway_reads_views_only(&lab).await;
    for (view, may) in [
        ("live.token_uses", true),
        ("live.checkpoint", true),
        ("live.tokens", false),
        ("live.history", false),
    ] {
        assert_eq!(lab.is_refused("auth", &format!("SELECT * FROM {view}")).await, !may, "{view}");
    }
    for statement in
        ["SELECT * FROM meta.token_uses", "SELECT * FROM meta.ledger", "DELETE FROM live.token_uses"]
    {
        assert!(lab.is_refused("auth", statement).await, "{statement}");
    }
    let reader = Reader::connect(&lab.url("gateway")).await.unwrap();
    reader.checkpoint(Stream::Authz).await.unwrap();
}

#[tokio::test]
async fn the_projector_writes_what_it_owns_and_is_no_superuser() {
    let lab = Lab::start().await;
    lab.make_roles().await;
    Database::connect(&lab.url("projector")).unwrap().migrate().await.unwrap();
    assert!(!lab.is_refused("projector", "DELETE FROM meta.ledger WHERE false").await);
    for statement in [
        "SELECT * FROM pg_authid",
        "COPY (SELECT 1) TO PROGRAM 'true'",
        "CREATE ROLE mine SUPERUSER",
        "CREATE DATABASE mine",
        "ALTER SYSTEM SET fsync = off",
    ] {
        assert!(lab.is_refused("projector", statement).await, "{statement}");
    }
}

#[tokio::test]
async fn a_database_of_before_there_were_roles_is_taken_over() {
    let lab = Lab::start().await;
    let before = Database::connect(&lab.postgres.url()).unwrap();
    before.migrate().await.unwrap();
    before.create(Purpose::Building).await.unwrap();
    lab.make_roles().await;
    let db = Database::connect(&lab.url("projector")).unwrap();
    db.migrate().await.unwrap();
    db.drop_leftovers().await.unwrap();
    gateway_reads_views_only(&lab).await;
}
