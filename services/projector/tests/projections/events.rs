//! Events of a small world: ids are numbers.

use names::{ChannelId, PackageKind};
use proto::event::v1::{
    self as stored, AccessChanged, AccountCreated, AccountDisabled, Actor, ArtifactPublished,
    ArtifactRemoved, ChannelCreated, ChannelDeleted, ChannelDescribed, CondaArtifact, GroupChanged,
    GroupCreated, GroupDeleted, GroupMembersChanged, LabelLockChanged, Labels, LabelsChanged, OwnersChanged,
    PackageCreated, PackageDeleted, PythonArtifact, TokenEdited, TokenExpiryWarned, TokenGrant, TokenIssued,
    TokenOverlapEnded, TokenReissued, TokenRevoked, TokenSecret, access::Access, access_changed,
    artifact_published::Detail, event::Event,
};
use uuid::Uuid;

pub(crate) const OWNER: u8 = 1;
pub(crate) const TOKEN: u8 = 2;
pub(crate) const CHANNEL: u8 = 3;
pub(crate) const PACKAGE: u8 = 4;
pub(crate) const GROUP: u8 = 5;

/// An id of a kind: accounts, tokens, channels and packages have each their own numbers.
pub(crate) fn id(kind: u8, n: u8) -> Uuid {
    Uuid::from_u128(u128::from(kind) << 64 | u128::from(n))
}

pub(crate) fn bytes(kind: u8, n: u8) -> Vec<u8> {
    id(kind, n).as_bytes().to_vec()
}

pub(crate) fn channel_id(n: u8) -> ChannelId {
    ChannelId(id(CHANNEL, n))
}

pub(crate) fn system() -> Actor {
    Actor { system: "test".into(), ..Actor::default() }
}

pub(crate) fn token_actor(owner: u8, token: u8) -> Actor {
    Actor { account_id: bytes(OWNER, owner), token_id: bytes(TOKEN, token), ..Actor::default() }
}

pub(crate) fn account(n: u8) -> (String, Event) {
    let event = AccountCreated {
        account_id: bytes(OWNER, n),
        kind: stored::AccountKind::Organisation.into(),
        owner_ids: vec![bytes(OWNER, 100)],
        ..AccountCreated::default()
    };
    (owner_subject(n), Event::AccountCreated(event))
}

pub(crate) fn disabled(n: u8) -> (String, Event) {
    let event = AccountDisabled { account_id: bytes(OWNER, n), reason: String::new() };
    (owner_subject(n), Event::AccountDisabled(event))
}

/// An account becomes an administrator, or is one no more.
pub(crate) fn appointed(account: u8, held: bool) -> (String, Event) {
    role(names::RoleId::ADMIN, account, held)
}

/// An account is given a role, or loses it.
pub(crate) fn role(role: names::RoleId, account: u8, held: bool) -> (String, Event) {
    let holder = stored::role_holder::Holder::AccountId(bytes(OWNER, account));
    let (role_id, holder) = (role.to_bytes(), Some(stored::RoleHolder { holder: Some(holder) }));
    let event = match held {
        true => Event::RoleAssigned(stored::RoleAssigned { role_id, holder }),
        false => Event::RoleUnassigned(stored::RoleUnassigned { role_id, holder }),
    };
    (eventlog::subject::roles(), event)
}

pub(crate) fn owner_subject(n: u8) -> String {
    eventlog::subject::owner(names::AccountId(id(OWNER, n)))
}

pub(crate) fn issued(owner: u8, token: u8, channel: u8) -> (String, Event) {
    let event = TokenIssued {
        token_id: bytes(TOKEN, token),
        owner_id: bytes(OWNER, owner),
        kind: stored::TokenKind::Resource.into(),
        name: format!("t{token}"),
        description: "holds a \0 that Postgres would not take".into(),
        expires_at_us: i64::MAX,
        secrets: vec![TokenSecret { sha256: vec![token; 32], ends_at_us: i64::MAX }],
        grants: vec![TokenGrant { channel_id: bytes(CHANNEL, channel), level: stored::Level::Write.into() }],
        ..TokenIssued::default()
    };
    (owner_subject(owner), Event::TokenIssued(event))
}

