//! The table: everything that decides access, in memory, look-ups only.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use names::{
    AccountId, ChannelId, GroupId, Level, PackageId, PackageKind, Privacy, RoleId, RoleLevels, Scope, TokenId,
};
use proto::event::v1::AccountKind;
use time::OffsetDateTime;

use crate::class::Sights;
use crate::group::Group;
use crate::role::Role;
use crate::shelf::{Package, Place, Shelf};
use crate::{Action, Caller, Credential, SecretHash, Service, Subject};

/// A person, an organisation or a service account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Which of the three.
    pub kind: AccountKind,
    /// May manage the whole server.
    pub admin: bool,
    /// Nothing of it works.
    pub disabled: bool,
    /// The owners of an organisation or a service account.
    pub owners: Box<[AccountId]>,
    /// Where its uploads go that name no channel, if it chose one; the channel may be gone.
    pub default_channel: Option<ChannelId>,
}

/// What a token is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// A sign-in: acts as its owner.
    Session,
    /// Levels on named channels.
    Resource,
    /// Scopes, within the levels of its owner.
    Scoped,
}

/// A token, without anything that could open a door.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Its id.
    pub id: TokenId,
    /// The account it acts for.
    pub owner: AccountId,
    /// Chosen by the owner.
    pub name: Box<str>,
    /// What it is made for.
    pub kind: TokenKind,
    /// Microseconds since 1970.
    pub(crate) expires_at_us: i64,
    pub(crate) revoked_at_us: Option<i64>,
    /// Levels on channels; a deleted channel's id opens nothing.
    pub grants: Box<[(ChannelId, Level)]>,
    /// What a scoped token opens.
    pub scopes: Box<[Scope]>,
    /// The token that made this one.
    pub maker: Option<TokenId>,
    pub(crate) secrets: Box<[(SecretHash, i64)]>,
}

impl Token {
    /// Whether one of its scopes opens the action.
    pub fn opens(&self, action: Action) -> bool {
        self.scopes.iter().any(|scope| action.scopes().contains(scope))
    }

    /// When it ends by itself.
    pub fn expires_at(&self) -> OffsetDateTime {
        instant(self.expires_at_us)
    }

    /// Until when an older string is valid beside the newest, if one is.
    pub fn overlap_ends_at(&self) -> Option<OffsetDateTime> {
        let (_newest, older) = self.secrets.split_last()?;
        older.iter().map(|(_, ends_at_us)| *ends_at_us).max().map(instant)
    }

    /// How many strings it has had, the newest included.
    pub fn strings(&self) -> u32 {
        u32::try_from(self.secrets.len()).unwrap_or(u32::MAX)
    }

    /// When it was revoked.
    pub fn revoked_at(&self) -> Option<OffsetDateTime> {
        self.revoked_at_us.map(instant)
    }
}

/// One of a token's strings, which was shown.
#[derive(Debug, Clone, Copy)]
pub struct TokenString<'a> {
    token: &'a Token,
    hash: SecretHash,
    ends_at_us: i64,
}

impl<'a> TokenString<'a> {
    /// Whose it is.
    pub fn token(&self) -> &'a Token {
        self.token
    }

    /// When it stops being good by itself.
    pub fn ends_at(&self) -> OffsetDateTime {
        instant(self.ends_us())
    }

    /// Whether it does so by then.
    pub fn ends_by(&self, then: OffsetDateTime) -> bool {
        self.ends_us() <= micros(then)
    }

    fn ends_us(&self) -> i64 {
        self.token.expires_at_us.min(self.ends_at_us)
    }

    /// Which of its token's strings it is: 0 is the first, each reissue adds one.
    pub fn no(&self) -> Option<u32> {
        // The newest is the likeliest.
        let place = self.token.secrets.iter().rposition(|(known, _)| *known == self.hash)?;
        u32::try_from(place).ok()
    }
}

