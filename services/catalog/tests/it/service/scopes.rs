//! Every scope and every level on every call: allowed where the documents' table of scopes says, and nowhere else.

use std::collections::BTreeSet;

use names::{Level, PackageKind, Scope};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use proto::catalog::v1 as api;
use proto::event::v1::{self as stored, Privacy};
use tonic::{Code, Status};

use crate::lab::{Client, Lab};

/// What is asked, in a form that changes nothing where it is allowed, but for the deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    CreateChannel,
    SetChannel,
    GrantChannel,
    DeleteChannel,
    ShowChannel,
    ListChannels,
    Publish(PackageKind),
    RemoveArtifact(PackageKind),
    RemoveArtifacts,
    ChangeLabels(PackageKind),
    LockLabel,
    CopyArtifacts,
    CreateGroup,
    SetGroup,
    ChangeMembers,
    DeleteGroup,
    CreatePackage,
    SetPackage,
    GrantPackage,
    DeletePackage,
}

/// Each call with the level it needs on the channel, and the scopes that open it; none: any live token may.
const TABLE: [(Call, Option<Level>, &[&str]); 26] = [
    (Call::CreateChannel, None, &["channel:create", "api:write", "api", "all"]),
    (Call::SetChannel, Some(Level::Manage), &["channel:edit", "api:write", "api", "all"]),
    (Call::GrantChannel, Some(Level::Manage), &["channel.group:edit", "api:modify-group", "api", "all"]),
    (Call::DeleteChannel, Some(Level::Manage), &["channel:delete", "api:write", "api", "all"]),
    (Call::ShowChannel, Some(Level::Read), &["channel:view", "api:read", "api", "all"]),
    (Call::ListChannels, None, &[]),
    (
        Call::Publish(PackageKind::Conda),
        Some(Level::Write),
        &["artifact:create", "conda", "api:write", "api", "all"],
    ),
    (
        Call::Publish(PackageKind::Pypi),
        Some(Level::Write),
        &["artifact:create", "pypi:upload", "pypi", "api:write", "api", "all"],
    ),
    (
        Call::RemoveArtifact(PackageKind::Conda),
        Some(Level::Manage),
        &["artifact:delete", "conda", "api:write", "api", "all"],
    ),
    (
        Call::RemoveArtifact(PackageKind::Pypi),
        Some(Level::Manage),
        &["artifact:delete", "pypi", "api:write", "api", "all"],
    ),
    (
        Call::ChangeLabels(PackageKind::Conda),
        Some(Level::Manage),
        &["artifact:edit", "conda", "api:write", "api", "all"],
    ),
    (
        Call::ChangeLabels(PackageKind::Pypi),
        Some(Level::Manage),
        &["artifact:edit", "pypi", "api:write", "api", "all"],
    ),
    (
        Call::Publish(PackageKind::Notebook),
        Some(Level::Write),
        &["artifact:create", "api:write", "api", "all"],
    ),
    (
        Call::RemoveArtifact(PackageKind::Environment),
        Some(Level::Manage),
        &["artifact:delete", "api:write", "api", "all"],
    ),
    (
        Call::ChangeLabels(PackageKind::File),
        Some(Level::Manage),
        &["artifact:edit", "api:write", "api", "all"],
    ),
    (Call::RemoveArtifacts, Some(Level::Manage), &["artifact:delete", "pypi", "api:write", "api", "all"]),
    // Read where it comes from, write where it goes: the two lists have these in common.
    (Call::CopyArtifacts, Some(Level::Write), &["conda", "all"]),
    (Call::LockLabel, Some(Level::Manage), &["artifact:edit", "conda", "pypi", "api:write", "api", "all"]),
    (Call::CreateGroup, None, &["api:modify-group", "api", "all"]),
    (Call::SetGroup, None, &["api:modify-group", "api", "all"]),
    (Call::ChangeMembers, None, &["api:modify-group", "api", "all"]),
    (Call::DeleteGroup, None, &["api:modify-group", "api", "all"]),
    (Call::CreatePackage, Some(Level::Write), &["artifact:create", "api:write", "api", "all"]),
    (Call::SetPackage, Some(Level::Manage), &["artifact:edit", "api:write", "api", "all"]),
    (Call::GrantPackage, Some(Level::Manage), &["channel.group:edit", "api:modify-group", "api", "all"]),
    (Call::DeletePackage, Some(Level::Manage), &["artifact:delete", "api:write", "api", "all"]),
];

