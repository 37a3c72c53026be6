//! Why nothing was written.

use crate::{Stream, error::may_pass};

/// What a writer may be told instead of success.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The address is no Postgres URL; waiting does not help.
    #[error("the database address cannot be used: expected postgres://user@host:port/name")]
    Address(#[source] sqlx::Error),
    /// Postgres cannot be reached or gave the transaction up; the same batch may be tried again.
    #[error("the database cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// The checkpoint is not where this writer left it.
    #[error("another projector has moved the checkpoint of {stream} from {expected}")]
    Fenced {
        /// The stream.
        stream: Stream,
        /// Where this writer believed it to be.
        expected: u64,
    },
    /// The live tables were made by another release.
    #[error("the live read models have shape {found}, this release writes shape {known}")]
    Shape {
        /// What is live.
        found: i32,
        /// What this release writes.
        known: i32,
    },
    /// The fixed part could not be brought up to this release.
    #[error("the database could not be migrated")]
    Migrate(#[source] sqlx::migrate::MigrateError),
    /// A statement that Postgres refuses; trying again does not help.
    #[error("the database refuses what was written")]
    Broken(#[source] sqlx::Error),
}

impl WriteError {
    /// Whether the same call may succeed later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unavailable(_) => true,
            Self::Migrate(sqlx::migrate::MigrateError::Execute(error)) => may_pass(error),
            Self::Address(_)
            | Self::Fenced { .. }
            | Self::Shape { .. }
            | Self::Migrate(_)
            | Self::Broken(_) => false,
        }
    }
}

impl From<sqlx::Error> for WriteError {
    fn from(error: sqlx::Error) -> Self {
        if may_pass(&error) { Self::Unavailable(error) } else { Self::Broken(error) }
    }
}
