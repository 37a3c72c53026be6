//! What can be asked for. Each action knows the level it needs on its object.

use names::{AccountId, ChannelId, Level, PackageKind, Scope};

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
    /// Fetch conda indexes and files.
    CondaDownload = "conda:download",
    /// Fetch Python pages and files.
    PypiDownload = "pypi:download",
    /// Fetch notebooks, environments and plain files.
    FileDownload = "file:download",
    /// Upload to a conda address.
    CondaUpload = "conda:upload",
    /// Upload to a Python address.
    PypiUpload = "pypi:upload",
    /// Upload a conda file through the API.
    CondaPublish = "conda:publish",
    /// Upload a Python file through the API.
    PypiPublish = "pypi:publish",
    /// Upload a notebook, an environment or a plain file.
    FilePublish = "file:publish",
    /// Remove a conda file.
    CondaDelete = "conda:delete",
    /// Remove a Python file.
    PypiDelete = "pypi:delete",
    /// Remove a notebook, an environment or a plain file.
    FileDelete = "file:delete",
    /// Change what a conda file says beside its bytes: its labels.
    CondaEdit = "conda:edit",
    /// Change what a Python file says beside its bytes: its labels.
    PypiEdit = "pypi:edit",
    /// Change what a notebook, an environment or a plain file says beside its bytes: its labels.
    FileEdit = "file:edit",
    /// Fetch a file, whatever kind it is: decided again for its kind.
    AnyDownload = "any:download",
    /// Upload through an address that does not tell the kind: decided again for it.
    AnyPublish = "any:publish",
    /// Remove through an address that does not tell the kind: decided again for it.
    AnyDelete = "any:delete",
    /// Copy, move or remove many files at once, of whatever kinds: decided again for what is to be done with each.
    AnyBulk = "any:bulk",
    /// See a channel or its labels, at an address that two interfaces share: decided again for the one that is spoken.
    AnyView = "any:view",
    /// The same of a subchannel, which has scopes of its own.
    SubchannelAnyView = "subchannel.any:view",
    /// Give labels to files and take them away, whatever kind they are.
    LabelEdit = "artifact.label:edit",
    /// Lock a label of a channel, or unlock it.
    LabelLock = "artifact.label:lock",
    /// Make a package before its first file.
    PackageCreate = "package:create",
    /// Change who may see a package.
    PackageEdit = "package:edit",
    /// Remove a package with all its files.
    PackageDelete = "package:delete",
    /// See who else holds levels on a channel or package.
    GrantView = "channel.group:view",
    /// Give and take levels on a channel or package.
    GrantEdit = "channel.group:edit",
    /// See who else holds levels on a package alone.
    PackageGrantView = "package.group:view",
    /// Give and take levels on a package alone.
    PackageGrantEdit = "package.group:edit",
    /// See who did what in a channel.
    ChannelHistory = "channel:history",
    /// See who did what in a subchannel.
    SubchannelHistory = "subchannel:history",
    /// See that a subchannel is there, and its details.
    SubchannelView = "subchannel:view",
    /// Make a subchannel; asked on the channel above it.
    SubchannelCreate = "subchannel:create",
    /// Change a subchannel's description or privacy.
    SubchannelEdit = "subchannel:edit",
    /// Delete a subchannel.
    SubchannelDelete = "subchannel:delete",
    /// List a subchannel's files through the API.
    SubchannelArtifactView = "subchannel:view-artifacts",
    /// See who else holds levels on a subchannel.
    SubchannelGrantView = "subchannel.group:view",
    /// Give and take levels on a subchannel.
    SubchannelGrantEdit = "subchannel.group:edit",
    /// See an organisation's groups and who is in them.
    GroupView = "group:view",
    /// Make, change and delete an organisation's groups.
    GroupEdit = "group:edit",
    /// List and show an account's tokens.
    TokenView = "user.token:view",
    /// Issue and revoke an account's tokens.
    TokenEdit = "user.token:edit",
    /// Choose where an account's uploads go that name no channel.
    DefaultChannelEdit = "channel.default-channel:edit",
    /// Look accounts up.
    AccountView = "account:view",
    /// Make an account.
    AccountCreate = "account:create",
    /// Disable or enable an account.
    AccountDisable = "account:disable",
    /// Change an account's password.
    AccountPassword = "account:password",
    /// Change who owns an organisation or a service account.
    AccountOwners = "account:owners",
    /// Ask who one is.
    WhoAmI = "whoami",
    /// See roles and who holds them.
    RoleView = "role:view",
    /// Make, change, assign and delete roles.
    RoleEdit = "role:edit",
    /// Follow the log.
    EventsSubscribe = "events:subscribe",
    /// See how the replicas stand.
    StatusView = "status:view",
    /// Follow a feed, as a service.
    FeedFollow = "feed:follow",
    /// Wait until a feed's followers have applied something, as a service.
    FeedAwait = "feed:await",
}

