//! Versions of the projections: made, swapped in, dropped.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::write::{Database, Tx, WriteError};

/// Goes up with every change of `version.sql` or of what the fold writes into it.
pub const SHAPE: i32 = 4;

const TABLES_SQL: &str = include_str!("version.sql");
const VIEWS_SQL: &str = include_str!("live.sql");
/// Readers hold a view for some milliseconds; a swap that waits longer holds up the readers behind it.
const SWAP_LOCK_TIMEOUT: &str = "2000";

/// One version of the projections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// Its schema is `p` and this number.
    pub number: i32,
    /// Which tables it has.
    pub shape: i32,
}

/// What a version beside the live one is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To go live.
    Building,
    /// To be compared and dropped.
    Scratch,
}

impl Version {
    /// The schema's name.
    pub fn schema(self) -> String {
        format!("p{}", self.number)
    }

    /// The first version of a new database, live from the start.
    pub(crate) async fn first(connection: &mut PgConnection) -> Result<(), WriteError> {
        let version = Self::make(connection, "live").await?;
        sqlx::raw_sql(VIEWS_SQL).execute(&mut *connection).await?;
        sqlx::query("INSERT INTO meta.live (version, shape) VALUES ($1, $2)")
            .bind(version.number)
            .bind(version.shape)
            .execute(connection)
            .await?;
        Ok(())
    }

    /// Leaves the search path at the new version's schema.
    async fn make(connection: &mut PgConnection, state: &str) -> Result<Self, WriteError> {
        let number: i32 =
            sqlx::query_scalar("INSERT INTO meta.versions (shape, state) VALUES ($1, $2) RETURNING version")
                .bind(SHAPE)
                .bind(state)
                .fetch_one(&mut *connection)
                .await?;
        let version = Self { number, shape: SHAPE };
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE SCHEMA {}", version.schema())))
            .execute(&mut *connection)
            .await?;
        version.enter(connection).await?;
        sqlx::raw_sql(TABLES_SQL).execute(connection).await?;
        Ok(version)
    }

    /// Makes bare table names mean this version's tables until the transaction ends.
    pub(crate) async fn enter(self, connection: &mut PgConnection) -> Result<(), WriteError> {
        sqlx::query("SELECT set_config('search_path', $1, true)")
            .bind(self.schema())
            .execute(connection)
            .await?;
        Ok(())
    }
}

impl Database {
    /// Makes an empty version beside the live one.
    pub async fn create(&self, purpose: Purpose) -> Result<Version, WriteError> {
        let mut tx = self.pool.begin().await?;
        let state = match purpose {
            Purpose::Building => "building",
            Purpose::Scratch => "scratch",
        };
        let version = Version::make(&mut tx, state).await?;
        tx.commit().await?;
        Ok(version)
    }

    /// Drops what is neither live nor the one before it: retired versions, and what a builder left when it died.
    /// To be called with [`crate::write::Lock::Builder`] held.
    pub async fn drop_leftovers(&self) -> Result<(), WriteError> {
        let leftovers: Vec<i32> = sqlx::query_scalar(
            "SELECT version FROM meta.versions WHERE state IN ('building', 'scratch', 'retired') ORDER BY version",
        )
        .fetch_all(&self.pool)
        .await?;
        for number in leftovers {
            let mut tx = self.pool.begin().await?;
            sqlx::raw_sql(AssertSqlSafe(format!("DROP SCHEMA IF EXISTS p{number} CASCADE")))
                .execute(&mut *tx)
                .await?;
            sqlx::query("DELETE FROM meta.versions WHERE version = $1")
                .bind(number)
                .execute(&mut *tx)
                .await?;
            tx.commit().await?;
        }
        Ok(())
    }
}

impl Tx {
    /// Points the views at this version, which must stand exactly where the live one does. The version before
    /// stays, the one before that is retired.
    pub async fn go_live(&mut self) -> Result<(), WriteError> {
        sqlx::query("SELECT set_config('lock_timeout', $1, true)")
            .bind(SWAP_LOCK_TIMEOUT)
            .execute(&mut *self.inner)
            .await?;
        sqlx::raw_sql(VIEWS_SQL).execute(&mut *self.inner).await?;
        sqlx::query(
            "UPDATE meta.versions SET state = CASE WHEN version = $1 THEN 'live' WHEN state = 'live' THEN 'previous' \
             ELSE 'retired' END WHERE version = $1 OR state IN ('live', 'previous')",
        )
        .bind(self.version.number)
        .execute(&mut *self.inner)
        .await?;
        sqlx::query("UPDATE meta.live SET version = $1, shape = $2")
            .bind(self.version.number)
            .bind(self.version.shape)
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }
}
