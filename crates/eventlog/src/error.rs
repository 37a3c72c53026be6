//! Why an append or a read did not happen.

use crate::{Record, Stream, seal::MAX_ENVELOPE_BYTES};

/// The cause of an I/O error.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// Why nothing was appended, or, for [`AppendError::Unavailable`], why nobody knows.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended to the subject first.
    #[error("the aggregate has changed since it was read")]
    Conflict {
        /// The last sequence on the subject, where the server told it.
        last: Option<u64>,
    },
    /// The stream has reached the share of its size that is kept for restricting events.
    #[error("the event log is nearly full: only restricting changes are taken until it is given more room")]
    Full,
    /// The decision does not fit into one message.
    #[error("the change is too large for the event log: {bytes} of at most {MAX_ENVELOPE_BYTES} bytes")]
    TooLarge {
        /// The size of the encoded envelope.
        bytes: usize,
    },
    /// No acknowledgement came in time; the message may or may not be stored.
    #[error("the event log cannot be reached")]
    Unavailable(#[source] Source),
}

/// Why a log could not be opened or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The server did not answer in time.
    #[error("the event log cannot be reached")]
    Unavailable(#[source] Source),
    /// The server or the stream is not one that keeps the log's promises.
    #[error("{0}")]
    Unfit(String),
    /// The log is not the one the reader knows.
    #[error(
        "{stream} is another log: the reader knows epoch {known}, the server has {found}; rebuild the reader or restore the log"
    )]
    WrongEpoch {
        /// The stream.
        stream: Stream,
        /// The epoch that the reader's position belongs to.
        known: String,
        /// The epoch that the server has.
        found: String,
    },
    /// Somebody has written what no key has signed that may say it, or a message was changed.
    #[error("message {seq} of {stream} has no valid signature: {why}")]
    BadSignature {
        /// The stream.
        stream: Stream,
        /// The message.
        seq: u64,
        /// Where it stands.
        subject: String,
        /// What it holds. Nothing in it may be believed.
        raw: bytes::Bytes,
        /// What is wrong with it.
        why: String,
    },
    /// A message that this version cannot read.
    #[error("message {seq} of {stream} cannot be read: {why}")]
    Undecodable {
        /// The stream.
        stream: Stream,
        /// The message.
        seq: u64,
        /// What is wrong with it, naming the event's type.
        why: String,
    },
    /// The log was opened without a signing key.
    #[error("this log was opened for reading only")]
    ReadOnly,
}

impl LogError {
    /// A forged message of CATALOG, which concerns its aggregate alone, for who copies what the log holds. Any other
    /// error stays.
    pub fn or_unread(self) -> Result<Record, Self> {
        if let Self::BadSignature { stream: Stream::Catalog, seq, subject, raw, .. } = self {
            return Ok(Record::unread(seq, subject, raw));
        }
        Err(self)
    }

    /// The log ends before a reader's position.
    pub(crate) fn shorter(stream: Stream, known: u64, last: u64) -> Self {
        Self::Unfit(format!(
            "{stream} ends at {last}, but it was read up to {known}: the log was restored from an older copy; stop the services before they write to it, and restore a newer copy"
        ))
    }
}

impl From<AppendError> for LogError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Unavailable(source) => Self::Unavailable(source),
            AppendError::Conflict { .. } | AppendError::Full | AppendError::TooLarge { .. } => {
                Self::Unavailable(Box::new(error))
            }
        }
    }
}
