//! One transaction on one version: load what a batch touches, save what it became, move the checkpoint.

use sqlx::{Postgres, Transaction};

use crate::{
    Checkpoint, Checkpoints, Stream,
    write::{Keys, Rows, Version, WriteError},
};

/// One transaction. Dropped without [`Tx::commit`], nothing of it has happened.
pub struct Tx {
    pub(crate) inner: Transaction<'static, Postgres>,
    pub(crate) version: Version,
}

impl Tx {
    pub(crate) async fn on(
        mut inner: Transaction<'static, Postgres>,
        version: Version,
    ) -> Result<Self, WriteError> {
        version.enter(&mut inner).await?;
        Ok(Self { inner, version })
    }

    /// The version that it writes.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The rows that stand under these keys.
    pub async fn load(&mut self, keys: &Keys) -> Result<Rows, WriteError> {
        let connection = &mut *self.inner;
        Ok(Rows {
            accounts: super::account::load(connection, &keys.accounts).await?,
            tokens: super::token::load(connection, &keys.tokens).await?,
            channels: super::channel::load(connection, &keys.channels).await?,
            packages: super::package::load(connection, &keys.packages).await?,
            groups: super::group::load(connection, &keys.groups).await?,
            files: super::artifact::load(connection, &keys.files).await?,
            parked: super::history::load_parked(connection, &keys.subjects).await?,
            applied: super::history::load_applied(connection, &keys.events).await?,
            history: Vec::new(),
        })
    }

    /// Writes what differs between two states of the same keys.
    pub async fn save(&mut self, before: &Rows, after: &Rows) -> Result<(), WriteError> {
        let connection = &mut *self.inner;
        super::account::save(connection, &before.accounts, &after.accounts).await?;
        super::token::save(connection, &before.tokens, &after.tokens).await?;
        super::channel::save(connection, &before.channels, &after.channels).await?;
        super::package::save(connection, &before.packages, &after.packages).await?;
        super::group::save(connection, &before.groups, &after.groups).await?;
        super::artifact::save(connection, &before.files, &after.files).await?;
        super::history::save_parked(connection, &before.parked, &after.parked).await?;
        super::history::save_applied(connection, &before.applied, &after.applied).await?;
        super::history::append(connection, &after.history).await
    }

    /// Where this version stands.
    pub async fn checkpoints(&mut self) -> Result<Checkpoints, WriteError> {
        let rows =
            sqlx::query("SELECT stream, epoch, seq FROM checkpoint").fetch_all(&mut *self.inner).await?;
        Ok(Checkpoints::from_rows(&rows)?)
    }

    /// Where the live version stands.
    pub async fn live_checkpoints(&mut self) -> Result<Checkpoints, WriteError> {
        let rows =
            sqlx::query("SELECT stream, epoch, seq FROM live.checkpoint").fetch_all(&mut *self.inner).await?;
        Ok(Checkpoints::from_rows(&rows)?)
    }

    /// Moves the checkpoint from where this writer left it, in the log it read; anything else is
    /// [`WriteError::Fenced`].
    pub async fn advance(&mut self, stream: Stream, from: u64, to: &Checkpoint) -> Result<(), WriteError> {
        let done = sqlx::query(
            "UPDATE checkpoint SET epoch = $3, seq = $4 WHERE stream = $1 AND seq = $2 AND epoch IN ($3, '')",
        )
        .bind(stream.as_str())
        .bind(from.cast_signed())
        .bind(&to.epoch)
        .bind(to.seq.cast_signed())
        .execute(&mut *self.inner)
        .await?;
        match done.rows_affected() {
            1 => Ok(()),
            _ => Err(WriteError::Fenced { stream, expected: from }),
        }
    }

    /// Wakes whoever waits for the checkpoint, once this transaction has committed.
    pub async fn announce(&mut self, stream: Stream, checkpoint: &Checkpoint) -> Result<(), WriteError> {
        sqlx::query("SELECT pg_notify($1, $2)")
            .bind(crate::reader::NOTIFICATIONS)
            .bind(format!("{stream} {} {}", checkpoint.seq, checkpoint.epoch))
            .execute(&mut *self.inner)
            .await?;
        Ok(())
    }

    /// Makes all of it so.
    pub async fn commit(self) -> Result<(), WriteError> {
        Ok(self.inner.commit().await?)
    }
}