impl Action {
    /// Those by which something of a channel is read.
    pub(crate) const READING: [Self; 5] =
        [Self::ChannelView, Self::ArtifactView, Self::CondaDownload, Self::PypiDownload, Self::FileDownload];

    /// The level it needs on a channel; nothing for actions that are not about one.
    pub fn level(self) -> Option<Level> {
        match self {
            Self::ChannelView
            | Self::ArtifactView
            | Self::CondaDownload
            | Self::PypiDownload
            | Self::FileDownload
            | Self::AnyDownload
            | Self::AnyView
            | Self::SubchannelAnyView
            | Self::AnyBulk
            | Self::GrantView
            | Self::PackageGrantView
            | Self::SubchannelView
            | Self::SubchannelArtifactView
            | Self::SubchannelGrantView => Some(Level::Read),
            Self::CondaUpload
            | Self::PypiUpload
            | Self::CondaPublish
            | Self::PypiPublish
            | Self::FilePublish
            | Self::AnyPublish
            | Self::PackageCreate => Some(Level::Write),
            Self::CondaDelete
            | Self::PypiDelete
            | Self::FileDelete
            | Self::AnyDelete
            | Self::CondaEdit
            | Self::PypiEdit
            | Self::FileEdit
            | Self::LabelEdit
            | Self::LabelLock
            | Self::PackageEdit
            | Self::PackageDelete
            | Self::ChannelEdit
            | Self::ChannelDelete
            | Self::GrantEdit
            | Self::ChannelHistory
            | Self::SubchannelHistory
            | Self::PackageGrantEdit
            | Self::SubchannelCreate
            | Self::SubchannelEdit
            | Self::SubchannelDelete
            | Self::SubchannelGrantEdit => Some(Level::Manage),
            Self::ChannelCreate
            | Self::TokenView
            | Self::TokenEdit
            | Self::DefaultChannelEdit
            | Self::AccountView
            | Self::AccountCreate
            | Self::AccountDisable
            | Self::AccountPassword
            | Self::AccountOwners
            | Self::GroupView
            | Self::GroupEdit
            | Self::RoleView
            | Self::RoleEdit
            | Self::WhoAmI
            | Self::EventsSubscribe
            | Self::StatusView
            | Self::FeedFollow
            | Self::FeedAwait => None,
        }
    }

    /// What it is called on a subchannel, which has scopes of its own.
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else is called the same there")]
    pub fn on(self, subchannel: bool) -> Self {
        match self {
            Self::ChannelView if subchannel => Self::SubchannelView,
            Self::ChannelEdit if subchannel => Self::SubchannelEdit,
            Self::ChannelDelete if subchannel => Self::SubchannelDelete,
            Self::ChannelHistory if subchannel => Self::SubchannelHistory,
            Self::ArtifactView if subchannel => Self::SubchannelArtifactView,
            Self::AnyView if subchannel => Self::SubchannelAnyView,
            Self::GrantView if subchannel => Self::SubchannelGrantView,
            Self::GrantEdit if subchannel => Self::SubchannelGrantEdit,
            Self::PackageGrantView if subchannel => Self::SubchannelGrantView,
            Self::PackageGrantEdit if subchannel => Self::SubchannelGrantEdit,
            other => other,
        }
    }

    /// Whether somebody who was given a single package may ask for it in its channel: whatever answers then decides again
    /// on each package, and shows no other.
    pub fn by_package(self) -> bool {
        matches!(
            self,
            Self::ChannelView
                | Self::SubchannelView
                | Self::ArtifactView
                | Self::SubchannelArtifactView
                | Self::CondaDownload
                | Self::PypiDownload
                | Self::CondaUpload
                | Self::PypiUpload
                | Self::CondaPublish
                | Self::PypiPublish
                | Self::CondaDelete
                | Self::PypiDelete
                | Self::CondaEdit
                | Self::PypiEdit
                | Self::FileDownload
                | Self::FilePublish
                | Self::FileDelete
                | Self::FileEdit
                | Self::AnyDownload
                | Self::AnyPublish
                | Self::AnyDelete
                | Self::AnyView
                | Self::SubchannelAnyView
                | Self::AnyBulk
                | Self::LabelEdit
                | Self::PackageEdit
                | Self::PackageDelete
                | Self::PackageGrantView
                | Self::PackageGrantEdit
        )
    }

