//! The one decision: may this caller do this to that.
//!
//! Nobody is told whether something exists that they may not know of: a channel that is not there
//! is refused exactly like one that is closed to the caller.

use names::{AccountId, ChannelId, Level, Privacy, TokenId};
use proto::event::v1::AccountKind;
use time::OffsetDateTime;

use crate::table::{Channel, Table, TokenKind};
use crate::{Action, Caller, Object, Service};

/// Allowed by what, or refused and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allowed(By),
    /// Stop, and say this.
    Refused(Refusal),
}

/// What allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Anyone may.
    Public,
    /// Anyone signed in may.
    Authenticated,
    /// The caller owns it.
    Owner,
    /// The caller owns the organisation that owns it.
    OrganisationOwner,
    /// The token was given this level on the channel.
    Grant(Level),
    /// The account was given this level on the channel.
    Given(Level),
    /// The caller manages the whole server.
    Admin,
    /// It concerns nobody but the caller.
    Own,
    /// One of our own services.
    Service(Service),
}

/// Why not, and what came nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The reason.
    pub why: Why,
    /// The level that the action needs on a channel.
    pub needed: Option<Level>,
    /// The caller may at least read the channel, so its name is no secret to them.
    pub may_read: bool,
}

/// The reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// No credential, and not for everyone.
    NotSignedIn,
    /// The string was never a token of this server.
    Unknown,
    /// The token has ended.
    Expired {
        /// When.
        since: OffsetDateTime,
    },
    /// The token was revoked.
    Revoked {
        /// When.
        since: OffsetDateTime,
    },
    /// The token's owner is disabled.
    Disabled,
    /// The caller is known and lacks the level or right.
    Missing,
    /// Only a sign-in can do this, a resource token cannot.
    SessionNeeded,
    /// A scope token without a scope for this.
    ScopeMissing,
}

impl Table {
    /// Decides. Pure and without allocation; the caller must come from [`Table::caller`] on the same state.
    pub fn decide(&self, caller: &Caller, action: Action, object: &Object<'_>) -> Verdict {
        match action {
            Action::ChannelView
            | Action::ChannelEdit
            | Action::ChannelDelete
            | Action::ArtifactView
            | Action::CondaDownload
            | Action::PypiDownload
            | Action::CondaUpload
            | Action::PypiUpload
            | Action::CondaPublish
            | Action::PypiPublish
            | Action::CondaDelete
            | Action::CondaEdit
            | Action::PypiEdit
            | Action::LabelEdit
            | Action::PypiDelete
            | Action::GrantView
            | Action::GrantEdit => self.decide_channel(caller, action, self.object_channel(object)),
            Action::WhoAmI => match self.live(caller) {
                Ok(_) => Verdict::Allowed(By::Own),
                Err(why) => refused(why),
            },
            Action::ChannelCreate
            | Action::TokenView
            | Action::TokenEdit
            | Action::AccountPassword
            | Action::AccountOwners => self.decide_account(caller, action, object),
            Action::AccountView => match self.acting(caller, action) {
                Ok(_) => Verdict::Allowed(By::Own),
                Err(why) => refused(why),
            },
            Action::AccountCreate | Action::AccountDisable | Action::EventsSubscribe => {
                match self.acting(caller, action) {
                    Ok(account) if self.is_admin(account) => Verdict::Allowed(By::Admin),
                    Ok(_) => refused(Why::Missing),
                    Err(why) => refused(why),
                }
            }
            Action::FeedFollow | Action::FeedAwait => match (caller, self.live(caller)) {
                (Caller::Service(service), _) => Verdict::Allowed(By::Service(*service)),
                (_, Ok(_)) => refused(Why::Missing),
                (_, Err(why)) => refused(why),
            },
        }
    }

    /// What the caller may do in a channel, and by what.
    pub fn level(&self, caller: &Caller, channel: ChannelId) -> Option<Level> {
        let channel = self.channel(channel)?;
        let allowed = |action: Action| {
            let needed = action.level()?;
            let (held, _) = self.held(caller, action, channel)?;
            (held >= needed).then_some(needed)
        };
        Action::ALL.into_iter().filter_map(allowed).max()
    }

    /// What an account holds in a channel by itself: the most that a token of its own can be given.
    pub fn account_level(&self, account: AccountId, channel: ChannelId) -> Option<Level> {
        self.owner_level(account, self.channel(channel)?).map(|(level, _)| level)
    }

    /// Whether a dead token could, while it lived, read something in this channel that is not for everyone:
    /// answering such a caller with the public part alone would be a silent half index.
    pub fn reads_hidden(&self, token: TokenId, channel: ChannelId) -> bool {
        let (Some(token), Some(channel)) = (self.token(token), self.channel(channel)) else { return false };
        channel.private_packages > 0
            && match token.kind {
                TokenKind::Session | TokenKind::Scoped => {
                    self.owner_level(token.owner, channel).is_some_and(|(_, by)| by != By::Public)
                }
                TokenKind::Resource => token.grants.iter().any(|(id, _)| *id == channel.id),
            }
    }

