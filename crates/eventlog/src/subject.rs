//! The subjects of the aggregates. Ids stand in them as hyphenated lower-case UUIDs.

use names::{AccountId, ChannelId, PackageKind};

/// An account and its tokens.
pub fn owner(account: AccountId) -> String {
    format!("evt.auth.owner.{account}")
}

/// All roles: a name is unique among them, and the last administrator is seen to be the last.
pub fn roles() -> String {
    "evt.auth.roles".into()
}

/// The reservation of a login or a channel name; by its SHA-256, so that a login leaves no trace in subjects.
pub fn name(name: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, name.as_bytes());
    format!("evt.access.name.{}", hex(digest.as_ref()))
}

/// A channel: created, described, access changed, deleted.
pub fn channel(channel: ChannelId) -> String {
    format!("evt.access.channel.{channel}")
}

/// All groups of an organisation: a name is unique among them.
pub fn groups(organisation: AccountId) -> String {
    format!("evt.access.group.{organisation}")
}

/// The reservation of a subchannel's name. It dies with the channel above, whose id is in it.
pub fn subchannel_name(parent: ChannelId, name: &str) -> String {
    self::name(&format!("{parent}/{name}"))
}

/// A package's existence and visibility.
pub fn package(channel: ChannelId, kind: PackageKind, name: &str) -> String {
    format!("evt.access.package.{channel}.{kind}.{}", names::escape(name))
}

/// The files of one package.
pub fn artifacts(channel: ChannelId, kind: PackageKind, name: &str) -> String {
    format!("evt.catalog.{channel}.{kind}.{}", names::escape(name))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("a String takes everything");
        out
    })
}
