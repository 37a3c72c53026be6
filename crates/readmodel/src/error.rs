//! Why a read gave no answer. A database that is away is an error, never an empty list.

use crate::checkpoint::Stream;

/// Undefined table, undefined schema: nobody has migrated this database yet.
const NOT_THERE_YET: [&str; 2] = ["42P01", "3F000"];
/// `character_not_in_repertoire`: what Postgres says of a NUL in a text, the one character it does not take.
const NO_SUCH_CHARACTER: &str = "22021";

/// What a reader may be told instead of rows.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The address is no Postgres URL; waiting does not help.
    #[error("the database address cannot be used: expected postgres://user@host:port/name")]
    Address(#[source] sqlx::Error),
    /// Postgres cannot be reached, is too slow, or has not been migrated yet; trying again may help.
    #[error("the read models cannot be reached")]
    Unavailable(#[source] sqlx::Error),
    /// Postgres cannot be reached and the wait for a checkpoint has ended.
    #[error("the read models could not be reached while waiting for {stream} {wanted}")]
    Away {
        /// The stream waited for.
        stream: Stream,
        /// The sequence waited for.
        wanted: u64,
    },
    /// The projector had not got there when the wait ended.
    #[error("the read models are at {stream} {seen}, not yet at {wanted}")]
    Behind {
        /// The stream waited for.
        stream: Stream,
        /// The sequence waited for.
        wanted: u64,
        /// Where the read models were.
        seen: u64,
    },
    /// A text of the question holds a NUL, so nothing can ever be stored under it.
    #[error("a text in this request holds the character NUL, which no stored text can hold; leave it out")]
    Character(#[source] sqlx::Error),
    /// A row or statement that this release cannot read.
    #[error("the read models hold what this release cannot read")]
    Broken(#[source] sqlx::Error),
}

impl ReadError {
    /// Whether the same call may succeed later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Away { .. } | Self::Behind { .. } => true,
            Self::Address(_) | Self::Character(_) | Self::Broken(_) => false,
        }
    }
}

impl From<sqlx::Error> for ReadError {
    fn from(error: sqlx::Error) -> Self {
        match code(&error) {
            Some(code) if code == NO_SUCH_CHARACTER => Self::Character(error),
            _ if may_pass(&error) => Self::Unavailable(error),
            _ => Self::Broken(error),
        }
    }
}

/// Whether the error comes from the server's absence and not from what was asked of it.
pub(crate) fn may_pass(error: &sqlx::Error) -> bool {
    match code(error) {
        // 08 connection, 40 rollback, 53 resources, 55 lock not available, 57 operator intervention, 58 system.
        Some(code) => {
            ["08", "40", "53", "55", "57", "58"].iter().any(|class| code.starts_with(class))
                || NOT_THERE_YET.contains(&code.as_str())
        }
        None => matches!(
            error,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        ),
    }
}

fn code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()))
}
