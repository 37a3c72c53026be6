//! Why usage could not be told or followed.

/// What went wrong between this process and the stream.
#[derive(Debug, thiserror::Error)]
pub enum UsageError {
    /// No retry helps.
    #[error("the address of NATS cannot be read: expected nats://user:password@host:port")]
    Address(#[source] std::io::Error),
    /// NATS cannot be reached, or will not do it just now.
    #[error("the stream USAGE cannot be used just now")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl UsageError {
    pub(crate) fn unavailable(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable(error.into())
    }
}
