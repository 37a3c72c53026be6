//! Who is asking: a credential as it came, and the caller it turns out to be.

use names::{AccountId, TokenId};
use ring::digest;
use time::OffsetDateTime;

use crate::Service;

/// SHA-256 of a whole token string. The string itself is never kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretHash(pub [u8; 32]);

impl SecretHash {
    /// Hashes a string.
    pub fn of(secret: &str) -> Self {
        Self::from_slice(digest::digest(&digest::SHA256, secret.as_bytes()).as_ref())
            .expect("SHA-256 has 32 bytes")
    }

    /// Reads the 32 bytes that events hold.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// The digest is already uniform, so its first eight bytes are the hash.
impl std::hash::Hash for SecretHash {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        let (first, _) = self.0.split_first_chunk::<8>().expect("a digest has 32 bytes");
        state.write_u64(u64::from_le_bytes(*first));
    }
}

/// What a request carried, whichever way it carried it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// Nothing.
    None,
    /// Something that cannot be a token of ours: its shape or checksum does not hold.
    Garbage,
    /// A string of the right shape.
    Secret(SecretHash),
}

impl Credential {
    /// Reads a string that came as a credential.
    pub fn of(secret: &str) -> Self {
        match crate::token_string::check(secret) {
            Some(_) => Self::Secret(SecretHash::of(secret)),
            None => Self::Garbage,
        }
    }
}

/// The caller at one moment, as the table knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// No credential.
    Nobody,
    /// A string that was never a token of this server.
    Unknown,
    /// A token past its end.
    Expired {
        /// Which.
        token: TokenId,
        /// Whose.
        account: AccountId,
        /// Its end.
        since: OffsetDateTime,
    },
    /// A token that was revoked.
    Revoked {
        /// Which.
        token: TokenId,
        /// Whose.
        account: AccountId,
        /// When.
        since: OffsetDateTime,
    },
    /// A token of a disabled account.
    Disabled {
        /// Which.
        token: TokenId,
        /// Whose.
        account: AccountId,
    },
    /// A live token.
    Token {
        /// Which.
        token: TokenId,
        /// Whose.
        account: AccountId,
    },
    /// One of our own.
    Service(Service),
}

impl Caller {
    /// The token behind the call, dead or alive.
    pub fn token(&self) -> Option<TokenId> {
        match self {
            Self::Nobody | Self::Unknown | Self::Service(_) => None,
            Self::Expired { token, .. }
            | Self::Revoked { token, .. }
            | Self::Disabled { token, .. }
            | Self::Token { token, .. } => Some(*token),
        }
    }
}
