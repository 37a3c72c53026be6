//! Logins of people and organisations. They share one space with channel names.

use crate::{ChannelName, InvalidName, text};

/// A login: as a channel's name, so that its default channel can always be named after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Login(String);

impl Login {
    /// Checks a login.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        match ChannelName::parse(text) {
            Ok(_) => Ok(Self(text.to_owned())),
            Err(reason) => Err(InvalidName::because(
                reason.to_string().replace("channel name", "login").replace("a channel's name", "a login"),
            )),
        }
    }
}

text!(Login);