/// A channel that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Its id; made again under the same name it has another.
    pub id: ChannelId,
    /// Its name; a subchannel's is `parent/name`.
    pub name: Arc<str>,
    /// The channel that it is a subchannel of.
    pub parent: Option<ChannelId>,
    /// A person or an organisation; a subchannel's is its parent's.
    pub owner: AccountId,
    /// Who reads it without a grant.
    pub privacy: Privacy,
    /// Free text.
    pub description: Box<str>,
    /// Accounts and groups that were given a level here, sorted.
    pub grants: Vec<(Subject, Level)>,
    /// Its subchannels by their own names, sorted.
    pub subchannels: Vec<(Box<str>, ChannelId)>,
    /// Labels that refuse every change.
    pub locked_labels: Vec<Box<str>>,
    /// It takes no upload and no removal.
    pub frozen: bool,
}

impl Channel {
    /// Locks a label, or unlocks it.
    pub(crate) fn lock(&mut self, label: &str, locked: bool) {
        self.locked_labels.retain(|it| &**it != label);
        self.locked_labels.extend(locked.then(|| label.into()));
    }
}

/// For keys that are random already: a digest passes through, ids (UUID v7, made by us) are mixed.
/// Nobody outside chooses either, so collisions cannot be forced.
#[derive(Default)]
pub(crate) struct Random(u64);

impl Hasher for Random {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(random) = bytes.last_chunk::<8>() {
            let mixed = self.0.rotate_left(32) ^ u64::from_be_bytes(*random);
            self.0 = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    /// The length of an id says nothing; which of a few kinds is meant, little.
    fn write_usize(&mut self, _length: usize) {}
}

/// A map whose keys are random.
pub(crate) type RandomMap<K, V> = HashMap<K, V, BuildHasherDefault<Random>>;

/// The fold of AUTHZ up to [`Table::seq`].
#[derive(Default)]
pub struct Table {
    pub(crate) seq: u64,
    pub(crate) services: RandomMap<SecretHash, Service>,
    pub(crate) accounts: RandomMap<AccountId, Account>,
    pub(crate) tokens: Vec<Token>,
    pub(crate) token_places: RandomMap<TokenId, usize>,
    /// Where the token stands, and when this one of its secrets ends.
    pub(crate) secrets: RandomMap<SecretHash, (usize, i64)>,
    pub(crate) channels: RandomMap<ChannelId, Channel>,
    pub(crate) channel_names: HashMap<Arc<str>, ChannelId>,
    pub(crate) shelves: RandomMap<ChannelId, Shelf>,
    pub(crate) package_places: RandomMap<PackageId, (ChannelId, Place)>,
    pub(crate) groups: RandomMap<GroupId, Group>,
    pub(crate) account_groups: RandomMap<AccountId, Vec<GroupId>>,
    pub(crate) roles: RandomMap<RoleId, Role>,
    /// What each holder may do by all custom roles together.
    pub(crate) role_levels: RandomMap<Subject, RoleLevels>,
    pub(crate) voids: HashSet<u64>,
    /// The sequence of the event that is being applied, or was last.
    pub(crate) at: u64,
    pub(crate) sights: Sights,
}

impl Table {
    /// An empty table that knows the services' credentials.
    pub fn new(services: HashMap<SecretHash, Service>) -> Self {
        Self { services: services.into_iter().collect(), ..Self::default() }
    }

    /// Everything up to here has been applied.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether the event at this sequence is void: its actor was dead by then.
    pub fn is_void(&self, seq: u64) -> bool {
        self.voids.contains(&seq)
    }

    /// Who the credential belongs to, at this moment.
    pub fn caller(&self, now: OffsetDateTime, credential: &Credential) -> Caller {
        self.identify(now, credential).0
    }

    /// The same, and the string of a token that the credential is, dead or alive, if it is one.
    pub fn identify(
        &self,
        now: OffsetDateTime,
        credential: &Credential,
    ) -> (Caller, Option<TokenString<'_>>) {
        let hash = match credential {
            Credential::None => return (Caller::Nobody, None),
            Credential::Garbage => return (Caller::Unknown, None),
            Credential::Secret(hash) => hash,
        };
        match (self.string(hash), self.services.get(hash)) {
            (Some(string), _) => (self.standing(now, string.token, string.ends_at_us), Some(string)),
            (None, Some(service)) => (Caller::Service(*service), None),
            (None, None) => (Caller::Unknown, None),
        }
    }

