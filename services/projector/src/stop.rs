//! Why a projector goes no further until somebody acts. Each says what to do.

use eventlog::Stream;

/// What no retry mends.
#[derive(Debug, thiserror::Error)]
pub enum Stop {
    /// The log was made anew, or another one is connected.
    #[error(
        "{stream} is another log: the read models follow epoch {known}, the server has {found}; connect to the log \
         they were built from (NATS_URL), or begin with an empty database (DATABASE_URL)"
    )]
    Epoch {
        /// The stream.
        stream: Stream,
        /// What the checkpoint holds.
        known: String,
        /// What the server has.
        found: String,
    },
    /// The log was put back from an older copy.
    #[error(
        "{stream} is an older copy of its log: it ended at {end}, the read models have applied {applied}; stop the \
         services before they write to it, and restore a newer copy of the folder or volume of NATS"
    )]
    Older {
        /// The stream.
        stream: Stream,
        /// A message appended just now got this sequence.
        end: u64,
        /// The checkpoint.
        applied: u64,
    },
    /// The log and the ledger hold different messages at one sequence.
    #[error(
        "{stream} {seq} is not the message that the ledger holds: the log has been replaced; connect to the log that \
         the read models were built from (NATS_URL), or begin with an empty database (DATABASE_URL)"
    )]
    Replaced {
        /// The stream.
        stream: Stream,
        /// Where they differ.
        seq: u64,
    },
    /// A newer release has made the live read models.
    #[error("a newer release has built the live read models; run that release's projector")]
    Outdated,
    /// The log cannot be read as it is.
    #[error("the event log cannot be followed: {0}")]
    Log(String),
    /// The database refuses what is written.
    #[error("the read models cannot be written: {0}; `latchkey-projector rebuild` makes them anew")]
    Database(String),
}
