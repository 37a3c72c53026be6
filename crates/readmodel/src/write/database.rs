//! The writer's connections, and the migration of the fixed part.

use std::{str::FromStr, time::Duration};

use sqlx::{
    PgPool, Row,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
};

use crate::{
    Checkpoints,
    write::{Lock, LockGuard, SHAPE, Tx, Version, WriteError},
};

/// One for the writer, the rest for a rebuild and a verification beside it.
const CONNECTIONS_MAX: u32 = 6;
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// A batch of 500 events takes some milliseconds.
const STATEMENT_TIMEOUT_MS: &str = "30000";

fn migrations() -> Migrator {
    let mut migrations = sqlx::migrate!();
    // A newer release may have been here: what it added does not disturb this one.
    migrations.set_ignore_missing(true);
    migrations
}

/// A database that this process may write.
#[derive(Debug, Clone)]
pub struct Database {
    pub(crate) pool: PgPool,
    options: PgConnectOptions,
}

impl Database {
    /// Opens a pool; Postgres need not be there yet.
    pub fn connect(url: &str) -> Result<Self, WriteError> {
        let options = PgConnectOptions::from_str(url).map_err(WriteError::Address)?.options([
            ("statement_timeout", STATEMENT_TIMEOUT_MS),
            ("application_name", "latchkey-projector"),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options.clone());
        Ok(Self { pool, options })
    }

    /// Brings the fixed part up to this release, makes the first version in a new database, and lets the gateway's role
    /// read the views.
    pub async fn migrate(&self) -> Result<(), WriteError> {
        migrations().run(&self.pool).await.map_err(WriteError::Migrate)?;
        self.make_first().await?;
        self.grant_views().await
    }

    async fn make_first(&self) -> Result<(), WriteError> {
        let is_new = "SELECT NOT EXISTS (SELECT FROM meta.live)";
        if !sqlx::query_scalar::<_, bool>(is_new).fetch_one(&self.pool).await? {
            return Ok(());
        }
        let mut tx = self.pool.begin().await?;
        sqlx::query("LOCK TABLE meta.live IN EXCLUSIVE MODE").execute(&mut *tx).await?;
        // Somebody else may have been quicker.
        if sqlx::query_scalar::<_, bool>(is_new).fetch_one(&mut *tx).await? {
            Version::first(&mut tx).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The version that the views point at.
    pub async fn live(&self) -> Result<Version, WriteError> {
        let row = sqlx::query("SELECT version, shape FROM meta.live").fetch_one(&self.pool).await?;
        Ok(Version { number: row.try_get("version")?, shape: row.try_get("shape")? })
    }

    /// How far the live version is.
    pub async fn checkpoints(&self) -> Result<Checkpoints, WriteError> {
        let rows =
            sqlx::query("SELECT stream, epoch, seq FROM live.checkpoint").fetch_all(&self.pool).await?;
        Ok(Checkpoints::from_rows(&rows)?)
    }

    /// A transaction on whatever version is live now; the views stay where they are until it ends.
    pub async fn begin_live(&self) -> Result<Tx, WriteError> {
        let mut tx = self.pool.begin().await?;
        let row = sqlx::query(
            "SELECT version, shape, set_config('search_path', 'p' || version, true) FROM meta.live FOR SHARE",
        )
        .fetch_one(&mut *tx)
        .await?;
        let version = Version { number: row.try_get("version")?, shape: row.try_get("shape")? };
        if version.shape != SHAPE {
            return Err(WriteError::Shape { found: version.shape, known: SHAPE });
        }
        Ok(Tx { inner: tx, version })
    }

    /// A transaction on a version that is not live.
    pub async fn begin(&self, version: Version) -> Result<Tx, WriteError> {
        Tx::on(self.pool.begin().await?, version).await
    }

    /// A transaction on a version that is not live, in which everything else stands still as it is now, for as long
    /// as it takes.
    pub async fn begin_still(&self, version: Version) -> Result<Tx, WriteError> {
        let mut tx = self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await?;
        sqlx::query("SELECT set_config('statement_timeout', '0', true)").execute(&mut *tx).await?;
        Tx::on(tx, version).await
    }

    /// A transaction on a version that is to go live with it; writers wait until it ends.
    pub async fn begin_swap(&self, version: Version) -> Result<Tx, WriteError> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("SELECT version FROM meta.live FOR UPDATE").execute(&mut *tx).await?;
        Tx::on(tx, version).await
    }

    /// Waits for a lock.
    pub async fn lock(&self, lock: Lock) -> Result<LockGuard, WriteError> {
        LockGuard::wait(&self.options, lock).await
    }

    /// Takes a lock that nobody holds.
    pub async fn try_lock(&self, lock: Lock) -> Result<Option<LockGuard>, WriteError> {
        LockGuard::attempt(&self.options, lock).await
    }
}
