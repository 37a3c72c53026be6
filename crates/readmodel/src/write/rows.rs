//! What a batch touches, as values: the fold is pure, and what it changed is what differs afterwards.

use std::collections::{BTreeMap, BTreeSet};

use names::{
    AccountId, ChannelId, EventId, GroupId, Level, PackageId, PackageKind, Privacy, Scope, Subject, TokenId,
};
use time::OffsetDateTime;

use crate::{ArtifactRow, FileKey, HistoryRow, Stream};

/// The keys that a batch touches.
#[derive(Debug, Clone, Default)]
pub struct Keys {
    /// Accounts.
    pub accounts: BTreeSet<AccountId>,
    /// Tokens.
    pub tokens: BTreeSet<TokenId>,
    /// Channels.
    pub channels: BTreeSet<ChannelId>,
    /// Packages.
    pub packages: BTreeSet<PackageId>,
    /// Groups.
    pub groups: BTreeSet<GroupId>,
    /// Files by their places.
    pub files: BTreeSet<FileKey>,
    /// Aggregates that may be parked.
    pub subjects: BTreeSet<String>,
    /// Events that may have been applied.
    pub events: BTreeSet<(Stream, EventId)>,
}

/// The rows under these keys. What is absent is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Accounts.
    pub accounts: BTreeMap<AccountId, AccountRow>,
    /// Tokens.
    pub tokens: BTreeMap<TokenId, TokenRow>,
    /// Channels.
    pub channels: BTreeMap<ChannelId, ChannelRow>,
    /// Packages.
    pub packages: BTreeMap<PackageId, PackageRow>,
    /// Groups.
    pub groups: BTreeMap<GroupId, GroupRow>,
    /// Files by their places.
    pub files: BTreeMap<FileKey, ArtifactRow>,
    /// Parked aggregates.
    pub parked: BTreeMap<String, ParkedRow>,
    /// Events that have been applied, with their sequences.
    pub applied: BTreeMap<(Stream, EventId), u64>,
    /// What the batch adds to the history; never loaded.
    pub history: Vec<HistoryRow>,
}

/// An account. No personal data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// `person`, `organisation` or `service_account`.
    pub kind: String,
    /// May manage the whole server.
    pub admin: bool,
    /// Nothing of it works.
    pub disabled: bool,
    /// The people who own an organisation or a service account.
    pub owners: BTreeSet<AccountId>,
    /// The time of the event.
    pub created_at: OffsetDateTime,
    /// The sequence in AUTHZ.
    pub seq: u64,
}

/// A token, without secrets and without their hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// The account it acts for.
    pub owner_id: AccountId,
    /// `session`, `resource` or `scoped`.
    pub kind: String,
    /// Chosen by the owner.
    pub name: String,
    /// Free text.
    pub description: String,
    /// The token that made this one.
    pub maker_token_id: Option<TokenId>,
    /// The time of the event.
    pub issued_at: OffsetDateTime,
    /// When it ends by itself.
    pub expires_at: OffsetDateTime,
    /// When it was revoked.
    pub revoked_at: Option<OffsetDateTime>,
    /// Levels on channels.
    pub grants: BTreeMap<ChannelId, Level>,
    /// What a scope token opens.
    pub scopes: BTreeSet<Scope>,
    /// When it last got a new string.
    pub reissued_at: Option<OffsetDateTime>,
    /// The sequence in AUTHZ.
    pub seq: u64,
}

/// A channel; a deleted one stays, with the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    /// Its name.
    pub name: String,
    /// A person or an organisation.
    pub owner_id: AccountId,
    /// Who reads it without a grant.
    pub privacy: Privacy,
    /// Free text.
    pub description: String,
    /// The channel that it is a subchannel of.
    pub parent_id: Option<ChannelId>,
    /// Accounts and groups that were given a level here.
    pub grants: BTreeMap<Subject, Level>,
    /// The time of the event.
    pub created_at: OffsetDateTime,
    /// When it was deleted.
    pub deleted_at: Option<OffsetDateTime>,
    /// The sequence in AUTHZ.
    pub seq: u64,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageRow {
    /// The channel it was made in.
    pub channel_id: ChannelId,
    /// conda or Python.
    pub kind: PackageKind,
    /// Normalised.
    pub name: String,
    /// Private on its own.
    pub private: bool,
    /// Accounts and groups that were given a level on it alone.
    pub grants: BTreeMap<Subject, Level>,
    /// The time of the event.
    pub created_at: OffsetDateTime,
    /// When it was deleted.
    pub deleted_at: Option<OffsetDateTime>,
    /// The sequence in AUTHZ.
    pub seq: u64,
}

/// A group of an organisation; a deleted one stays, with the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    /// Whose it is.
    pub organisation_id: AccountId,
    /// As it was typed.
    pub name: String,
    /// Free text.
    pub description: String,
    /// What it is given on a package unless something else is said.
    pub level: Level,
    /// Who is in it.
    pub members: BTreeSet<AccountId>,
    /// The time of the event.
    pub created_at: OffsetDateTime,
    /// When it was deleted.
    pub deleted_at: Option<OffsetDateTime>,
    /// The sequence in AUTHZ.
    pub seq: u64,
}

/// An aggregate of CATALOG that is not applied any further.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRow {
    /// The event that could not be applied.
    pub seq: u64,
    /// Why.
    pub reason: String,
}

/// The entries of `after` that `before` does not have like this.
pub(crate) fn changed<'r, K: Ord, V: PartialEq>(
    before: &BTreeMap<K, V>,
    after: &'r BTreeMap<K, V>,
) -> Vec<(&'r K, &'r V)> {
    after.iter().filter(|(key, value)| before.get(key) != Some(value)).collect()
}

/// One column of rows, for UNNEST.
pub(crate) fn column<'r, R, T>(rows: &'r [R], value: impl Fn(&'r R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}