    fn decide_channel(&self, caller: &Caller, action: Action, channel: Option<&Channel>) -> Verdict {
        let needed = action.level().expect("every channel action has a level");
        let public =
            needed == Level::Read && channel.is_some_and(|channel| channel.privacy == Privacy::Public);
        let dead = match self.live(caller) {
            Ok(_) => {
                let held = channel.and_then(|channel| self.held(caller, action, channel));
                return match held {
                    Some((level, by)) if level >= needed => Verdict::Allowed(by),
                    Some(_) | None => Verdict::Refused(Refusal {
                        why: if self.lacks_scope(caller, action) { Why::ScopeMissing } else { Why::Missing },
                        needed: Some(needed),
                        may_read: channel.is_some_and(|channel| self.reads(caller, channel)),
                    }),
                };
            }
            Err(dead) => dead,
        };
        let hidden = || {
            let token = caller.token().zip(channel);
            token.is_some_and(|(token, channel)| self.reads_hidden(token, channel.id))
        };
        if public && !hidden() {
            return Verdict::Allowed(By::Public);
        }
        Verdict::Refused(Refusal { why: dead, needed: Some(needed), may_read: public })
    }

    fn lacks_scope(&self, caller: &Caller, action: Action) -> bool {
        let token = caller.token().and_then(|token| self.token(token));
        token.is_some_and(|token| token.kind == TokenKind::Scoped && !token.opens(action))
    }

    /// Whether the caller may read anything of the channel, by any route.
    fn reads(&self, caller: &Caller, channel: &Channel) -> bool {
        [Action::ChannelView, Action::ArtifactView, Action::CondaDownload, Action::PypiDownload]
            .into_iter()
            .any(|action| self.held(caller, action, channel).is_some())
    }

    /// What a live caller holds on a channel, for an action.
    fn held(&self, caller: &Caller, action: Action, channel: &Channel) -> Option<(Level, By)> {
        let public = (channel.privacy == Privacy::Public).then_some((Level::Read, By::Public));
        let Caller::Token { token, account } = caller else { return public };
        let token = self.token(*token)?;
        let owner = self.owner_level(*account, channel);
        match token.kind {
            TokenKind::Session => owner,
            TokenKind::Scoped if token.opens(action) => owner,
            TokenKind::Scoped => public,
            TokenKind::Resource => {
                let granted =
                    token.grants.iter().filter(|(id, _)| *id == channel.id).map(|(_, level)| *level).max();
                let capped = granted.zip(owner).map(|(granted, (most, _))| granted.min(most));
                capped.map(|level| (level, By::Grant(level))).or(public)
            }
        }
    }

    /// What an account itself may do in a channel, now.
    fn owner_level(&self, account: AccountId, channel: &Channel) -> Option<(Level, By)> {
        if channel.owner == account {
            return Some((Level::Manage, By::Owner));
        }
        if self.owns_organisation(account, channel.owner) {
            return Some((Level::Manage, By::OrganisationOwner));
        }
        if self.is_admin(account) {
            return Some((Level::Manage, By::Admin));
        }
        if let Some((_, level)) = channel.grants.iter().find(|(id, _)| *id == account) {
            return Some((*level, By::Given(*level)));
        }
        match channel.privacy {
            Privacy::Public => Some((Level::Read, By::Public)),
            Privacy::Authenticated => Some((Level::Read, By::Authenticated)),
            Privacy::Private => None,
        }
    }

    fn decide_account(&self, caller: &Caller, action: Action, object: &Object<'_>) -> Verdict {
        let account = match self.acting(caller, action) {
            Ok(account) => account,
            Err(why) => return refused(why),
        };
        match object {
            Object::Account(id) if *id == account => Verdict::Allowed(By::Own),
            Object::Account(id) if self.owns_organisation(account, *id) => {
                Verdict::Allowed(By::OrganisationOwner)
            }
            Object::Account(_) | Object::Server | Object::ChannelNamed(_) | Object::Channel(_) => {
                if self.is_admin(account) { Verdict::Allowed(By::Admin) } else { refused(Why::Missing) }
            }
        }
    }

    fn object_channel(&self, object: &Object<'_>) -> Option<&Channel> {
        match object {
            Object::ChannelNamed(name) => self.channel_named(name),
            Object::Channel(id) => self.channel(*id),
            Object::Server | Object::Account(_) => None,
        }
    }

    fn owns_organisation(&self, account: AccountId, organisation: AccountId) -> bool {
        self.account(organisation)
            .is_some_and(|it| it.kind != AccountKind::Person && it.owners.contains(&account))
    }

    fn is_admin(&self, account: AccountId) -> bool {
        self.account(account).is_some_and(|account| account.admin && !account.disabled)
    }

    /// The account that a caller acts for: signed in, or by a scope token that opens the action.
    fn acting(&self, caller: &Caller, action: Action) -> Result<AccountId, Why> {
        let (token, account) = self.live(caller)?.ok_or(Why::Missing)?;
        match self.token(token) {
            Some(token) if token.kind == TokenKind::Session || token.opens(action) => Ok(account),
            Some(token) if token.kind == TokenKind::Scoped => Err(Why::ScopeMissing),
            Some(_) | None => Err(Why::SessionNeeded),
        }
    }

    /// A live caller's token and account (a service has none), or why it is none.
    fn live(&self, caller: &Caller) -> Result<Option<(TokenId, AccountId)>, Why> {
        match caller {
            Caller::Nobody => Err(Why::NotSignedIn),
            Caller::Unknown => Err(Why::Unknown),
            Caller::Expired { since, .. } => Err(Why::Expired { since: *since }),
            Caller::Revoked { since, .. } => Err(Why::Revoked { since: *since }),
            Caller::Disabled { .. } => Err(Why::Disabled),
            Caller::Token { token, account } => Ok(Some((*token, *account))),
            Caller::Service(_) => Ok(None),
        }
    }
}

fn refused(why: Why) -> Verdict {
    Verdict::Refused(Refusal { why, needed: None, may_read: false })
}