pub(crate) fn revoked(owner: u8, token: u8) -> (String, Event) {
    let event =
        TokenRevoked { token_id: bytes(TOKEN, token), reason: "leaked".into(), ..TokenRevoked::default() };
    (owner_subject(owner), Event::TokenRevoked(event))
}

pub(crate) fn scoped(owner: u8, token: u8, scopes: &[&str]) -> (String, Event) {
    let event = TokenIssued {
        token_id: bytes(TOKEN, token),
        owner_id: bytes(OWNER, owner),
        kind: stored::TokenKind::Scoped.into(),
        name: format!("t{token}"),
        expires_at_us: i64::MAX,
        secrets: vec![TokenSecret { sha256: vec![token; 32], ends_at_us: i64::MAX }],
        scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        ..TokenIssued::default()
    };
    (owner_subject(owner), Event::TokenIssued(event))
}

pub(crate) fn edited(owner: u8, token: u8, name: &str) -> (String, Event) {
    let event = TokenEdited {
        token_id: bytes(TOKEN, token),
        name: name.into(),
        description: "edited".into(),
        expires_at_us: 1_800_000_000_000_000,
        ..TokenEdited::default()
    };
    (owner_subject(owner), Event::TokenEdited(event))
}

pub(crate) fn reissued(owner: u8, token: u8, string: u8) -> (String, Event) {
    let ends_at_us = 1_900_000_000_000_000;
    let event = TokenReissued {
        token_id: bytes(TOKEN, token),
        secret: Some(TokenSecret { sha256: vec![string; 32], ends_at_us }),
        older_end_at_us: 1_700_000_000_000_000,
        expires_at_us: ends_at_us,
        ..TokenReissued::default()
    };
    (owner_subject(owner), Event::TokenReissued(event))
}

/// What the read models do not show, and must not stumble over.
pub(crate) fn unshown(owner: u8, token: u8) -> [(String, Event); 2] {
    let token_id = bytes(TOKEN, token);
    let ended = TokenOverlapEnded { token_id: token_id.clone(), ..TokenOverlapEnded::default() };
    let warned = TokenExpiryWarned { token_id, expires_at_us: 1_900_000_000_000_000 };
    [Event::TokenOverlapEnded(ended), Event::TokenExpiryWarned(warned)]
        .map(|event| (owner_subject(owner), event))
}

pub(crate) fn owned(account: u8, owners: &[u8]) -> (String, Event) {
    let owner_ids = owners.iter().map(|n| bytes(OWNER, *n)).collect();
    (
        owner_subject(account),
        Event::OwnersChanged(OwnersChanged { account_id: bytes(OWNER, account), owner_ids }),
    )
}

/// An account is given a level in a channel; none takes it away.
pub(crate) fn given(channel: u8, account: u8, after: stored::Level) -> (String, Event) {
    let access = |level: stored::Level| stored::Access { access: Some(Access::Level(level.into())) };
    let event = AccessChanged {
        object: Some(access_changed::Object::ChannelId(bytes(CHANNEL, channel))),
        subject: Some(access_changed::Subject::AccountId(bytes(OWNER, account))),
        before: Some(access(stored::Level::None)),
        after: Some(access(after)),
    };
    (channel_subject(channel), Event::AccessChanged(event))
}

pub(crate) fn group_subject(organisation: u8) -> String {
    eventlog::subject::groups(names::AccountId::from_bytes(&bytes(OWNER, organisation)).unwrap())
}

pub(crate) fn group(organisation: u8, n: u8) -> (String, Event) {
    let event = GroupCreated {
        group_id: bytes(GROUP, n),
        organisation_id: bytes(OWNER, organisation),
        name: format!("g{n}"),
        description: String::new(),
        level: stored::Level::Read.into(),
    };
    (group_subject(organisation), Event::GroupCreated(event))
}

pub(crate) fn group_changed(organisation: u8, n: u8, name: &str) -> (String, Event) {
    let event = GroupChanged {
        group_id: bytes(GROUP, n),
        name: name.into(),
        description: "other words".into(),
        level: stored::Level::Write.into(),
    };
    (group_subject(organisation), Event::GroupChanged(event))
}

