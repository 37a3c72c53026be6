//! Names of Python projects.

use crate::{InvalidName, text};

/// A Python project's name in its normal form (PEP 503): lowercase, runs of `-`, `_` and `.` as one `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProjectName(String);

impl ProjectName {
    /// Longest name, in characters.
    pub const MAX_CHARS: usize = 128;

    /// Checks a name (core metadata, `Name`) and normalises it.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() || text.len() > Self::MAX_CHARS {
            return Err(InvalidName::because(format!(
                "a project's name has 1 to {} characters, this one has {}",
                Self::MAX_CHARS,
                text.chars().count(),
            )));
        }
        let end = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let inner = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if !end(text.chars().next()) || !end(text.chars().last()) || !text.chars().all(inner) {
            return Err(InvalidName::because(format!(
                "{text:?} is no project name: use letters, digits, '.', '_' and '-', with a letter or digit at both ends",
            )));
        }
        Ok(Self(normalised(text)))
    }
}

fn normalised(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '-' | '_' | '.' if name.ends_with('-') => {}
            '-' | '_' | '.' => name.push('-'),
            c => name.push(c.to_ascii_lowercase()),
        }
    }
    name
}

text!(ProjectName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_project_are_one_name() {
        for spelling in ["Leaf.Pkg", "leaf_pkg", "LEAF--pkg", "leaf-_.pkg"] {
            assert_eq!(ProjectName::parse(spelling).unwrap().as_str(), "leaf-pkg");
        }
    }

    #[test]
    fn a_name_must_begin_and_end_with_a_letter_or_digit() {
        for wrong in ["", "-a", "a-", "a b", "é", "a\n"] {
            assert!(ProjectName::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
