//! What can go wrong with a blob, told apart by whose doing it is.

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A read or write that did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// More bytes than the caller allows.
    #[error("the file is larger than {limit_bytes} bytes")]
    TooLarge {
        /// The limit that was passed.
        limit_bytes: u64,
    },
    /// The sender stopped in the middle.
    #[error("the upload broke off")]
    BrokenOff(#[source] Source),
    /// No such object: never written, or swept.
    #[error("no file under {key}")]
    NotFound {
        /// The key looked for.
        key: String,
    },
    /// A text that is no key of a temporary object.
    #[error("{0:?} is not the key of an upload")]
    InvalidKey(String),
    /// A range that begins behind the end.
    #[error("the file has only {size_bytes} bytes")]
    RangeBeyondEnd {
        /// The file's size.
        size_bytes: u64,
    },
    /// The store is away, full or refuses its credentials; trying again may help.
    #[error("the blob store cannot be used")]
    Unavailable(#[source] object_store::Error),
}

impl Error {
    pub(crate) fn from_store(key: &str, error: object_store::Error) -> Self {
        if matches!(error, object_store::Error::NotFound { .. }) {
            Self::NotFound { key: key.to_owned() }
        } else {
            Self::Unavailable(error)
        }
    }
}

/// Why a store cannot be opened: its address is wrong or its directory cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("the blob store {address:?} cannot be opened: {reason}")]
pub struct NotOpened {
    pub(crate) address: String,
    pub(crate) reason: String,
    #[source]
    pub(crate) source: Option<Source>,
}