    /// Whether it changes what is in a channel's indexes, which a frozen channel does not let happen.
    pub fn changes_index(self) -> bool {
        matches!(
            self,
            Self::CondaUpload
                | Self::PypiUpload
                | Self::CondaPublish
                | Self::PypiPublish
                | Self::FilePublish
                | Self::AnyPublish
                | Self::CondaDelete
                | Self::PypiDelete
                | Self::FileDelete
                | Self::AnyDelete
                | Self::CondaEdit
                | Self::PypiEdit
                | Self::FileEdit
                | Self::LabelEdit
                | Self::PackageCreate
                | Self::PackageDelete
        )
    }

    /// Whether it makes a package that is not there yet.
    pub(crate) fn makes_package(self) -> bool {
        matches!(
            self,
            Self::CondaUpload
                | Self::PypiUpload
                | Self::CondaPublish
                | Self::PypiPublish
                | Self::FilePublish
                | Self::PackageCreate
        )
    }
}

impl Action {
    /// The scopes of which one must be held to do it with a scope token, narrowest first. None: any live token may.
    #[expect(clippy::too_many_lines, reason = "one list of all actions, in which none can be forgotten")]
    pub fn scopes(self) -> &'static [Scope] {
        use Scope as S;
        match self {
            Self::ChannelView => &[S::ChannelView, S::ApiRead, S::Api, S::All],
            Self::ChannelCreate => &[S::ChannelCreate, S::ApiWrite, S::Api, S::All],
            Self::ChannelEdit => &[S::ChannelEdit, S::ApiWrite, S::Api, S::All],
            Self::ChannelDelete => &[S::ChannelDelete, S::ApiWrite, S::Api, S::All],
            Self::ArtifactView => &[S::ArtifactView, S::ChannelViewArtifacts, S::ApiRead, S::Api, S::All],
            Self::CondaDownload => &[S::CondaDownload, S::ArtifactDownload, S::Conda, S::Repos, S::All],
            Self::PypiDownload => &[S::PypiDownload, S::ArtifactDownload, S::Pypi, S::Repos, S::All],
            Self::FileDownload => &[S::ArtifactDownload, S::Repos, S::All],
            Self::FilePublish => &[S::ArtifactCreate, S::ApiWrite, S::Api, S::All],
            Self::FileDelete => &[S::ArtifactDelete, S::ApiWrite, S::Api, S::All],
            Self::AnyDownload => {
                &[S::CondaDownload, S::PypiDownload, S::ArtifactDownload, S::Conda, S::Pypi, S::Repos, S::All]
            }
            Self::AnyPublish => {
                &[S::PypiUpload, S::ArtifactCreate, S::Conda, S::Pypi, S::ApiWrite, S::Api, S::All]
            }
            Self::AnyDelete => &[S::ArtifactDelete, S::Conda, S::Pypi, S::ApiWrite, S::Api, S::All],
            Self::AnyBulk => &[
                S::CondaDownload,
                S::PypiDownload,
                S::ArtifactDownload,
                S::ArtifactDelete,
                S::Conda,
                S::Pypi,
                S::Repos,
                S::ApiWrite,
                S::Api,
                S::All,
            ],
            Self::AnyView => {
                &[S::ChannelView, S::ArtifactView, S::ChannelViewArtifacts, S::ApiRead, S::Api, S::All]
            }
            Self::SubchannelAnyView => {
                &[S::SubchannelView, S::ArtifactView, S::SubchannelViewArtifacts, S::ApiRead, S::Api, S::All]
            }
            Self::FileEdit => &[S::ArtifactEdit, S::ApiWrite, S::Api, S::All],
            Self::CondaUpload => &[S::ArtifactCreate, S::Conda, S::All],
            Self::PypiUpload => &[S::PypiUpload, S::ArtifactCreate, S::Pypi, S::All],
            Self::CondaPublish => &[S::ArtifactCreate, S::Conda, S::ApiWrite, S::Api, S::All],
            Self::PypiPublish => &[S::PypiUpload, S::ArtifactCreate, S::Pypi, S::ApiWrite, S::Api, S::All],
            Self::CondaDelete => &[S::ArtifactDelete, S::Conda, S::ApiWrite, S::Api, S::All],
            Self::PypiDelete => &[S::ArtifactDelete, S::Pypi, S::ApiWrite, S::Api, S::All],
            Self::CondaEdit => &[S::ArtifactEdit, S::Conda, S::ApiWrite, S::Api, S::All],
            Self::PypiEdit => &[S::ArtifactEdit, S::Pypi, S::ApiWrite, S::Api, S::All],
            Self::LabelEdit | Self::LabelLock => {
                &[S::ArtifactEdit, S::Conda, S::Pypi, S::ApiWrite, S::Api, S::All]
            }
            Self::PackageCreate => &[S::ArtifactCreate, S::ApiWrite, S::Api, S::All],
            Self::PackageEdit => &[S::ArtifactEdit, S::ApiWrite, S::Api, S::All],
            Self::PackageDelete => &[S::ArtifactDelete, S::ApiWrite, S::Api, S::All],
            Self::GrantView => &[S::ChannelGroupView, S::ApiRead, S::Api, S::All],
            Self::GrantEdit => &[S::ChannelGroupEdit, S::ApiModifyGroup, S::Api, S::All],
            Self::PackageGrantView => &[S::ChannelGroupView, S::ApiRead, S::Api, S::All],
            Self::PackageGrantEdit => &[S::ChannelGroupEdit, S::ApiModifyGroup, S::Api, S::All],
            Self::ChannelHistory => &[S::ChannelHistory, S::ApiRead, S::Api, S::All],
            Self::SubchannelHistory => &[S::SubchannelHistory, S::ApiRead, S::Api, S::All],
            Self::SubchannelView => &[S::SubchannelView, S::ApiRead, S::Api, S::All],
            Self::SubchannelCreate => &[S::SubchannelCreate, S::ApiWrite, S::Api, S::All],
            Self::SubchannelEdit => &[S::SubchannelEdit, S::ApiWrite, S::Api, S::All],
            Self::SubchannelDelete => &[S::SubchannelDelete, S::ApiWrite, S::Api, S::All],
            Self::SubchannelArtifactView => {
                &[S::ArtifactView, S::SubchannelViewArtifacts, S::ApiRead, S::Api, S::All]
            }
            Self::SubchannelGrantView => &[S::SubchannelGroupView, S::ApiRead, S::Api, S::All],
            Self::SubchannelGrantEdit => &[S::SubchannelGroupEdit, S::ApiModifyGroup, S::Api, S::All],
            Self::GroupView => &[S::ApiRead, S::Api, S::All],
            Self::GroupEdit => &[S::ApiModifyGroup, S::Api, S::All],
            Self::TokenView => &[S::TokenView, S::ApiRead, S::Api, S::All],
            Self::TokenEdit => &[S::TokenEdit, S::ApiWrite, S::Api, S::All],
            Self::DefaultChannelEdit => &[S::DefaultChannelEdit, S::ApiWrite, S::Api, S::All],
            Self::AccountView => &[S::ApiRead, S::Api, S::All],
            Self::AccountCreate | Self::AccountDisable | Self::AccountPassword | Self::AccountOwners => {
                &[S::All]
            }
            Self::RoleView => &[S::RoleView, S::All],
            Self::RoleEdit => &[S::RoleEdit, S::All],
            Self::EventsSubscribe => &[S::EventsSubscribe, S::All],
            Self::StatusView => &[S::StatusView, S::All],
            Self::WhoAmI | Self::FeedFollow | Self::FeedAwait => &[],
        }
    }
}