pub(crate) fn members(organisation: u8, n: u8, added: &[u8], removed: &[u8]) -> (String, Event) {
    let ids = |accounts: &[u8]| accounts.iter().map(|n| bytes(OWNER, *n)).collect();
    let (added_ids, removed_ids) = (ids(added), ids(removed));
    let event = GroupMembersChanged { group_id: bytes(GROUP, n), added_ids, removed_ids };
    (group_subject(organisation), Event::GroupMembersChanged(event))
}

pub(crate) fn group_deleted(organisation: u8, n: u8) -> (String, Event) {
    (group_subject(organisation), Event::GroupDeleted(GroupDeleted { group_id: bytes(GROUP, n) }))
}

/// A group is given a level on a package; none takes it away.
pub(crate) fn given_group(channel: u8, package: u8, group: u8, after: stored::Level) -> (String, Event) {
    let access = |level: stored::Level| stored::Access { access: Some(Access::Level(level.into())) };
    let event = AccessChanged {
        object: Some(access_changed::Object::PackageId(bytes(PACKAGE, package))),
        subject: Some(access_changed::Subject::GroupId(bytes(GROUP, group))),
        before: Some(access(stored::Level::None)),
        after: Some(access(after)),
    };
    (package_subject(channel, package), Event::AccessChanged(event))
}

pub(crate) fn hidden(channel: u8, package: u8) -> (String, Event) {
    let access = |privacy: stored::Privacy| stored::Access { access: Some(Access::Privacy(privacy.into())) };
    let event = AccessChanged {
        object: Some(access_changed::Object::PackageId(bytes(PACKAGE, package))),
        subject: Some(access_changed::Subject::Everyone(stored::Everyone {})),
        before: Some(access(stored::Privacy::Public)),
        after: Some(access(stored::Privacy::Private)),
    };
    (package_subject(channel, package), Event::AccessChanged(event))
}

pub(crate) fn package_deleted(channel: u8, package: u8) -> (String, Event) {
    let event = PackageDeleted { package_id: bytes(PACKAGE, package) };
    (package_subject(channel, package), Event::PackageDeleted(event))
}

fn package_subject(channel: u8, package: u8) -> String {
    eventlog::subject::package(channel_id(channel), PackageKind::Conda, &name(package))
}

/// A subchannel.
pub(crate) fn below(n: u8, parent: u8, owner: u8) -> (String, Event) {
    let (subject, event) = channel(n, owner);
    let Event::ChannelCreated(created) = event else { unreachable!("that is what it makes") };
    (subject, Event::ChannelCreated(ChannelCreated { parent_id: bytes(CHANNEL, parent), ..created }))
}

pub(crate) fn channel_subject(n: u8) -> String {
    eventlog::subject::channel(channel_id(n))
}

pub(crate) fn channel(n: u8, owner: u8) -> (String, Event) {
    let event = ChannelCreated {
        channel_id: bytes(CHANNEL, n),
        name: format!("c{n}"),
        owner_id: bytes(OWNER, owner),
        privacy: stored::Privacy::Private.into(),
        description: String::new(),
        ..Default::default()
    };
    (channel_subject(n), Event::ChannelCreated(event))
}

pub(crate) fn described(n: u8, description: &str) -> (String, Event) {
    let event = ChannelDescribed { channel_id: bytes(CHANNEL, n), description: description.into() };
    (channel_subject(n), Event::ChannelDescribed(event))
}

pub(crate) fn opened(n: u8) -> (String, Event) {
    let access = |privacy: stored::Privacy| stored::Access { access: Some(Access::Privacy(privacy.into())) };
    let event = AccessChanged {
        object: Some(access_changed::Object::ChannelId(bytes(CHANNEL, n))),
        subject: Some(access_changed::Subject::Everyone(stored::Everyone {})),
        before: Some(access(stored::Privacy::Private)),
        after: Some(access(stored::Privacy::Public)),
    };
    (channel_subject(n), Event::AccessChanged(event))
}

pub(crate) fn deleted(n: u8) -> (String, Event) {
    (channel_subject(n), Event::ChannelDeleted(ChannelDeleted { channel_id: bytes(CHANNEL, n) }))
}

pub(crate) fn package(channel: u8, n: u8) -> (String, Event) {
    let event = PackageCreated {
        package_id: bytes(PACKAGE, n),
        channel_id: bytes(CHANNEL, channel),
        kind: stored::PackageKind::Conda.into(),
        name: name(n),
        private: false,
    };
    let subject = eventlog::subject::package(channel_id(channel), PackageKind::Conda, &name(n));
    (subject, Event::PackageCreated(event))
}

