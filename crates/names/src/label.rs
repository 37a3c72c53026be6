//! Names of labels.

use std::borrow::Cow;

use crate::{InvalidName, is_reserved, text};

/// A label's name in its normal form, lowercase: CEP 26's `^[a-z][a-z0-9_.-]*$` in one part of an address, at most 128
/// characters, not a route's and not a subdir's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LabelName(Cow<'static, str>);

/// What stands in the place of a label in addresses of the API.
const PARTS: [&str; 8] =
    ["artifacts", "files", "groups", "history", "mirrors", "privileges", "subchannels", "upload"];

impl LabelName {
    /// Longest name, in characters (CEP 26).
    pub const MAX_CHARS: usize = 128;

    /// Checks a name and normalises it: clients differ in whether they send capitals.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let name = text.to_ascii_lowercase();
        if name.is_empty() || name.len() > Self::MAX_CHARS {
            return Err(InvalidName::because(format!(
                "a label has 1 to {} characters, this one has {}",
                Self::MAX_CHARS,
                text.chars().count(),
            )));
        }
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
        if !name.starts_with(|c: char| c.is_ascii_lowercase()) || !name.chars().all(inner) {
            return Err(InvalidName::because(format!(
                "{text:?} is no label: use a-z, 0-9, '_', '.' and '-', and start with a letter (CEP 26)",
            )));
        }
        if is_reserved(&name) || PARTS.contains(&name.as_str()) {
            return Err(InvalidName::because(format!(
                "{text:?} cannot be a label: it is part of an address or a subdir"
            )));
        }
        Ok(Self(Cow::Owned(name)))
    }

    /// The label of a file that was given none, and what an address without a label shows.
    pub fn main() -> Self {
        Self(Cow::Borrowed("main"))
    }

    /// Whether it is that one.
    pub fn is_main(&self) -> bool {
        self.0 == "main"
    }
}

text!(LabelName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_are_another_spelling() {
        assert_eq!(LabelName::parse("Dev"), LabelName::parse("dev"));
        assert_eq!(LabelName::parse("MAIN").unwrap(), LabelName::main());
    }

    #[test]
    fn subdirs_routes_and_what_no_address_holds_are_refused() {
        for wrong in [
            "", "noarch", "Linux-64", "label", "t", "upload", "nolabel", "1.0", "-a", "a/b", "a b", "é",
            "a\n",
        ] {
            assert!(LabelName::parse(wrong).is_err(), "{wrong:?}");
        }
        let longest = "a".repeat(LabelName::MAX_CHARS);
        assert!(LabelName::parse(&longest).is_ok() && LabelName::parse(&format!("{longest}a")).is_err());
    }
}
