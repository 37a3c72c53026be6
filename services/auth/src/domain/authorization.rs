//! An authorisation code (RFC 6749, section 4.1): a password was right a moment ago, for one program. It becomes one
//! session, whose id it names from the start: that the session is there is what makes the code used.

use names::TokenId;
use time::{Duration, OffsetDateTime};

use super::account::Account;

/// How long a code is good for. RFC 6749, section 4.1.2, allows ten minutes; a browser needs a second.
pub const LIFE: Duration = Duration::seconds(60);

/// What a code says. Only auth can make one or read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorization {
    /// The session it will become.
    pub session: TokenId,
    pub made_at: OffsetDateTime,
    /// The hash of the sealed password that was right.
    pub password: [u8; 32],
    /// The hash of who may use it: program, address and challenge.
    pub program: [u8; 32],
}

/// One sentence each: the program's user may read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the code has expired: sign in again")]
    Expired,
    #[error("the code was given to another program, for another address or with another code_verifier")]
    OtherProgram,
    #[error("the password has changed since the code was given: sign in again")]
    PasswordChanged,
    #[error("the code was used before: the session it opened is ended, sign in again")]
    Used,
}

impl Authorization {
    /// Bytes of one.
    const BYTES: usize = 16 + 8 + 32 + 32;

    /// Says whether it may become a session now. `program` is who asks, `password` the hash of the sealed password of today.
    pub fn redeem(
        &self,
        account: &Account,
        program: &[u8; 32],
        password: Option<[u8; 32]>,
        now: OffsetDateTime,
    ) -> Result<(), Refusal> {
        // First of all: whoever else has got hold of the code, what it opened must end.
        if account.tokens.by_id(self.session).is_some() {
            return Err(Refusal::Used);
        }
        if now - self.made_at >= LIFE {
            return Err(Refusal::Expired);
        }
        if self.program != *program {
            return Err(Refusal::OtherProgram);
        }
        if Some(self.password) != password {
            return Err(Refusal::PasswordChanged);
        }
        Ok(())
    }

    /// To be sealed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let made_at = self.made_at.unix_timestamp().to_be_bytes();
        [&self.session.to_bytes()[..], &made_at, &self.password, &self.program].concat()
    }

    /// What [`Authorization::to_bytes`] made.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; Self::BYTES] = bytes.try_into().ok()?;
        let (session, rest) = bytes.split_first_chunk::<16>()?;
        let (made_at, rest) = rest.split_first_chunk::<8>()?;
        let (password, program) = rest.split_first_chunk::<32>()?;
        Some(Self {
            session: TokenId::from_bytes(session).ok()?,
            made_at: OffsetDateTime::from_unix_timestamp(i64::from_be_bytes(*made_at)).ok()?,
            password: *password,
            program: program.try_into().ok()?,
        })
    }
}

#[cfg(test)]
#[path = "authorization/tests.rs"]
mod tests;
