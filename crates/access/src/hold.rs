//! Who holds which level on what: by owning it, by being given it, or because it is open.
//!
//! What was given on a channel opens every package in it. What is open to anyone, or to anyone signed in, opens only
//! packages that are not private on their own. What was given on one package opens that one, and of its channel no more
//! than the way there.

use names::{AccountId, ChannelId, Level, PackageKind, Privacy, TokenId};
use proto::event::v1::AccountKind;

use crate::decide::By;
use crate::given;
use crate::table::{Channel, Table, Token, TokenKind};
use crate::{Action, Caller, Package};

/// What a level is asked on, within a channel.
#[derive(Clone, Copy)]
pub(crate) enum Thing<'a> {
    /// The channel and everything in it.
    Whole,
    /// One package.
    Package(&'a Package),
    /// Whichever package gives the most.
    Part,
}

impl Table {
    /// What the caller may do in a channel as a whole.
    pub fn level(&self, caller: &Caller, channel: ChannelId) -> Option<Level> {
        self.most(caller, self.channel(channel)?, Thing::Whole)
    }

    /// What the caller may do with a package; nothing too if it is not there.
    pub fn package_level(
        &self,
        caller: &Caller,
        channel: ChannelId,
        kind: PackageKind,
        name: &str,
    ) -> Option<Level> {
        self.most(caller, self.channel(channel)?, Thing::Package(self.package(channel, kind, name)?))
    }

    fn most(&self, caller: &Caller, channel: &Channel, thing: Thing<'_>) -> Option<Level> {
        let allowed = |action: Action| {
            let needed = action.level()?;
            let (held, by) = self.held(caller, action, channel, thing)?;
            let counts = if let By::Role(_, level) = by { level.min(needed) } else { needed };
            (held >= needed).then_some(counts)
        };
        Action::ALL.into_iter().filter_map(allowed).max()
    }

    /// Whether a caller sees a package when it does this: lists, indexes, pages, counts and files hold it, or hold no
    /// trace of it. The same for all packages that agree in privacy and grants. A dead caller sees what anyone sees.
    pub fn sees(&self, caller: &Caller, action: Action, channel: &Channel, package: &Package) -> bool {
        self.held(caller, action, channel, Thing::Package(package)).is_some()
    }

    /// What an account holds in a channel by itself: the most that a token of its own can be given.
    pub fn account_level(&self, account: AccountId, channel: ChannelId) -> Option<Level> {
        self.of_account(account, self.channel(channel)?, Thing::Whole).map(|(level, _)| level)
    }

    /// What an account holds by itself on some single package of a channel.
    pub fn account_part(&self, account: AccountId, channel: ChannelId) -> Option<Level> {
        self.of_account(account, self.channel(channel)?, Thing::Part).map(|(level, _)| level)
    }

    /// Whether a dead token could, while it lived, read something in this channel that is not for everyone:
    /// answering such a caller with the public part alone would be a silent half index.
    pub fn reads_hidden(&self, token: TokenId, channel: ChannelId) -> bool {
        let (Some(token), Some(channel)) = (self.token(token), self.channel(channel)) else { return false };
        let named = match token.kind {
            TokenKind::Session | TokenKind::Scoped => true,
            TokenKind::Resource => granted(token, channel).is_some(),
        };
        let owner = token.owner;
        named
            && self.shelf(channel.id).is_some_and(|shelf| {
                let by_role = || {
                    let role = self.role_opens(owner, Action::FileDownload);
                    role.is_some() && token.kind != TokenKind::Resource
                };
                let all = || self.given_level(owner, channel).is_some() || by_role();
                shelf.private() > 0 && (all() || shelf.holds_private(owner, self.groups_of(owner)))
            })
    }

    /// Whether the caller may read anything of the channel, by any route.
    pub(crate) fn reads(&self, caller: &Caller, channel: &Channel) -> bool {
        let holds = |action, thing| self.held(caller, action, channel, thing).is_some();
        Action::READING.into_iter().any(|read| holds(read, Thing::Whole) || holds(read, Thing::Part))
    }

