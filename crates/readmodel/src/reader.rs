//! The reading half: read-only connections, and a listener that knows the checkpoint without asking.

mod artifacts;
mod listener;
mod packages;
mod standing;
mod usage;

pub use artifacts::PORTION;
pub use packages::{Order, Wanted};

#[cfg(feature = "write")]
pub(crate) use listener::NOTIFICATIONS;

use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    PgPool,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use tokio::sync::watch;

pub use standing::{LedgerCheck, ProjectorRow};

use crate::{Checkpoint, Checkpoints, ReadError, Stream};

/// Connections of one process.
const CONNECTIONS_MAX: u32 = 16;
/// How long a request waits for a connection, a dead Postgres included.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// How long Postgres may work on one statement. The largest index is read in well under a second.
const STATEMENT_TIMEOUT_MS: &str = "8000";
/// How long one read may take in all: a Postgres that has frozen ends no statement.
const READ_LIMIT: Duration = Duration::from_secs(10);
/// Rows in one page of a listing, at most.
pub const PAGE_LIMIT: u32 = 1000;

/// Reads the live read models. Cheap to clone; the listener ends with the last clone.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

struct Shared {
    pool: PgPool,
    heard: watch::Receiver<listener::Heard>,
    listener: tokio::task::AbortHandle,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Reader {
    /// Opens a pool and starts the listener. Postgres need not be there yet: until it is, reads answer
    /// [`ReadError::Unavailable`].
    pub async fn connect(url: &str) -> Result<Self, ReadError> {
        let options = PgConnectOptions::from_str(url).map_err(ReadError::Address)?.options([
            ("statement_timeout", STATEMENT_TIMEOUT_MS),
            ("default_transaction_read_only", "on"),
            ("application_name", "latchkey-reader"),
        ]);
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options);
        let (heard, listener) = listener::start(pool.clone());
        Ok(Self { shared: Arc::new(Shared { pool, heard, listener: listener.abort_handle() }) })
    }

    /// How far the live read models are.
    pub async fn checkpoint(&self, stream: Stream) -> Result<Checkpoint, ReadError> {
        Ok(limited(checkpoints(self.pool())).await?.of(stream).clone())
    }

    /// Returns once the live read models have applied `seq`, with the sequence they had then.
    ///
    /// It is woken by the projector's notification. After `limit` the answer is [`ReadError::Behind`], or
    /// [`ReadError::Away`] if Postgres is not connected.
    pub async fn wait_checkpoint(&self, stream: Stream, seq: u64, limit: Duration) -> Result<u64, ReadError> {
        let mut heard = self.shared.heard.clone();
        let reached = heard.wait_for(|heard| heard.connected && heard.at.of(stream).seq >= seq);
        if let Ok(Ok(heard)) = tokio::time::timeout(limit, reached).await {
            return Ok(heard.at.of(stream).seq);
        }
        let heard = self.shared.heard.borrow();
        Err(match heard.connected {
            true => ReadError::Behind { stream, wanted: seq, seen: heard.at.of(stream).seq },
            false => ReadError::Away { stream, wanted: seq },
        })
    }

    /// Whether Postgres is connected and the read models are there, for readiness.
    pub fn is_ready(&self) -> bool {
        self.shared.heard.borrow().connected
    }

    fn pool(&self) -> &PgPool {
        &self.shared.pool
    }
}

/// Ends a read that takes too long.
async fn limited<T>(read: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, ReadError> {
    match tokio::time::timeout(READ_LIMIT, read).await {
        Ok(read) => Ok(read?),
        Err(elapsed) => Err(ReadError::Unavailable(sqlx::Error::Io(std::io::Error::other(elapsed)))),
    }
}

async fn checkpoints(pool: &PgPool) -> Result<Checkpoints, sqlx::Error> {
    let rows = sqlx::query("SELECT stream, epoch, seq FROM live.checkpoint").fetch_all(pool).await?;
    Checkpoints::from_rows(&rows)
}