impl std::str::FromStr for Action {
    type Err = InvalidAction;

    /// Takes an action's name, or a level as shorthand for what most people mean by it.
    fn from_str(text: &str) -> Result<Self, InvalidAction> {
        match text {
            "read" | "artifact:download" => Ok(Self::CondaDownload),
            "write" | "artifact:create" => Ok(Self::CondaUpload),
            "artifact:delete" => Ok(Self::CondaDelete),
            "artifact:edit" => Ok(Self::PackageEdit),
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
    /// A channel by the name in the address, there or not; a subchannel's is `parent/name`.
    ChannelNamed(&'a str),
    /// A channel by id.
    Channel(ChannelId),
    /// A package in a channel by name, there or not.
    PackageNamed {
        /// The channel's name.
        channel: &'a str,
        /// The package's kind.
        kind: PackageKind,
        /// Its name, as its kind normalises it.
        name: &'a str,
    },
    /// A package in a channel by id, there or not.
    Package {
        /// The channel.
        channel: ChannelId,
        /// The package's kind.
        kind: PackageKind,
        /// Its name, as its kind normalises it.
        name: &'a str,
    },
}

impl<'a> Object<'a> {
    /// The package that is meant, if one is.
    pub(crate) fn package(&self) -> Option<(PackageKind, &'a str)> {
        match *self {
            Self::PackageNamed { kind, name, .. } | Self::Package { kind, name, .. } => Some((kind, name)),
            Self::Server | Self::Account(_) | Self::ChannelNamed(_) | Self::Channel(_) => None,
        }
    }
}