    /// What a caller holds for an action. One that is not alive holds what anyone does.
    pub(crate) fn held(
        &self,
        caller: &Caller,
        action: Action,
        channel: &Channel,
        thing: Thing<'_>,
    ) -> Option<(Level, By)> {
        let public = open_to_anyone(channel, thing);
        let Caller::Token { token, account } = caller else { return public };
        let token = self.token(*token)?;
        let owner = self.of_account(*account, channel, thing);
        // A resource token names what it opens, and what a role opens is named nowhere.
        let wide = || more(owner, self.by_role(*account, action, channel, thing));
        match token.kind {
            TokenKind::Session => wide(),
            TokenKind::Scoped if token.opens(action.on(channel.parent.is_some())) => wide(),
            TokenKind::Scoped => public,
            TokenKind::Resource => {
                let capped = granted(token, channel).zip(owner).map(|(granted, (most, _))| granted.min(most));
                capped.map(|level| (level, By::Grant(level))).or(public)
            }
        }
    }

    /// What an account itself holds, now.
    fn of_account(&self, account: AccountId, channel: &Channel, thing: Thing<'_>) -> Option<(Level, By)> {
        let groups = self.groups_of(account);
        match thing {
            Thing::Whole => self.given_level(account, channel).or_else(|| open_to_members(channel)),
            Thing::Part => {
                let level = self.shelf(channel.id)?.most(account, groups)?;
                Some((level, By::Part(level)))
            }
            Thing::Package(package) => {
                let all = self.given_level(account, channel);
                let own = given::most(&package.grants, account, groups).map(|level| (level, By::Part(level)));
                let open = if package.private { None } else { open_to_members(channel) };
                [all, own, open]
                    .into_iter()
                    .flatten()
                    .reduce(|most, one| if one.0 > most.0 { one } else { most })
            }
        }
    }

    /// What an account owns or was given in a channel: it opens every package there.
    fn given_level(&self, account: AccountId, channel: &Channel) -> Option<(Level, By)> {
        if channel.owner == account {
            return Some((Level::Manage, By::Owner));
        }
        if self.owns_organisation(account, channel.owner) {
            return Some((Level::Manage, By::OrganisationOwner));
        }
        if self.is_admin(account) {
            return Some((Level::Manage, By::Admin));
        }
        let groups = self.groups_of(account);
        let own = given::most(&channel.grants, account, groups);
        let parent = channel.parent.and_then(|parent| self.channel(parent));
        // Who manages a channel manages what is below it; a lower level stays where it was given.
        let above = parent
            .and_then(|parent| given::most(&parent.grants, account, groups))
            .filter(|level| *level == Level::Manage);
        own.max(above).map(|level| (level, By::Given(level)))
    }

    pub(crate) fn owns_organisation(&self, account: AccountId, organisation: AccountId) -> bool {
        self.account(organisation)
            .is_some_and(|it| it.kind != AccountKind::Person && it.owners.contains(&account))
    }

    pub(crate) fn is_admin(&self, account: AccountId) -> bool {
        self.account(account).is_some_and(|account| account.admin && !account.disabled)
    }
}

fn more(one: Option<(Level, By)>, other: Option<(Level, By)>) -> Option<(Level, By)> {
    match (one, other) {
        (Some(one), Some(other)) if other.0 > one.0 => Some(other),
        (one, other) => one.or(other),
    }
}

/// What a resource token names: the channel, or by manage the one above it.
fn granted(token: &Token, channel: &Channel) -> Option<Level> {
    let named = |id: ChannelId| {
        token.grants.iter().filter(move |(granted, _)| *granted == id).map(|(_, level)| *level).max()
    };
    named(channel.id).max(channel.parent.and_then(named).filter(|level| *level == Level::Manage))
}

fn open_to_anyone(channel: &Channel, thing: Thing<'_>) -> Option<(Level, By)> {
    let open = match thing {
        Thing::Whole => true,
        Thing::Package(package) => !package.private,
        Thing::Part => false,
    };
    (open && channel.privacy == Privacy::Public).then_some((Level::Read, By::Public))
}

fn open_to_members(channel: &Channel) -> Option<(Level, By)> {
    match channel.privacy {
        Privacy::Public => Some((Level::Read, By::Public)),
        Privacy::Authenticated => Some((Level::Read, By::Authenticated)),
        Privacy::Private => None,
    }
}
