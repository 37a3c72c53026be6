//! Names of tokens, chosen by their owners.

use crate::{InvalidName, text};

/// A token's name: 1 to 128 characters, printable, no blank at either end. Unique among its owner's live tokens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenName(String);

impl TokenName {
    /// Longest name, in characters.
    pub const MAX_CHARS: usize = 128;

    /// Checks a name. Clients send names like `binstar_client:someone@host`, so most characters may stand in it.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let count = text.chars().count();
        if count == 0 || count > Self::MAX_CHARS {
            return Err(InvalidName::because(format!(
                "a token's name has 1 to {} characters, this one has {count}",
                Self::MAX_CHARS,
            )));
        }
        if text.trim() != text || text.chars().any(char::is_control) {
            return Err(InvalidName::because(
                "a token's name has no control characters and no blank at its ends",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

text!(TokenName);
