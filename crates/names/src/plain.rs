//! Names and versions of notebooks, environments and plain files, which no other tool has rules for.

use crate::{InvalidName, text};

/// The name of such a package in its normal form: lowercase, `^[a-z0-9_][a-z0-9_.-]*$`, at most 128 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlainName(String);

impl PlainName {
    /// Longest name, in characters.
    pub const MAX_CHARS: usize = 128;

    /// Checks a name and normalises it: capitals are another spelling.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let name = text.to_ascii_lowercase();
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
        check(&name, text, "package name", Self::MAX_CHARS, inner)?;
        Ok(Self(name))
    }

    /// The name that a file is known under when it is given none: its own without its ending, what no name holds as `-`.
    pub fn of_file(filename: &str) -> Result<Self, InvalidName> {
        let stem = filename.rsplit_once('.').map_or(filename, |(stem, _)| stem);
        let mut name = String::with_capacity(stem.len());
        for c in stem.chars() {
            match c.to_ascii_lowercase() {
                c if c.is_ascii_alphanumeric() || "_.".contains(c) => name.push(c),
                _ if name.is_empty() || name.ends_with('-') => {}
                _ => name.push('-'),
            }
        }
        Self::parse(name.trim_matches(['-', '.']))
    }
}

text!(PlainName);

/// The version of such a package: `^[a-zA-Z0-9_][a-zA-Z0-9_.+!-]*$`, at most 64 characters, as it is spelt.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PlainVersion(String);

impl PlainVersion {
    /// Longest version, in characters.
    pub const MAX_CHARS: usize = 64;

    /// Checks a version.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let inner = |c: char| c.is_ascii_alphanumeric() || "_.+!-".contains(c);
        check(text, text, "version", Self::MAX_CHARS, inner)?;
        Ok(Self(text.to_owned()))
    }
}

text!(PlainVersion);

fn check(
    name: &str,
    spelt: &str,
    what: &str,
    most: usize,
    inner: impl Fn(char) -> bool,
) -> Result<(), InvalidName> {
    if name.is_empty() || name.len() > most {
        let chars = spelt.chars().count();
        return Err(InvalidName::because(format!(
            "a {what} has 1 to {most} characters, this one has {chars}"
        )));
    }
    let starts = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    match starts && name.chars().all(inner) {
        true => Ok(()),
        false => Err(InvalidName::because(format!(
            "{spelt:?} is no {what}: use letters, digits, '_', '.' and '-', and start with a letter, a digit or '_'",
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_and_versions_are_checked() {
        assert_eq!(PlainName::parse("My_Notebook.2").unwrap().as_str(), "my_notebook.2");
        assert_eq!(PlainVersion::parse("2026.11.25.1200+Local").unwrap().as_str(), "2026.11.25.1200+Local");
        for wrong in ["", "a/b", "..", "-a", "a b", "é", "a\n", "a%2f"] {
            assert!(PlainName::parse(wrong).is_err() && PlainVersion::parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(PlainName::parse(&"a".repeat(129)).is_err() && PlainVersion::parse(&"1".repeat(65)).is_err());
        assert!(PlainName::parse(&"a".repeat(128)).is_ok() && PlainVersion::parse(&"1".repeat(64)).is_ok());
    }

    #[test]
    fn a_file_gives_its_name() {
        for (filename, name) in
            [("My Notebook (2).ipynb", "my-notebook-2"), ("environment.yml", "environment"), ("data", "data")]
        {
            assert_eq!(PlainName::of_file(filename).unwrap().as_str(), name);
        }
        assert!(PlainName::of_file("( ).ipynb").is_err());
    }

    proptest! {
        #[test]
        fn whatever_a_file_is_called_its_name_is_one_or_none(filename in ".{0,60}") {
            if let Ok(name) = PlainName::of_file(&filename) {
                prop_assert_eq!(PlainName::parse(name.as_str()), Ok(name));
            }
        }
    }
}
