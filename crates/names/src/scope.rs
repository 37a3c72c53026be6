//! Scopes: what a scope token opens, in the words of the two products whose users bring them along.

use crate::InvalidName;

/// Which product's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// `category:action`, tied to a level that the owner must hold.
    Server,
    /// The older, coarser ones: `conda:download`, `repos`, `all`.
    Repository,
    /// Of neither: what only this server has.
    Latchkey,
}

macro_rules! scopes {
    ($($variant:ident = $family:ident $word:literal $opens:literal,)*) => {
        /// Every scope.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[expect(missing_docs, reason = "each is what `opens` says")]
        pub enum Scope { $($variant,)* }

        impl Scope {
            /// All of them, in the order of the documents.
            pub const ALL: [Self; [$($word),*].len()] = [$(Self::$variant),*];

            /// Its canonical name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// Which product's.
            pub fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)* }
            }

            /// What it opens, in words.
            pub fn opens(self) -> &'static str {
                match self { $(Self::$variant => $opens,)* }
            }
        }
    };
}

scopes! {
    ArtifactCreate = Server "artifact:create" "upload of any kind",
    ArtifactDelete = Server "artifact:delete" "remove files, versions, packages",
    ArtifactDownload = Server "artifact:download" "index pages, shards, files, metadata files",
    ArtifactEdit = Server "artifact:edit" "description, privacy, labels, yank, move within the channel",
    ArtifactView = Server "artifact:view" "API and page listings of artifacts; no index, no files",
    ChannelCreate = Server "channel:create" "a new channel owned by the token's owner",
    ChannelDelete = Server "channel:delete" "delete a channel",
    ChannelEdit = Server "channel:edit" "description, privacy, freezing",
    ChannelHistory = Server "channel:history" "history of a channel",
    ChannelView = Server "channel:view" "listing and details of channels",
    ChannelViewArtifacts = Server "channel:view-artifacts" "API and page listings of a channel's artifacts",
    DefaultChannelEdit = Server "channel.default-channel:edit" "choose one's default channel",
    ChannelGroupEdit = Server "channel.group:edit" "attach, change, detach groups",
    ChannelGroupView = Server "channel.group:view" "see groups and levels",
    ChannelMirrorEdit = Server "channel.mirror:edit" "no route yet",
    ChannelMirrorView = Server "channel.mirror:view" "no route yet",
    SubchannelCreate = Server "subchannel:create" "a new subchannel",
    SubchannelDelete = Server "subchannel:delete" "delete a subchannel",
    SubchannelEdit = Server "subchannel:edit" "description, privacy, freezing of a subchannel",
    SubchannelHistory = Server "subchannel:history" "history of a subchannel",
    SubchannelView = Server "subchannel:view" "listing and details of subchannels",
    SubchannelViewArtifacts = Server "subchannel:view-artifacts" "listings of a subchannel's artifacts",
    SubchannelGroupEdit = Server "subchannel.group:edit" "attach, change, detach groups of a subchannel",
    SubchannelGroupView = Server "subchannel.group:view" "see groups and levels of a subchannel",
    SubchannelMirrorEdit = Server "subchannel.mirror:edit" "no route yet",
    SubchannelMirrorView = Server "subchannel.mirror:view" "no route yet",
    MirrorView = Server "mirror:view" "no route yet",
    LicenseEdit = Server "system.license:edit" "no route yet",
    LicenseView = Server "system.license:view" "no route yet",
    CveEdit = Server "cve:edit" "no route yet",
    CveView = Server "cve:view" "no route yet",
    RoleEdit = Server "role:edit" "create, change, assign roles",
    RoleView = Server "role:view" "see roles and who has them",
    SettingsEdit = Server "system.settings:edit" "server settings",
    DeleteBlobs = Server "system:delete-blobs" "no route yet",
    TokenEdit = Server "user.token:edit" "make, edit, reissue, revoke one's tokens",
    TokenView = Server "user.token:view" "list and show one's tokens",
    All = Repository "all" "whatever the owner may do",
    Api = Repository "api" "every call of the API",
    ApiModifyGroup = Repository "api:modify-group" "create and edit groups, their members and packages",
    ApiRead = Repository "api:read" "every reading call of the API; no private files",
    ApiWrite = Repository "api:write" "uploads and edits through the API, not groups",
    Conda = Repository "conda" "all operations on conda files",
    CondaDownload = Repository "conda:download" "index and files on conda paths",
    Pypi = Repository "pypi" "all operations on Python files",
    PypiDownload = Repository "pypi:download" "index and files on Python paths",
    PypiUpload = Repository "pypi:upload" "upload of Python files",
    Repos = Repository "repos" "index and files on every repository path; no upload",
    EventsSubscribe = Latchkey "events:subscribe" "the log of everything that happened, if the owner is an administrator or a role gives them audit_log",
    StatusView = Latchkey "status:view" "how the replicas stand, if the owner is an administrator",
}

/// Older spellings that real clients still send.
const ALIASES: [(&str, Scope); 3] = [
    ("channel:manage-groups", Scope::ChannelGroupEdit),
    ("subchannel:manage-groups", Scope::SubchannelGroupEdit),
    ("channel:set-default-channel", Scope::DefaultChannelEdit),
];

impl Scope {
    /// Whether everything that the other opens, this one opens too, as its name says: `x` contains `x:y`, `all` everything.
    pub fn contains(self, other: Self) -> bool {
        let inner: &[Self] = match self.as_str() {
            "all" => &Self::ALL,
            "api" => &[Self::ApiRead, Self::ApiWrite, Self::ApiModifyGroup],
            "conda" => &[Self::CondaDownload],
            "pypi" => &[Self::PypiDownload, Self::PypiUpload],
            "repos" => &[Self::CondaDownload, Self::PypiDownload],
            _ => &[],
        };
        self == other || inner.contains(&other)
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Scope {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let alias = ALIASES.iter().find(|(word, _)| *word == text).map(|(_, scope)| *scope);
        alias.or_else(|| Self::ALL.into_iter().find(|scope| scope.as_str() == text)).ok_or_else(|| {
            InvalidName::because(format!(
                "{text:?} is no scope: `latchkey token scopes` lists all {}",
                Self::ALL.len()
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_thirty_seven_and_eleven_and_our_own() {
        let count = |family| Scope::ALL.into_iter().filter(|scope| scope.family() == family).count();
        assert_eq!((count(Family::Server), count(Family::Repository), count(Family::Latchkey)), (37, 11, 2));
        assert_eq!(Scope::ALL.into_iter().filter(|scope| scope.opens() == "no route yet").count(), 10);
    }

    #[test]
    fn a_scope_is_read_by_its_name_or_an_older_one() {
        for scope in Scope::ALL {
            assert_eq!(scope.as_str().parse(), Ok(scope));
        }
        assert_eq!("channel:manage-groups".parse(), Ok(Scope::ChannelGroupEdit));
        assert!("channel:fly".parse::<Scope>().unwrap_err().to_string().contains("channel:fly"));
    }

    #[test]
    fn the_shorter_name_contains_the_longer() {
        for (outer, inner) in [("conda", "conda:download"), ("api", "api:read"), ("all", "role:edit")] {
            let [outer, inner]: [Scope; 2] = [outer, inner].map(|word| word.parse().unwrap());
            assert!(outer.contains(inner) && !inner.contains(outer));
        }
    }
}
