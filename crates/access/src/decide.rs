//! The one decision: may this caller do this to that.
//!
//! Nobody is told whether something exists that they may not know of: a channel that is not there
//! is refused exactly like one that is closed to the caller.

use names::{AccountId, Level, PackageKind, Privacy, RoleCategory, TokenId};
use time::OffsetDateTime;

use crate::hold::Thing;
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
    /// The account or a group it is in was given this level on the channel, or manages the channel above it.
    Given(Level),
    /// The account or a group it is in was given this level on the package; asked of the channel, on one of its packages.
    Part(Level),
    /// The account is in a group of the organisation.
    Member,
    /// The account holds a role with this level in this category.
    Role(RoleCategory, Level),
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
    /// The caller may, and the channel takes no change of its contents now.
    Frozen,
    /// Only a sign-in can do this, a resource token cannot.
    SessionNeeded,
    /// A scope token without a scope for this.
    ScopeMissing,
    /// In a channel that the caller may read: something that is not there, or not there for them.
    Absent,
}

impl Table {
    /// Decides. Pure and without allocation; the caller must come from [`Table::caller`] on the same state.
    #[expect(clippy::too_many_lines, reason = "one list of all actions, in which none can be forgotten")]
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
            | Action::FileDownload
            | Action::AnyDownload
            | Action::AnyPublish
            | Action::AnyDelete
            | Action::AnyView
            | Action::SubchannelAnyView
            | Action::AnyBulk
            | Action::FilePublish
            | Action::FileDelete
            | Action::FileEdit
            | Action::CondaDelete
            | Action::CondaEdit
            | Action::PypiEdit
            | Action::LabelEdit
            | Action::LabelLock
            | Action::PypiDelete
            | Action::PackageCreate
            | Action::PackageEdit
            | Action::PackageDelete
            | Action::GrantView
            | Action::GrantEdit
            | Action::ChannelHistory
            | Action::SubchannelHistory
            | Action::PackageGrantView
            | Action::PackageGrantEdit
            | Action::SubchannelView
            | Action::SubchannelCreate
            | Action::SubchannelEdit
            | Action::SubchannelDelete
            | Action::SubchannelArtifactView
            | Action::SubchannelGrantView
            | Action::SubchannelGrantEdit => match object.package() {
                Some((kind, name)) => {
                    self.decide_package(caller, action, self.object_channel(object), kind, name)
                }
                None => self.decide_channel(caller, action, object),
            },
            Action::GroupView => match (self.decide_account(caller, action, object), object) {
                (Verdict::Refused(Refusal { why: Why::Missing, .. }), Object::Account(organisation))
                    if self.is_in(caller, *organisation) =>
                {
                    Verdict::Allowed(By::Member)
                }
                (verdict, _) => verdict,
            },
            Action::WhoAmI => match self.live(caller) {
                Ok(_) => Verdict::Allowed(By::Own),
                Err(why) => refused(why),
            },
            Action::ChannelCreate
            | Action::TokenView
            | Action::TokenEdit
            | Action::DefaultChannelEdit
            | Action::AccountPassword
            | Action::AccountOwners
            | Action::GroupEdit => self.decide_account(caller, action, object),
            Action::AccountView => match self.acting(caller, action) {
                Ok(_) => Verdict::Allowed(By::Own),
                Err(why) => refused(why),
            },
            Action::AccountCreate
            | Action::AccountDisable
            | Action::StatusView
            | Action::EventsSubscribe
            | Action::RoleView
            | Action::RoleEdit => match self.acting(caller, action) {
                Ok(account) => self.manages(account, action),
                Err(why) => refused(why),
            },
            Action::FeedFollow | Action::FeedAwait => match (caller, self.live(caller)) {
                (Caller::Service(service), _) => Verdict::Allowed(By::Service(*service)),
                (_, Ok(_)) => refused(Why::Missing),
                (_, Err(why)) => refused(why),
            },
        }
    }

    fn decide_channel(&self, caller: &Caller, action: Action, object: &Object<'_>) -> Verdict {
        let channel = self.object_channel(object);
        let needed = action.level().expect("every channel action has a level");
        let public =
            needed == Level::Read && channel.is_some_and(|channel| channel.privacy == Privacy::Public);
        let dead = match self.live(caller) {
            Ok(_) => {
                let things: &[Thing<'_>] =
                    if action.by_package() { &[Thing::Whole, Thing::Part] } else { &[Thing::Whole] };
                let held = things.iter().find_map(|thing| {
                    let held = self.held(caller, action, channel?, *thing);
                    held.filter(|(level, _)| *level >= needed)
                });
                return match held {
                    Some((_, by)) => open_or_frozen(by, needed, action, channel),
                    None => Verdict::Refused(Refusal {
                        why: self.lacking(caller, action.on(self.is_below(object))),
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

    /// A package that is hidden from the caller and one that is not there are refused alike.
    fn decide_package(
        &self,
        caller: &Caller,
        action: Action,
        channel: Option<&Channel>,
        kind: PackageKind,
        name: &str,
    ) -> Verdict {
        let above = channel.map_or(Object::ChannelNamed(""), |channel| Object::Channel(channel.id));
        let Some(channel) = channel else { return self.decide_channel(caller, action, &above) };
        let needed = action.level().expect("every package action has a level");
        let whole = self.decide_channel(caller, action, &above);
        if let (Verdict::Refused(_), Err(_)) = (whole, self.live(caller)) {
            return whole;
        }
        let held = self.package(channel.id, kind, name).and_then(|package| {
            let thing = Thing::Package(package);
            let held = self.held(caller, action, channel, thing);
            let sees =
                || Action::READING.into_iter().any(|read| self.held(caller, read, channel, thing).is_some());
            (held.is_some() || sees()).then_some(held)
        });
        match held {
            Some(Some((level, by))) if level >= needed => open_or_frozen(by, needed, action, Some(channel)),
            Some(_) => Verdict::Refused(Refusal {
                why: self.lacking(caller, action.on(channel.parent.is_some())),
                needed: Some(needed),
                may_read: true,
            }),
            None => match whole {
                Verdict::Allowed(_) if action.makes_package() => {
                    // Only a level on the whole channel makes something new there.
                    match self.held(caller, action, channel, Thing::Whole) {
                        Some((level, by)) if level >= needed => Verdict::Allowed(by),
                        Some(_) | None => Verdict::Refused(Refusal {
                            why: Why::Missing,
                            needed: Some(needed),
                            may_read: false,
                        }),
                    }
                }
                Verdict::Allowed(_) => {
                    Verdict::Refused(Refusal { why: Why::Absent, needed: Some(needed), may_read: true })
                }
                Verdict::Refused(_) => whole,
            },
        }
    }

    /// What a live caller lacks for an action.
    fn lacking(&self, caller: &Caller, action: Action) -> Why {
        if self.lacks_scope(caller, action) { Why::ScopeMissing } else { Why::Missing }
    }

    /// Whether the object is a subchannel, or would be one if it were there.
    pub(crate) fn is_below(&self, object: &Object<'_>) -> bool {
        match object {
            Object::ChannelNamed(name) | Object::PackageNamed { channel: name, .. } => name.contains('/'),
            Object::Channel(id) | Object::Package { channel: id, .. } => {
                self.channel(*id).is_some_and(|channel| channel.parent.is_some())
            }
            Object::Server | Object::Account(_) => false,
        }
    }

    fn is_in(&self, caller: &Caller, organisation: AccountId) -> bool {
        let live = self.live(caller).ok().flatten();
        live.is_some_and(|(_, account)| self.is_member(account, organisation))
    }

    fn lacks_scope(&self, caller: &Caller, action: Action) -> bool {
        let token = caller.token().and_then(|token| self.token(token));
        token.is_some_and(|token| token.kind == TokenKind::Scoped && !token.opens(action))
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
            Object::Account(_)
            | Object::Server
            | Object::ChannelNamed(_)
            | Object::Channel(_)
            | Object::PackageNamed { .. }
            | Object::Package { .. } => self.manages(account, action),
        }
    }

    /// What administrators may do, and others by their roles.
    fn manages(&self, account: AccountId, action: Action) -> Verdict {
        if self.is_admin(account) {
            return Verdict::Allowed(By::Admin);
        }
        match self.role_opens(account, action).zip(action.role()) {
            Some((least, (category, _))) => Verdict::Allowed(By::Role(category, least)),
            None => refused(Why::Missing),
        }
    }

    fn object_channel(&self, object: &Object<'_>) -> Option<&Channel> {
        match object {
            Object::ChannelNamed(name) | Object::PackageNamed { channel: name, .. } => {
                self.channel_named(name)
            }
            Object::Channel(id) | Object::Package { channel: id, .. } => self.channel(*id),
            Object::Server | Object::Account(_) => None,
        }
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

/// Whoever may do it does it where the channel lets its contents change.
fn open_or_frozen(by: By, needed: Level, action: Action, channel: Option<&Channel>) -> Verdict {
    match channel.is_some_and(|channel| channel.frozen) && action.changes_index() {
        true => Verdict::Refused(Refusal { why: Why::Frozen, needed: Some(needed), may_read: true }),
        false => Verdict::Allowed(by),
    }
}

fn refused(why: Why) -> Verdict {
    Verdict::Refused(Refusal { why, needed: None, may_read: false })
}
