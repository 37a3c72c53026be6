//! The answer in words: the same in every 401 and 403 body, in the CLI and in the RPC.

use names::Scope;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Action, By, Caller, Object, Refusal, Table, Verdict, Why};

/// A decision for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The decision.
    pub allowed: bool,
    /// One sentence or two. They name what the asker named, and never say whether it exists.
    pub words: String,
}

impl Table {
    /// Decides, and says why.
    pub fn explain(&self, caller: &Caller, action: Action, object: &Object<'_>) -> Explanation {
        match self.decide(caller, action, object) {
            Verdict::Allowed(by) => {
                let words = format!(
                    "{} may {} {}: {}",
                    self.caller_words(caller),
                    action.on(self.is_below(object)).as_str(),
                    self.object_words(object),
                    allowed_words(by)
                );
                Explanation { allowed: true, words }
            }
            Verdict::Refused(refusal) => {
                Explanation { allowed: false, words: self.refusal_words(caller, &refusal, action, object) }
            }
        }
    }

    /// Why not, and what would help.
    pub fn refusal_words(
        &self,
        caller: &Caller,
        refusal: &Refusal,
        action: Action,
        object: &Object<'_>,
    ) -> String {
        let who = self.caller_words(caller);
        let what = self.object_words(object);
        let action = action.on(self.is_below(object));
        match refusal.why {
            Why::NotSignedIn => format!("{what} needs a token with {}", needs(refusal, action)),
            Why::Unknown => {
                "this token is unknown to this server: check that it was copied whole, or make a new one"
                    .into()
            }
            Why::Expired { since } if self.is_older_string(caller, since) => {
                format!(
                    "{who} was reissued, and this older string of it ended at {}: use the newest one",
                    shown(since)
                )
            }
            Why::Expired { since } => {
                format!("{who} expired at {}: make a new one with `latchkey token create`", shown(since))
            }
            Why::Revoked { since } => {
                format!("{who} was revoked at {}: ask its owner for a new one", shown(since))
            }
            Why::Disabled => format!("{who} belongs to a disabled account: ask an administrator"),
            Why::ScopeMissing => {
                let held = caller.token().and_then(|token| self.token(token)).map(|token| &*token.scopes);
                format!(
                    "{who} has no scope for {} on {what}: it needs one of {}, and has {}",
                    action.as_str(),
                    listed(action.scopes()),
                    listed(held.unwrap_or_default())
                )
            }
            Why::SessionNeeded => {
                format!(
                    "{who} is limited to channels and cannot {}: sign in with `latchkey login`",
                    action.as_str()
                )
            }
            Why::Frozen => format!(
                "{} is frozen: it takes no upload, no removal and no change of labels until somebody who may manage it \
                 unfreezes it with `latchkey channel unfreeze`",
                self.channel_words(object)
            ),
            Why::Absent => format!("there is no {what}"),
            Why::Missing if refusal.may_read && object.package().is_none() => {
                format!("{who} may read {what} but lacks {}", needs(refusal, action))
            }
            Why::Missing => format!("{who} lacks {} on {what}", needs(refusal, action)),
        }
    }

    /// Whether a string ended before its token does: only a reissue does that.
    fn is_older_string(&self, caller: &Caller, since: OffsetDateTime) -> bool {
        caller.token().and_then(|token| self.token(token)).is_some_and(|token| since < token.expires_at())
    }

    fn caller_words(&self, caller: &Caller) -> String {
        match caller {
            Caller::Nobody => "nobody".into(),
            Caller::Unknown => "an unknown token".into(),
            Caller::Service(service) => format!("the service {}", service.as_str()),
            Caller::Expired { token, .. }
            | Caller::Revoked { token, .. }
            | Caller::Disabled { token, .. }
            | Caller::Token { token, .. } => {
                let name = self.token(*token).map_or("?", |token| &token.name);
                format!("the token {name:?} ({token})")
            }
        }
    }

    /// The channel that an object is or stands in.
    fn channel_words(&self, object: &Object<'_>) -> String {
        match *object {
            Object::PackageNamed { channel, .. } => self.object_words(&Object::ChannelNamed(channel)),
            Object::Package { channel, .. } => self.object_words(&Object::Channel(channel)),
            Object::Server | Object::Account(_) | Object::ChannelNamed(_) | Object::Channel(_) => {
                self.object_words(object)
            }
        }
    }

    fn object_words(&self, object: &Object<'_>) -> String {
        let channel_words =
            |id| self.channel(id).map_or("this channel".into(), |it| format!("channel {}", it.name));
        match *object {
            Object::Server => "this server".into(),
            Object::Account(_) => "this account".into(),
            Object::ChannelNamed(name) => format!("channel {name}"),
            Object::Channel(id) => channel_words(id),
            Object::PackageNamed { channel, kind, name } => {
                format!("{kind} package {name} in channel {channel}")
            }
            Object::Package { channel, kind, name } => {
                format!("{kind} package {name} in {}", channel_words(channel))
            }
        }
    }
}

fn listed(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

fn needs(refusal: &Refusal, action: Action) -> String {
    match refusal.needed {
        Some(level) => format!("the level {level} ({})", action.as_str()),
        None => format!("the right {}", action.as_str()),
    }
}

fn allowed_words(by: By) -> String {
    match by {
        By::Public => "anyone may".into(),
        By::Authenticated => "anyone signed in may".into(),
        By::Owner => "its owner owns the channel".into(),
        By::OrganisationOwner => "its owner owns the organisation".into(),
        By::Grant(level) => format!("it was given {level} on the channel"),
        By::Given(level) => format!("its owner was given {level} on the channel"),
        By::Part(level) => format!("its owner was given {level} on a package"),
        By::Role(category, level) => format!("its owner holds a role with {category}={level}"),
        By::Member => "its owner is in a group of the organisation".into(),
        By::Admin => "its owner administers the server".into(),
        By::Own => "it concerns the caller's own account".into(),
        By::Service(_) => "it is one of the server's own services".into(),
    }
}

fn shown(time: OffsetDateTime) -> String {
    let seconds = time.replace_nanosecond(0).expect("zero nanoseconds are valid");
    seconds.format(&Rfc3339).expect("a UTC time has an RFC 3339 form")
}
