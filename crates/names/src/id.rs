//! Ids: UUID v7, made once, never reused. A name points to an id; grants and subjects hold ids.

use uuid::Uuid;

/// Bytes or a text that are not a UUID.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not an id: expected a UUID")]
pub struct InvalidId(String);

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub Uuid);

        impl $name {
            /// Reads the 16 bytes that events hold.
            pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidId> {
                Uuid::from_slice(bytes).map(Self).map_err(|_| InvalidId(hex::encode(bytes)))
            }

            /// The 16 bytes that events hold.
            pub fn to_bytes(self) -> Vec<u8> {
                self.0.as_bytes().to_vec()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId(text.into()))
            }
        }
    )*};
}

id! {
    /// A person or an organisation.
    AccountId;
    /// A token, of any kind.
    TokenId;
    /// A channel.
    ChannelId;
    /// A package: (channel, kind, normalised name).
    PackageId;
    /// A group of an organisation.
    GroupId;
    /// A role.
    RoleId;
    /// One published file.
    ArtifactId;
    /// One decision in the log.
    EventId;
}
