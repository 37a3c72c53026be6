//! What can be done over HTTP, and the documents' table of scopes. Written down from the documents, not from the
//! authoriser: where the two differ, one of them is wrong.

use Deed::*;

/// What can be done over HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Indexes and files on conda addresses.
    ReadConda,
    /// Pages and files on Python addresses.
    ReadPython,
    UploadConda,
    UploadPython,
    /// Upload of a conda file to an address of the API.
    PublishConda,
    RemoveConda,
    RemovePython,
    /// Notebooks, environments and plain files.
    ReadFiles,
    PublishFiles,
    RemoveFiles,
    /// The same of whatever kind, through an address that does not tell it.
    ReadAny,
    PublishAny,
    RemoveAny,
    /// Files copied, moved or removed at once.
    BulkAny,
    /// A channel or its labels, at an address that tells neither.
    SeeAny,
    SeeSubchannelAny,
    /// Labels of any file.
    EditLabels,
    ListFiles,
    SeeChannels,
    MakeChannels,
    EditChannels,
    DeleteChannels,
    SeeLevels,
    GiveLevels,
    SeeTokens,
    EditTokens,
    ChooseDefault,
    SeeAccounts,
    SeeGroups,
    ChangeGroups,
    MakePackages,
    EditPackages,
    DeletePackages,
    MakeSubchannels,
    SeeHistory,
    SeeSubchannelHistory,
    SeeSubchannels,
    EditSubchannels,
    DeleteSubchannels,
    ListSubchannelFiles,
    SeeSubchannelLevels,
    GiveSubchannelLevels,
    ChangeOwners,
    MakeAccounts,
    DisableAccounts,
    ReadLog,
    SeeStatus,
    SeeRoles,
    EditRoles,
}

impl Deed {
    /// What it is called on a subchannel.
    #[expect(clippy::wildcard_enum_match_arm, reason = "everything else is called the same there")]
    pub(super) fn below(self) -> Self {
        match self {
            SeeChannels => SeeSubchannels,
            EditChannels => EditSubchannels,
            DeleteChannels => DeleteSubchannels,
            ListFiles => ListSubchannelFiles,
            SeeAny => SeeSubchannelAny,
            SeeLevels => SeeSubchannelLevels,
            SeeHistory => SeeSubchannelHistory,
            GiveLevels => GiveSubchannelLevels,
            other => other,
        }
    }
}

/// What a scope has routes for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opens {
    /// Whatever the owner may do.
    Everything,
    /// These.
    These(&'static [Deed]),
    /// The documents promise the scope and say `no route yet`.
    NoRouteYet,
    /// What it opens comes with another part.
    Later,
}

