//! Names of groups, chosen by the owners of an organisation.

use crate::{InvalidName, text};

/// A group's name: letters, digits, '_', '.' and '-', at most 64; unique in its organisation, whatever the case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName(String);

impl GroupName {
    /// Longest name, in characters.
    pub const MAX_CHARS: usize = 64;

    /// The group that every organisation has: its owners.
    pub const OWNERS: &'static str = "Owners";

    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let count = text.chars().count();
        if count == 0 || count > Self::MAX_CHARS {
            return Err(InvalidName::because(format!(
                "a group's name has 1 to {} characters, this one has {count}",
                Self::MAX_CHARS,
            )));
        }
        let inner = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
        if text.starts_with(['.', '-']) || !text.chars().all(inner) {
            return Err(InvalidName::because(format!(
                "{text:?} is no group name: use letters, digits, '_', '.' and '-', and start with a letter, a digit or '_'",
            )));
        }
        if text.eq_ignore_ascii_case(Self::OWNERS) {
            return Err(InvalidName::because(format!(
                "{text:?} is the group of the organisation's owners: change it with `latchkey account owners`"
            )));
        }
        Ok(Self(text.to_owned()))
    }

    /// The form in which it is unique.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

text!(GroupName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_name_is_checked_at_its_edges() {
        for good in ["a", "Data-Science_2.0", &"g".repeat(GroupName::MAX_CHARS)] {
            assert!(GroupName::parse(good).is_ok(), "{good}");
        }
        for wrong in ["", "-a", ".a", "a b", "a/b", "é", "owners", &"g".repeat(GroupName::MAX_CHARS + 1)] {
            assert!(GroupName::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(GroupName::parse("Ops").unwrap().key(), "ops");
    }
}