fn name(package: u8) -> String {
    format!("pkg.{package}")
}

pub(crate) fn files_subject(channel: u8, package: u8) -> String {
    eventlog::subject::artifacts(channel_id(channel), PackageKind::Conda, &name(package))
}

/// A conda file; the same `build` is the same place, `content` tells what stands there.
pub(crate) fn published(channel: u8, package: u8, build: u8, content: u8) -> (String, Event) {
    let event = ArtifactPublished {
        artifact_id: bytes(content, build),
        package_id: bytes(PACKAGE, package),
        channel_id: bytes(CHANNEL, channel),
        filename: filename(package, build),
        sha256: vec![content; 32],
        md5: vec![content; 16],
        size_bytes: 1000 + u64::from(content),
        detail: Some(Detail::Conda(CondaArtifact {
            subdir: "noarch".into(),
            name: name(package),
            version: "1.0".into(),
            build: format!("h_{build}"),
            build_number: build.into(),
            record_json: format!(r#"{{"build":"h_{build}","content":{content}}}"#).into_bytes(),
            run_exports_json: b"{}".to_vec(),
            channeldata_json: b"{}".to_vec(),
            indexed_timestamp_ms: 1_700_000_000_000,
        })),
        labels: None,
    };
    (files_subject(channel, package), Event::ArtifactPublished(event))
}

pub(crate) fn removed(channel: u8, package: u8, build: u8, content: u8) -> (String, Event) {
    let event = ArtifactRemoved {
        artifact_id: bytes(content, build),
        filename: filename(package, build),
        subdir: "noarch".into(),
    };
    (files_subject(channel, package), Event::ArtifactRemoved(event))
}

/// The file bears one label from now on, or none.
pub(crate) fn labelled(channel: u8, package: u8, build: u8, content: u8, label: &str) -> (String, Event) {
    let event = LabelsChanged {
        artifact_id: bytes(content, build),
        filename: filename(package, build),
        subdir: "noarch".into(),
        labels: Some(Labels {
            names: label.split(' ').filter(|name| !name.is_empty()).map(Into::into).collect(),
        }),
    };
    (files_subject(channel, package), Event::LabelsChanged(event))
}

pub(crate) fn indexed(channel: u8, frozen: bool) -> (String, Event) {
    let (before, after) = match frozen {
        true => (stored::Indexing::Default, stored::Indexing::Frozen),
        false => (stored::Indexing::Frozen, stored::Indexing::Default),
    };
    let channel_id = bytes(CHANNEL, channel);
    let event = stored::IndexingChanged { channel_id, before: before.into(), after: after.into() };
    (channel_subject(channel), Event::IndexingChanged(event))
}

pub(crate) fn locked(channel: u8, label: &str, locked: bool) -> (String, Event) {
    let event = LabelLockChanged { channel_id: bytes(CHANNEL, channel), label: label.into(), locked };
    (channel_subject(channel), Event::LabelLockChanged(event))
}

fn filename(package: u8, build: u8) -> String {
    format!("{}-1.0-h_{build}.conda", name(package))
}

pub(crate) fn wheel(channel: u8, n: u8) -> (String, Event) {
    let event = ArtifactPublished {
        artifact_id: bytes(50, n),
        package_id: bytes(PACKAGE, n),
        channel_id: bytes(CHANNEL, channel),
        filename: format!("Leaf.Pkg-1.{n}-py3-none-any.whl"),
        sha256: vec![n; 32],
        md5: vec![n; 16],
        size_bytes: 7,
        detail: Some(Detail::Python(PythonArtifact {
            filetype: stored::python_artifact::FileType::Wheel.into(),
            project: "Leaf.Pkg".into(),
            version: format!("1.{n}"),
            requires_python: ">=3.9".into(),
            metadata_sha256: vec![n; 32],
            metadata_size_bytes: 9,
            summary: "a leaf".into(),
        })),
        labels: None,
    };
    (
        eventlog::subject::artifacts(channel_id(channel), PackageKind::Pypi, "leaf-pkg"),
        Event::ArtifactPublished(event),
    )
}