/// Sections 3 and 4 of the documents' table, line by line.
pub(super) const SCOPES: [(&str, Opens); 50] = [
    (
        "artifact:create",
        Opens::These(&[UploadConda, UploadPython, PublishConda, PublishFiles, PublishAny, MakePackages]),
    ),
    (
        "artifact:delete",
        Opens::These(&[RemoveConda, RemovePython, RemoveFiles, RemoveAny, DeletePackages, BulkAny]),
    ),
    ("artifact:download", Opens::These(&[ReadConda, ReadPython, ReadFiles, ReadAny, BulkAny])),
    ("artifact:edit", Opens::These(&[EditLabels, EditPackages])),
    ("artifact:view", Opens::These(&[ListFiles, ListSubchannelFiles, SeeAny, SeeSubchannelAny])),
    ("channel:create", Opens::These(&[MakeChannels])),
    ("channel:delete", Opens::These(&[DeleteChannels])),
    ("channel:edit", Opens::These(&[EditChannels])),
    ("channel:history", Opens::These(&[SeeHistory])),
    ("channel:view", Opens::These(&[SeeChannels, SeeAny])),
    ("channel:view-artifacts", Opens::These(&[ListFiles, SeeAny])),
    ("channel.default-channel:edit", Opens::These(&[ChooseDefault])),
    ("channel.group:edit", Opens::These(&[GiveLevels])),
    ("channel.group:view", Opens::These(&[SeeLevels])),
    ("channel.mirror:edit", Opens::NoRouteYet),
    ("channel.mirror:view", Opens::NoRouteYet),
    ("subchannel:create", Opens::These(&[MakeSubchannels])),
    ("subchannel:delete", Opens::These(&[DeleteSubchannels])),
    ("subchannel:edit", Opens::These(&[EditSubchannels])),
    ("subchannel:history", Opens::These(&[SeeSubchannelHistory])),
    ("subchannel:view", Opens::These(&[SeeSubchannels, SeeSubchannelAny])),
    ("subchannel:view-artifacts", Opens::These(&[ListSubchannelFiles, SeeSubchannelAny])),
    ("subchannel.group:edit", Opens::These(&[GiveSubchannelLevels])),
    ("subchannel.group:view", Opens::These(&[SeeSubchannelLevels])),
    ("subchannel.mirror:edit", Opens::NoRouteYet),
    ("subchannel.mirror:view", Opens::NoRouteYet),
    ("mirror:view", Opens::NoRouteYet),
    ("system.license:edit", Opens::NoRouteYet),
    ("system.license:view", Opens::NoRouteYet),
    ("cve:edit", Opens::NoRouteYet),
    ("cve:view", Opens::NoRouteYet),
    ("role:edit", Opens::These(&[EditRoles])),
    ("role:view", Opens::These(&[SeeRoles])),
    ("system.settings:edit", Opens::Later),
    ("system:delete-blobs", Opens::NoRouteYet),
    ("user.token:edit", Opens::These(&[EditTokens])),
    ("user.token:view", Opens::These(&[SeeTokens])),
    ("all", Opens::Everything),
    (
        "api",
        Opens::These(&[
            SeeAny,
            SeeSubchannelAny,
            BulkAny,
            ListFiles,
            SeeChannels,
            SeeLevels,
            SeeTokens,
            SeeAccounts,
            PublishConda,
            RemoveConda,
            RemovePython,
            EditLabels,
            PublishFiles,
            RemoveFiles,
            MakeChannels,
            EditChannels,
            DeleteChannels,
            EditTokens,
            ChooseDefault,
            GiveLevels,
            PublishAny,
            RemoveAny,
            MakePackages,
            EditPackages,
            DeletePackages,
            MakeSubchannels,
            EditSubchannels,
            DeleteSubchannels,
            ListSubchannelFiles,
            SeeSubchannels,
            SeeSubchannelLevels,
            GiveSubchannelLevels,
            SeeGroups,
            SeeHistory,
            SeeSubchannelHistory,
            ChangeGroups,
        ]),
    ),
    ("api:modify-group", Opens::These(&[GiveLevels, GiveSubchannelLevels, ChangeGroups])),
    (
        "api:read",
        Opens::These(&[
            SeeAny,
            SeeSubchannelAny,
            ListFiles,
            ListSubchannelFiles,
            SeeChannels,
            SeeSubchannels,
            SeeLevels,
            SeeSubchannelLevels,
            SeeGroups,
            SeeHistory,
            SeeSubchannelHistory,
            SeeTokens,
            SeeAccounts,
        ]),
    ),
    (
        "api:write",
        Opens::These(&[
            BulkAny,
            PublishConda,
            RemoveConda,
            RemovePython,
            EditLabels,
            PublishFiles,
            RemoveFiles,
            MakeChannels,
            EditChannels,
            DeleteChannels,
            EditTokens,
            ChooseDefault,
            PublishAny,
            RemoveAny,
            MakePackages,
            EditPackages,
            DeletePackages,
            MakeSubchannels,
            EditSubchannels,
            DeleteSubchannels,
        ]),
    ),
    (
        "conda",
        Opens::These(&[
            ReadConda,
            UploadConda,
            PublishConda,
            RemoveConda,
            EditLabels,
            PublishAny,
            RemoveAny,
            ReadAny,
            BulkAny,
        ]),
    ),
    ("conda:download", Opens::These(&[ReadConda, ReadAny, BulkAny])),
    (
        "pypi",
        Opens::These(&[
            ReadPython,
            UploadPython,
            RemovePython,
            EditLabels,
            PublishAny,
            RemoveAny,
            ReadAny,
            BulkAny,
        ]),
    ),
    ("pypi:download", Opens::These(&[ReadPython, ReadAny, BulkAny])),
    ("pypi:upload", Opens::These(&[UploadPython, PublishAny])),
    ("repos", Opens::These(&[ReadConda, ReadPython, ReadFiles, ReadAny, BulkAny])),
    ("events:subscribe", Opens::These(&[ReadLog])),
    ("status:view", Opens::These(&[SeeStatus])),
];

/// Whether the documents open this with that scope.
pub(super) fn opens(scope: &str, deed: Deed) -> bool {
    let (_, opens) = SCOPES.iter().find(|(word, _)| *word == scope).expect("every scope has a line");
    match opens {
        Opens::Everything => true,
        Opens::These(deeds) => deeds.contains(&deed),
        Opens::NoRouteYet | Opens::Later => false,
    }
}
