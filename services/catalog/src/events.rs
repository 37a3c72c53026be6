//! Domain events as they are stored, and back. What an older writer did not say is filled in here.

pub mod artifacts;
pub mod channel;
pub mod group;
pub mod name;
pub mod package;

use names::{
    AccountId, ArtifactId, ChannelId, GroupId, Indexing, InvalidId, Level, PackageId, PackageKind, Privacy,
    Subject,
};
use proto::event::v1 as stored;
use proto::event::v1::access;
use proto::event::v1::event::Event as Stored;

/// What an event says, unless this version does not know its kind.
fn known(event: &stored::Event) -> Result<&Stored, String> {
    event.event.as_ref().ok_or_else(|| "an event of a kind unknown to this version".into())
}

fn text(reason: InvalidId) -> String {
    reason.to_string()
}

fn account_id(bytes: &[u8]) -> Result<AccountId, String> {
    AccountId::from_bytes(bytes).map_err(text)
}

fn channel_id(bytes: &[u8]) -> Result<ChannelId, String> {
    ChannelId::from_bytes(bytes).map_err(text)
}

fn package_id(bytes: &[u8]) -> Result<PackageId, String> {
    PackageId::from_bytes(bytes).map_err(text)
}

fn group_id(bytes: &[u8]) -> Result<GroupId, String> {
    GroupId::from_bytes(bytes).map_err(text)
}

fn artifact_id(bytes: &[u8]) -> Result<ArtifactId, String> {
    ArtifactId::from_bytes(bytes).map_err(text)
}

fn digest<const N: usize>(bytes: &[u8]) -> Result<[u8; N], String> {
    bytes.try_into().map_err(|_| format!("a digest of {} bytes where {N} are expected", bytes.len()))
}

/// Whom something is given to, in the log.
fn subject_to_stored(subject: Subject) -> stored::access_changed::Subject {
    match subject {
        Subject::Account(id) => stored::access_changed::Subject::AccountId(id.to_bytes()),
        Subject::Group(id) => stored::access_changed::Subject::GroupId(id.to_bytes()),
    }
}

/// Whom something is given to; nobody in particular if it is for everyone.
fn subject_from_stored(subject: &stored::access_changed::Subject) -> Result<Option<Subject>, String> {
    match subject {
        stored::access_changed::Subject::Everyone(_) => Ok(None),
        stored::access_changed::Subject::AccountId(id) => Ok(Some(Subject::Account(account_id(id)?))),
        stored::access_changed::Subject::GroupId(id) => Ok(Some(Subject::Group(group_id(id)?))),
    }
}

fn level_access(level: Option<Level>) -> stored::Access {
    stored::Access { access: Some(access::Access::Level(level_to_stored(level).into())) }
}

fn privacy_access(privacy: Privacy) -> stored::Access {
    stored::Access { access: Some(access::Access::Privacy(privacy_to_stored(privacy).into())) }
}

fn access_privacy(access: Option<&stored::Access>) -> Option<Privacy> {
    match access?.access? {
        access::Access::Privacy(privacy) => privacy_from_stored(stored::Privacy::try_from(privacy).ok()?),
        access::Access::Level(_) => None,
    }
}

fn access_level(access: Option<&stored::Access>) -> Option<Option<Level>> {
    match access?.access? {
        access::Access::Level(level) => Some(level_from_stored(stored::Level::try_from(level).ok()?)),
        access::Access::Privacy(_) => None,
    }
}

/// A privacy in the API and in the log.
pub fn privacy_to_stored(privacy: Privacy) -> stored::Privacy {
    match privacy {
        Privacy::Public => stored::Privacy::Public,
        Privacy::Authenticated => stored::Privacy::Authenticated,
        Privacy::Private => stored::Privacy::Private,
    }
}

/// A privacy, if it is one that this version knows.
pub fn privacy_from_stored(privacy: stored::Privacy) -> Option<Privacy> {
    match privacy {
        stored::Privacy::Public => Some(Privacy::Public),
        stored::Privacy::Authenticated => Some(Privacy::Authenticated),
        stored::Privacy::Private => Some(Privacy::Private),
        stored::Privacy::Unspecified => None,
    }
}

/// What becomes of uploads, in the API and in the log.
pub fn indexing_to_stored(indexing: Indexing) -> stored::Indexing {
    match indexing {
        Indexing::Default => stored::Indexing::Default,
        Indexing::Frozen => stored::Indexing::Frozen,
    }
}

/// What becomes of uploads.
pub fn indexing_from_stored(indexing: stored::Indexing) -> Indexing {
    match indexing {
        stored::Indexing::Default => Indexing::Default,
        stored::Indexing::Frozen => Indexing::Frozen,
    }
}

/// A level in the API and in the log.
pub fn level_to_stored(level: Option<Level>) -> stored::Level {
    match level {
        Some(Level::Read) => stored::Level::Read,
        Some(Level::Write) => stored::Level::Write,
        Some(Level::Manage) => stored::Level::Manage,
        None => stored::Level::None,
    }
}

/// A level, or none.
pub fn level_from_stored(level: stored::Level) -> Option<Level> {
    match level {
        stored::Level::Read => Some(Level::Read),
        stored::Level::Write => Some(Level::Write),
        stored::Level::Manage => Some(Level::Manage),
        stored::Level::None => None,
    }
}

/// A package kind in the API and in the log.
pub fn kind_to_stored(kind: PackageKind) -> stored::PackageKind {
    match kind {
        PackageKind::Conda => stored::PackageKind::Conda,
        PackageKind::Pypi => stored::PackageKind::Pypi,
        PackageKind::Notebook => stored::PackageKind::Notebook,
        PackageKind::Environment => stored::PackageKind::Environment,
        PackageKind::File => stored::PackageKind::File,
    }
}

/// A package kind, if it is one that this version knows.
pub fn kind_from_stored(kind: stored::PackageKind) -> Option<PackageKind> {
    match kind {
        stored::PackageKind::Conda => Some(PackageKind::Conda),
        stored::PackageKind::Pypi => Some(PackageKind::Pypi),
        stored::PackageKind::Notebook => Some(PackageKind::Notebook),
        stored::PackageKind::Environment => Some(PackageKind::Environment),
        stored::PackageKind::File => Some(PackageKind::File),
        stored::PackageKind::Unspecified => None,
    }
}