impl Call {
    /// Its name in the contract.
    fn name(self) -> &'static str {
        match self {
            Self::CreateChannel => "CreateChannel",
            Self::SetChannel => "SetChannel",
            Self::GrantChannel => "GrantChannel",
            Self::DeleteChannel => "DeleteChannel",
            Self::ShowChannel => "ShowChannel",
            Self::ListChannels => "ListChannels",
            Self::Publish(_) => "Publish",
            Self::RemoveArtifact(_) => "RemoveArtifact",
            Self::RemoveArtifacts => "RemoveArtifacts",
            Self::ChangeLabels(_) => "ChangeLabels",
            Self::LockLabel => "LockLabel",
            Self::CreateGroup => "CreateGroup",
            Self::SetGroup => "SetGroup",
            Self::ChangeMembers => "ChangeMembers",
            Self::DeleteGroup => "DeleteGroup",
            Self::CreatePackage => "CreatePackage",
            Self::SetPackage => "SetPackage",
            Self::GrantPackage => "GrantPackage",
            Self::DeletePackage => "DeletePackage",
            Self::CopyArtifacts => "CopyArtifacts",
        }
    }

    async fn on(self, client: &mut Client, channel: &str) -> Result<(), Status> {
        let channel = channel.to_owned();
        let kind = |kind| match kind {
            PackageKind::Conda => (stored::PackageKind::Conda, "absent-1-0.conda"),
            PackageKind::Pypi => (stored::PackageKind::Pypi, "absent-1.0.tar.gz"),
            PackageKind::Notebook => (stored::PackageKind::Notebook, "absent.ipynb"),
            PackageKind::Environment => (stored::PackageKind::Environment, "absent.yml"),
            PackageKind::File => (stored::PackageKind::File, "absent.bin"),
        };
        match self {
            Self::CreateChannel => {
                let privacy = Privacy::Public.into();
                let request = api::CreateChannelRequest { name: channel, privacy, ..Default::default() };
                client.create_channel(request).await.map(drop)
            }
            Self::SetChannel => {
                client.set_channel(api::SetChannelRequest { channel, ..Default::default() }).await.map(drop)
            }
            Self::GrantChannel => {
                let login = "absent".into();
                let request = api::GrantChannelRequest { channel, login, ..Default::default() };
                client.grant_channel(request).await.map(drop)
            }
            Self::DeleteChannel => client.delete_channel(api::ChannelRequest { channel }).await.map(drop),
            Self::ShowChannel => client.show_channel(api::ChannelRequest { channel }).await.map(drop),
            Self::ListChannels => client.list_channels(api::ListChannelsRequest::default()).await.map(drop),
            Self::Publish(of) => {
                let (kind, filename) = kind(of);
                let upload = "tmp/00000000-0000-7000-8000-000000000000".into();
                let (kind, filename) = (kind.into(), filename.into());
                let request = api::PublishRequest { channel, kind, filename, upload, ..Default::default() };
                client.publish(request).await.map(drop)
            }
            Self::RemoveArtifact(of) => {
                let (kind, filename) = kind(of);
                let (kind, filename, subdir) = (kind.into(), filename.into(), "absent/1".into());
                let request = api::RemoveArtifactRequest { channel, kind, filename, subdir };
                client.remove_artifact(request).await.map(drop)
            }
            Self::RemoveArtifacts | Self::CopyArtifacts => self.on_many(client, channel).await,
            Self::ChangeLabels(of) => {
                let (kind, filename) = kind(of);
                let (kind, filename, subdir) = (kind.into(), filename.into(), "absent/1".into());
                let files = vec![api::Place { kind, filename, subdir }];
                let add = vec!["dev".to_owned()];
                let request = api::ChangeLabelsRequest { channel, files, add, ..Default::default() };
                client.change_labels(request).await.map(drop)
            }
            Self::LockLabel => {
                let request = api::LockLabelRequest { channel, label: "dev".into(), locked: false };
                client.lock_label(request).await.map(drop)
            }
            Self::CreateGroup | Self::SetGroup | Self::ChangeMembers | Self::DeleteGroup => {
                self.on_groups(client).await
            }
            Self::CreatePackage | Self::SetPackage | Self::GrantPackage | Self::DeletePackage => {
                self.on_package(client, channel).await
            }
        }
    }
}

impl Call {
    /// On many files at once.
    async fn on_many(self, client: &mut Client, channel: String) -> Result<(), Status> {
        let place = |kind: stored::PackageKind, subdir: &str, filename: &str| api::Place {
            kind: kind.into(),
            subdir: subdir.into(),
            filename: filename.into(),
        };
        if self == Self::RemoveArtifacts {
            let files = vec![place(stored::PackageKind::Pypi, "", "absent-1.0.tar.gz")];
            client.remove_artifacts(api::RemoveArtifactsRequest { channel, files }).await.map(drop)
        } else {
            let files = vec![place(stored::PackageKind::Conda, "noarch", "absent-1-0.conda")];
            let target = channel.clone();
            let request = api::CopyArtifactsRequest { channel, files, target, ..Default::default() };
            client.copy_artifacts(request).await.map(drop)
        }
    }