    /// The string of a token, dead or alive, that has this hash.
    pub fn string(&self, hash: &SecretHash) -> Option<TokenString<'_>> {
        let (place, ends_at_us) = self.secrets.get(hash)?;
        Some(TokenString { token: &self.tokens[*place], hash: *hash, ends_at_us: *ends_at_us })
    }

    /// The caller that a token would be if one of its strings were shown now.
    pub fn caller_of(&self, now: OffsetDateTime, token: TokenId) -> Caller {
        self.token(token).map_or(Caller::Unknown, |token| self.standing(now, token, i64::MAX))
    }

    fn standing(&self, now: OffsetDateTime, token: &Token, secret_ends_at_us: i64) -> Caller {
        let (id, account) = (token.id, token.owner);
        if let Some(revoked_at_us) = token.revoked_at_us {
            return Caller::Revoked { token: id, account, since: instant(revoked_at_us) };
        }
        let ends_at_us = token.expires_at_us.min(secret_ends_at_us);
        if ends_at_us <= micros(now) {
            return Caller::Expired { token: id, account, since: instant(ends_at_us) };
        }
        match self.accounts.get(&account) {
            Some(owner) if !owner.disabled => Caller::Token { token: id, account },
            Some(_) | None => Caller::Disabled { token: id, account },
        }
    }

    /// A channel by name.
    pub fn channel_named(&self, name: &str) -> Option<&Channel> {
        self.channel(*self.channel_names.get(name)?)
    }

    /// A channel by id; a deleted one is not there.
    pub fn channel(&self, id: ChannelId) -> Option<&Channel> {
        self.channels.get(&id)
    }

    /// Every channel, in no order.
    pub fn channels(&self) -> impl Iterator<Item = &Channel> {
        self.channels.values()
    }

    /// An account by id.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(&id)
    }

    /// Every account, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// Whether no account was ever made.
    pub fn has_no_accounts(&self) -> bool {
        self.accounts.is_empty()
    }

    /// A token by id, dead or alive.
    pub fn token(&self, id: TokenId) -> Option<&Token> {
        self.token_places.get(&id).map(|place| &self.tokens[*place])
    }

    /// Every token, dead or alive, oldest first.
    pub fn tokens(&self) -> impl Iterator<Item = &Token> {
        self.tokens.iter()
    }

    /// A subchannel by the two names in an address.
    pub fn subchannel(&self, parent: &str, name: &str) -> Option<&Channel> {
        let below = &self.channel_named(parent)?.subchannels;
        let place = below.binary_search_by(|(it, _)| (**it).cmp(name)).ok()?;
        self.channel(below[place].1)
    }

    /// A package by its normalised name.
    pub fn package(&self, channel: ChannelId, kind: PackageKind, name: &str) -> Option<&Package> {
        self.shelf(channel)?.get(kind, name)
    }

    /// Where a package stands, by its id; a deleted one is not there.
    pub fn package_place(&self, id: PackageId) -> Option<(ChannelId, PackageKind, &str)> {
        self.package_places.get(&id).map(|(channel, (kind, name))| (*channel, *kind, &**name))
    }

    /// Every package of a channel, in no order.
    pub fn packages(&self, channel: ChannelId) -> impl Iterator<Item = (PackageKind, &str, &Package)> {
        let packages = self.shelf(channel).into_iter().flat_map(Shelf::iter);
        packages.map(|(kind, name, package)| (kind, &**name, package))
    }

    /// The packages of a channel that are private on their own or given to somebody, by kind and name: all others are
    /// seen by whoever reads the channel.
    pub fn special_packages(
        &self,
        channel: ChannelId,
    ) -> impl Iterator<Item = (PackageKind, &str, &Package)> {
        self.shelf(channel).into_iter().flat_map(Shelf::special)
    }

    pub(crate) fn shelf(&self, channel: ChannelId) -> Option<&Shelf> {
        self.shelves.get(&channel)
    }
}

/// Microseconds since 1970, UTC.
pub(crate) fn micros(time: OffsetDateTime) -> i64 {
    time.unix_timestamp() * 1_000_000 + i64::from(time.microsecond())
}

/// The sign only says by what a secret has ended: see `fold::ended`.
pub(crate) fn instant(micros: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros.saturating_abs()) * 1_000)
        .unwrap_or(time::macros::datetime!(9999-12-31 23:59:59 UTC))
}
