//! Validated names and ids. Whatever holds one of these types has been checked once, here.
//!
//! Nothing in this crate knows anything else of ours: it is the floor everybody stands on.

mod access;
mod channel;
mod conda;
mod group;
mod id;
mod label;
mod login;
mod plain;
mod project;
mod reserved;
mod role;
mod scope;
mod sign_in;
mod subject;
mod token;

pub use access::{Indexing, Level, PackageKind, Privacy, Subject};
pub use channel::{ChannelName, ChannelPath};
pub use conda::{CondaName, Subdir};
pub use group::GroupName;
pub use id::{AccountId, ArtifactId, ChannelId, EventId, GroupId, InvalidId, PackageId, RoleId, TokenId};
pub use label::LabelName;
pub use login::Login;
pub use plain::{PlainName, PlainVersion};
pub use project::ProjectName;
pub use reserved::is_reserved;
pub use role::{RoleCategory, RoleLevels, RoleName};
pub use scope::{Family as ScopeFamily, Scope};
pub use sign_in::{CodeChallenge, LoopbackUri};
pub use subject::escape;
pub use token::TokenName;

/// Why a text is not the name it was given as; one sentence, to be shown to whoever typed it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidName(String);

impl InvalidName {
    fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// The parts every validated text type shares: borrow, show, and parse on deserialising.
macro_rules! text {
    ($name:ident) => {
        impl $name {
            /// The text itself.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::InvalidName;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
    };
}
use text;