    /// On the groups of an organisation that is not there.
    async fn on_groups(self, client: &mut Client) -> Result<(), Status> {
        let which = api::GroupRequest { organisation: "nowhere".into(), group: "absent".into() };
        let group = Some(which.clone());
        if self == Self::CreateGroup {
            let request = api::CreateGroupRequest { group, ..Default::default() };
            client.create_group(request).await.map(drop)
        } else if self == Self::SetGroup {
            client.set_group(api::SetGroupRequest { group, ..Default::default() }).await.map(drop)
        } else if self == Self::ChangeMembers {
            client.change_members(api::ChangeMembersRequest { group, ..Default::default() }).await.map(drop)
        } else {
            client.delete_group(which).await.map(drop)
        }
    }

    async fn on_package(self, client: &mut Client, channel: String) -> Result<(), Status> {
        let (kind, name) = (stored::PackageKind::Conda.into(), "absent".into());
        let which = api::PackageRequest { channel, kind, name };
        let package = Some(which.clone());
        if self == Self::CreatePackage {
            let request = api::CreatePackageRequest { package, ..Default::default() };
            client.create_package(request).await.map(drop)
        } else if self == Self::SetPackage {
            client.set_package(api::SetPackageRequest { package, private: true }).await.map(drop)
        } else if self == Self::GrantPackage {
            let login = "absent".into();
            let request = api::GrantPackageRequest { package, login, ..Default::default() };
            client.grant_package(request).await.map(drop)
        } else {
            client.delete_package(which).await.map(drop)
        }
    }
}

/// What a refusal says; nothing for whatever else may come back.
fn refusal(result: Result<(), Status>) -> Option<String> {
    match result {
        Err(status) if [Code::PermissionDenied, Code::Unauthenticated].contains(&status.code()) => {
            Some(status.message().to_owned())
        }
        Ok(()) | Err(_) => None,
    }
}

#[tokio::test]
async fn every_scope_opens_its_own_calls_within_its_owners_levels() {
    let lab = Lab::start().await;
    let (ann, ben) = (lab.authz.person(1, false).await, lab.authz.person(2, false).await);
    for name in ["nothing", "reads", "writes", "manages"] {
        lab.channel(&ann, name, Privacy::Private).await;
    }
    let rooms = [
        ("nothing", None),
        ("reads", Some(Level::Read)),
        ("writes", Some(Level::Write)),
        ("manages", Some(Level::Manage)),
    ];
    for (channel, level) in rooms.into_iter().filter_map(|(name, level)| Some((name, level?))) {
        let level = match level {
            Level::Read => stored::Level::Read,
            Level::Write => stored::Level::Write,
            Level::Manage => stored::Level::Manage,
        };
        let (channel, account_id) = (channel.to_owned(), ben.account.to_string());
        let request =
            api::GrantChannelRequest { channel, account_id, level: level.into(), ..Default::default() };
        lab.client(&ann.session).grant_channel(request).await.unwrap();
    }
    for scope in Scope::ALL {
        let mut client = lab.client(&lab.authz.scoped(ben.account, scope).await);
        for (call, needed, scopes) in TABLE {
            for (room, held) in rooms {
                // Nothing is deleted that the rest stands on.
                let room = match (call, room) {
                    (Call::DeleteChannel, "manages") if scopes.contains(&scope.as_str()) => continue,
                    (_, room) => room,
                };
                let what = format!("{call:?} in {room} with {scope}");
                let refused = refusal(call.on(&mut client, room).await);
                if scopes.is_empty() || scopes.contains(&scope.as_str()) && held >= needed {
                    assert_eq!(refused, None, "{what}");
                    continue;
                }
                let words = refused.unwrap_or_else(|| panic!("{what} was allowed"));
                if call == Call::CopyArtifacts {
                    continue;
                }
                if scopes.contains(&scope.as_str()) {
                    let level = needed.unwrap();
                    assert!(words.contains(&format!("lacks the level {level} ")), "{what}: {words}");
                } else {
                    let (_, list) = words.split_once("it needs one of ").expect(&words);
                    let (wanted, has) = list.split_once(", and has ").expect(&words);
                    assert_eq!(wanted.split(", ").collect::<BTreeSet<_>>(), scopes.iter().copied().collect());
                    assert_eq!(has, scope.as_str(), "{what}");
                }
            }
        }
    }
    let mut client = lab.client(&lab.authz.scoped(ben.account, Scope::ChannelDelete).await);
    assert_eq!(refusal(Call::DeleteChannel.on(&mut client, "manages").await), None);
}

#[test]
fn every_call_of_the_contract_stands_in_the_table() {
    let files = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap().file;
    let services = files.into_iter().filter(|file| file.package() == "latchkey.catalog.v1");
    let methods = services.flat_map(|file| file.service).flat_map(|service| service.method);
    let contract: BTreeSet<String> = methods.map(|method| method.name().to_owned()).collect();
    let table: BTreeSet<String> = TABLE.iter().map(|(call, ..)| call.name().to_owned()).collect();
    assert_eq!(contract, table);
}
