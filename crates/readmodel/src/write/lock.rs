//! Advisory locks. They only save work: what must not happen twice is fenced by the checkpoint and the registry.

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};

use crate::write::WriteError;

/// What at most one process should be doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lock {
    /// Writing the live version.
    Writer,
    /// Building a version beside it.
    Builder,
    /// Taking in the uses of tokens.
    Usage,
}

impl Lock {
    /// Any two numbers that nobody else uses in this database.
    fn key(self) -> i64 {
        match self {
            Self::Writer => 0x6c61_7463_686b_0001,
            Self::Builder => 0x6c61_7463_686b_0002,
            Self::Usage => 0x6c61_7463_686b_0003,
        }
    }
}

/// Holds the lock for as long as its connection lives.
#[derive(Debug)]
pub struct LockGuard {
    _connection: PgConnection,
}

impl LockGuard {
    /// Waits for as long as somebody else holds the lock.
    pub(crate) async fn wait(options: &PgConnectOptions, lock: Lock) -> Result<Self, WriteError> {
        // A waiter whose process has died must not get the lock: the server looks for it every two seconds.
        let options = options
            .clone()
            .options([("statement_timeout", "0"), ("client_connection_check_interval", "2000")]);
        let mut connection = PgConnection::connect_with(&options).await?;
        sqlx::query("SELECT pg_advisory_lock($1)").bind(lock.key()).execute(&mut connection).await?;
        Ok(Self { _connection: connection })
    }

    /// `None` while somebody else holds the lock.
    pub(crate) async fn attempt(options: &PgConnectOptions, lock: Lock) -> Result<Option<Self>, WriteError> {
        let mut connection = PgConnection::connect_with(options).await?;
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")
            .bind(lock.key())
            .fetch_one(&mut connection)
            .await?;
        Ok(taken.then_some(Self { _connection: connection }))
    }
}
