//! Page tokens: opaque, and good only for the caller and the query that they were given to.

use names::AccountId;
use runtime::{Code, Failure};
use sha2::{Digest, Sha256};

/// Bytes of the binding that a token carries; enough to notice a mix-up, which is all it is for.
const BOUND_BYTES: usize = 8;

/// Where the next page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken(String);

/// What a token is bound to.
pub type Bound = [u8; BOUND_BYTES];

/// Binds to a query and whoever asks it.
pub fn bound_to(query: &str, account: Option<AccountId>) -> Bound {
    let account = account.map(AccountId::to_bytes).unwrap_or_default();
    let digest = Sha256::new().chain_update(query).chain_update([0]).chain_update(account).finalize();
    *digest.first_chunk().expect("SHA-256 has 32 bytes")
}

impl PageToken {
    /// Reads a token from a request; an empty text is none.
    pub fn parse(text: &str) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn seal(bound: Bound, last: &str) -> Self {
        Self(hex::encode([bound.as_slice(), last.as_bytes()].concat()))
    }

    pub(crate) fn open(&self, bound: Bound) -> Result<String, Failure> {
        let bytes = hex::decode(&self.0).unwrap_or_default();
        let last =
            bytes.strip_prefix(bound.as_slice()).and_then(|last| String::from_utf8(last.to_vec()).ok());
        last.ok_or_else(|| {
            Failure::new(Code::Invalid, "this page token belongs to another query: start anew")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    #[test]
    fn a_token_is_good_for_its_own_query_and_caller_only() {
        let ann = Some(AccountId(Uuid::from_u128(1)));
        let token = PageToken::seal(bound_to("channels", ann), "acme");
        assert_eq!(token.open(bound_to("channels", ann)).unwrap(), "acme");
        for other in [bound_to("files", ann), bound_to("channels", None)] {
            assert!(token.open(other).is_err());
        }
        assert!(PageToken("zz".into()).open(bound_to("channels", ann)).is_err());
    }
}
