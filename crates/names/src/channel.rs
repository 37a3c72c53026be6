//! Names of channels.

use crate::{InvalidName, is_reserved, text};

/// A channel's name: CEP 26's path component, `^[a-z0-9_][a-z0-9_.-]*$`, at most 128 characters, not a route's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelName(String);

impl ChannelName {
    /// Longest name, in characters (CEP 26).
    pub const MAX_CHARS: usize = 128;

    /// Checks a name.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.is_empty() || text.len() > Self::MAX_CHARS {
            return Err(InvalidName::because(format!(
                "a channel's name has 1 to {} characters, this one has {}",
                Self::MAX_CHARS,
                text.chars().count(),
            )));
        }
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
        if text.starts_with(['.', '-']) || !text.chars().all(inner) {
            return Err(InvalidName::because(format!(
                "{text:?} is no channel name: use a-z, 0-9, '_', '.' and '-', and start with a letter, a digit or '_'",
            )));
        }
        if is_reserved(text) {
            return Err(InvalidName::because(format!(
                "{text:?} is reserved: it is part of an address or a subdir"
            )));
        }
        Ok(Self(text.to_owned()))
    }
}

text!(ChannelName);

/// Which channel is meant: its name, or a subchannel's as `parent/name`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ChannelPath(String);

impl ChannelPath {
    /// Checks both parts as names of channels.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        match text.split_once('/') {
            Some((parent, name)) => {
                ChannelName::parse(parent)?;
                ChannelName::parse(name)?;
            }
            None => drop(ChannelName::parse(text)?),
        }
        Ok(Self(text.to_owned()))
    }

    /// The channel above, if it is a subchannel's.
    pub fn parent(&self) -> Option<&str> {
        self.0.split_once('/').map(|(parent, _)| parent)
    }

    /// Its own name.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, name)| name)
    }
}

impl From<ChannelName> for ChannelPath {
    fn from(name: ChannelName) -> Self {
        Self(name.0)
    }
}

text!(ChannelPath);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subchannel_has_one_channel_above_it() {
        let path = ChannelPath::parse("acme/dev").unwrap();
        assert_eq!((path.parent(), path.name()), (Some("acme"), "dev"));
        let path = ChannelPath::parse("acme").unwrap();
        assert_eq!((path.parent(), path.name()), (None, "acme"));
        for wrong in ["", "/", "acme/", "/dev", "a/b/c", "acme/label", "acme/noarch", "t/dev"] {
            assert!(ChannelPath::parse(wrong).is_err(), "{wrong}");
        }
    }
}
