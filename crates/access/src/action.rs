//! What can be asked for. Each action knows the level it needs on its object.

use names::{AccountId, ChannelId, Level};

/// An action that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no action: expected read, write, manage or one of {all}", all = Action::ALL.map(Action::as_str).join(", "))]
pub struct InvalidAction(String);

macro_rules! actions {
    ($($(#[$doc:meta])* $variant:ident = $word:literal,)*) => {
        /// Everything that any route or RPC asks for.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Action { $($(#[$doc])* $variant,)* }

        impl Action {
            /// All of them.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];

            /// Its name, in the words of token scopes.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }
    };
}

actions! {
    /// See that a channel is there, and its details.
    ChannelView = "channel:view",
    /// Make a channel for an account.
    ChannelCreate = "channel:create",
    /// Change description or privacy.
    ChannelEdit = "channel:edit",
    /// Delete a channel.
    ChannelDelete = "channel:delete",
    /// List files through the API.
    ArtifactView = "artifact:view",
    /// Fetch indexes and files.
    ArtifactDownload = "artifact:download",
    /// Upload.
    ArtifactCreate = "artifact:create",
    /// Remove a file.
    ArtifactDelete = "artifact:delete",
    /// List and show an account's tokens.
    TokenView = "user.token:view",
    /// Issue and revoke an account's tokens.
    TokenEdit = "user.token:edit",
    /// Look accounts up.
    AccountView = "account:view",
    /// Make an account.
    AccountCreate = "account:create",
    /// Disable or enable an account.
    AccountDisable = "account:disable",
    /// Change an account's password.
    AccountPassword = "account:password",
    /// Ask who one is.
    WhoAmI = "whoami",
    /// Follow the log.
    EventsSubscribe = "events:subscribe",
    /// Follow a feed, as a service.
    FeedFollow = "feed:follow",
    /// Wait until a feed's followers have applied something, as a service.
    FeedAwait = "feed:await",
}

impl Action {
    /// The level it needs on a channel; nothing for actions that are not about one.
    pub fn level(self) -> Option<Level> {
        match self {
            Self::ChannelView | Self::ArtifactView | Self::ArtifactDownload => Some(Level::Read),
            Self::ArtifactCreate => Some(Level::Write),
            Self::ArtifactDelete | Self::ChannelEdit | Self::ChannelDelete => Some(Level::Manage),
            Self::ChannelCreate
            | Self::TokenView
            | Self::TokenEdit
            | Self::AccountView
            | Self::AccountCreate
            | Self::AccountDisable
            | Self::AccountPassword
            | Self::WhoAmI
            | Self::EventsSubscribe
            | Self::FeedFollow
            | Self::FeedAwait => None,
        }
    }
}

impl std::str::FromStr for Action {
    type Err = InvalidAction;

    /// Takes an action's name, or a level as shorthand for what most people mean by it.
    fn from_str(text: &str) -> Result<Self, InvalidAction> {
        match text {
            "read" => Ok(Self::ArtifactDownload),
            "write" => Ok(Self::ArtifactCreate),
            "manage" => Ok(Self::ChannelEdit),
            _ => Self::ALL
                .into_iter()
                .find(|action| action.as_str() == text)
                .ok_or_else(|| InvalidAction(text.into())),
        }
    }
}

/// What an action is asked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Object<'a> {
    /// The server as a whole.
    Server,
    /// An account, its tokens or its channels to be.
    Account(AccountId),
    /// A channel by the name in the address, there or not.
    ChannelNamed(&'a str),
    /// A channel by id.
    Channel(ChannelId),
}
