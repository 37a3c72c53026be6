//! Making, changing, deleting, showing and listing channels.

use access::{Action, Caller, Object, Subject, Table, Verdict};
use eventlog::{execute_pair, subject};
use names::{AccountId, ChannelId, ChannelName, Indexing, Level, Login, Privacy};
use proto::feed::v1::Receipt;
use runtime::{Code, Failure};

use super::{Asker, Catalog, caller::account, failures};
use crate::domain::channel::{self, Command};
use crate::domain::name;
use crate::page::{self, PageToken};

/// What a channel is to be.
#[derive(Debug, Clone)]
pub struct NewChannel {
    pub name: ChannelName,
    /// The name of the channel that it is to be a subchannel of.
    pub parent: Option<String>,
    pub privacy: Privacy,
    pub description: String,
    /// The caller's own account unless said otherwise; a subchannel's is its parent's.
    pub owner: Option<AccountId>,
}

/// A channel as a caller sees it.
#[derive(Debug, Clone)]
pub struct ChannelView {
    pub id: ChannelId,
    pub name: String,
    pub owner: AccountId,
    pub privacy: Privacy,
    pub description: String,
    pub indexing: Indexing,
    pub level: Option<Level>,
    /// Who was given which level; for those who may manage it.
    pub grants: Vec<Given>,
}

/// What of a channel is to change.
#[derive(Debug, Clone, Default)]
pub struct ChannelChanges {
    pub privacy: Option<Privacy>,
    pub description: Option<String>,
    pub indexing: Option<Indexing>,
}

/// What somebody was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    pub subject: Subject,
    /// A group's organisation and name.
    pub group: Option<(AccountId, String)>,
    pub level: Level,
}

impl Given {
    pub(super) fn of(table: &Table, (subject, level): (Subject, Level)) -> Self {
        let group = match subject {
            Subject::Account(_) => None,
            Subject::Group(id) => table.group(id),
        };
        Self { subject, group: group.map(|group| (group.organisation, group.name.to_string())), level }
    }
}

/// What came of a change.
#[derive(Debug, Clone)]
pub struct ChannelChange {
    pub channel: ChannelView,
    pub authz_seq: u64,
    pub receipt: Receipt,
}

/// Some of the channels that a caller may read, by name.
#[derive(Debug, Clone)]
pub struct ChannelPage {
    pub channels: Vec<ChannelView>,
    pub next: Option<PageToken>,
    pub total: u64,
}

impl Catalog {
    /// Reserves the name and makes the channel, both or neither.
    pub async fn create_channel(&self, asker: &Asker, new: NewChannel) -> Result<ChannelChange, Failure> {
        let home = self.home(asker, &new)?;
        let (action, object) = home.asks();
        let caller = self.check(&asker.credential, action, &object)?;
        let id = ChannelId(self.parts.ambient.ids.uuid());
        let (channel_subject, name_subject) = (subject::channel(id), home.name_subject(&new.name));
        let decide = |channel: Option<&channel::Channel>, name: Option<&name::Name>| {
            let (action, object) = home.asks();
            self.check(&asker.credential, action, &object)?;
            let command = Command::Create {
                id,
                name: new.name.clone(),
                parent: home.parent,
                owner: home.owner,
                privacy: new.privacy,
                description: new.description.clone(),
            };
            let reserved = name::take(name, id, home.owner)?;
            Ok::<_, Failure>((channel::decide(channel, command)?, reserved))
        };
        let stores = ((&self.channels, channel_subject.as_str()), (&self.names, name_subject.as_str()));
        let done = execute_pair(stores.0, stores.1, &self.meta(&caller), decide).await;
        let (made, reserved) = done.map_err(failures::of_decision)?;
        let authz_seq = made.seq.max(reserved.seq);
        let receipt = self.access_receipt(authz_seq, false, asker).await;
        let state = made.state.ok_or_else(|| Failure::from(channel::Refusal::Gone))?;
        let channel = ChannelView { level: Some(Level::Manage), ..self.seen(&state, &caller) };
        Ok(ChannelChange { channel, authz_seq, receipt })
    }

    /// Where a new channel is to stand.
    fn home(&self, asker: &Asker, new: &NewChannel) -> Result<Home, Failure> {
        let Some(above) = &new.parent else {
            return Ok(Home { parent: None, owner: self.owner_of_new(asker, new)? });
        };
        let (_, parent) = self.check_channel(&asker.credential, Action::SubchannelCreate, above)?;
        let owner = self.parts.access.read(|table| {
            let parent = table.channel(parent)?;
            Some((parent.owner, parent.parent.is_some()))
        });
        match owner {
            None => Err(Failure::new(Code::NotFound, format!("the channel {above} is gone"))),
            Some((_, true)) => Err(failures::invalid("a subchannel has no subchannels of its own")),
            Some((owner, false)) => Ok(Home { parent: Some(parent), owner }),
        }
    }

    /// Whose login it is. One that nobody has is refused as somebody else's is.
    pub async fn owner_named(&self, login: &Login) -> Result<AccountId, Failure> {
        Ok(self.account_named(login).await?.unwrap_or(AccountId(uuid::Uuid::nil())))
    }

    fn owner_of_new(&self, asker: &Asker, new: &NewChannel) -> Result<AccountId, Failure> {
        let now = self.parts.ambient.clock.now();
        self.parts.access.read(|table| {
            let caller = table.caller(now, &asker.credential);
            let Some(owner) = new.owner.or_else(|| account(&caller)) else {
                // Somebody without an account has none to make a channel for: the decision below says so in words.
                return Ok(AccountId(uuid::Uuid::nil()));
            };
            let may = table.decide(&caller, Action::ChannelCreate, &Object::Account(owner));
            match (may, table.account(owner)) {
                (Verdict::Allowed(_), None) => {
                    Err(failures::invalid("there is no account of this login or id"))
                }
                (Verdict::Allowed(_), Some(account)) if account.disabled => {
                    Err(Failure::new(Code::Conflict, "this account is disabled: enable it first"))
                }
                (Verdict::Allowed(_) | Verdict::Refused(_), _) => Ok(owner),
            }
        })
    }

    /// Changes what is given. Made less public or frozen, it returns when every gateway knows, or says who does not.
    pub async fn set_channel(
        &self,
        asker: &Asker,
        name: &str,
        changes: ChannelChanges,
    ) -> Result<ChannelChange, Failure> {
        let (caller, id) = self.check_channel(&asker.credential, Action::ChannelEdit, name)?;
        let (mut hiding, mut restricting) = (false, false);
        let decide = |channel: Option<&channel::Channel>| {
            self.check(&asker.credential, Action::ChannelEdit, &Object::Channel(id))?;
            let ChannelChanges { privacy, description, indexing } = changes.clone();
            let command = Command::Set { privacy, description, indexing };
            let events = channel::decide(channel, command)?;
            // A repeat finds its effect present, and its first try may never have got its receipt.
            let repeated = events.is_empty();
            hiding = privacy.is_some_and(|after| repeated && after != Privacy::Public)
                || events.iter().any(channel::Event::hides);
            restricting = indexing.is_some_and(|after| repeated && after == Indexing::Frozen)
                || events.iter().any(channel::Event::restricts);
            Ok::<_, Failure>(events)
        };
        let done = self.channels.execute(&subject::channel(id), &self.meta(&caller), decide).await;
        let done = done.map_err(failures::of_decision)?;
        let state = done.state.ok_or_else(|| Failure::from(channel::Refusal::Gone))?;
        let receipt = match hiding {
            true => self.sight_receipt(done.seq, true, asker).await,
            false => self.access_receipt(done.seq, restricting, asker).await,
        };
        let channel = self.seen(&state, &caller);
        Ok(ChannelChange { channel, authz_seq: done.seq, receipt })
    }

    /// Kills the id and releases the name; returns like a revocation.
    pub async fn delete_channel(&self, asker: &Asker, name: &str) -> Result<ChannelChange, Failure> {
        let (caller, id) = self.check_channel(&asker.credential, Action::ChannelDelete, name)?;
        let parent = self.parts.access.read(|table| table.channel(id).and_then(|channel| channel.parent));
        let (channel_subject, name_subject) = (subject::channel(id), reserved_as(parent, name));
        let decide = |channel: Option<&channel::Channel>, name: Option<&name::Name>| {
            // Found deleted, there is nothing left to ask about: somebody else was faster.
            if channel.is_none_or(|channel| !channel.deleted) {
                self.check(&asker.credential, Action::ChannelDelete, &Object::Channel(id))?;
            }
            Ok::<_, Failure>((channel::decide(channel, Command::Delete)?, name::release(name, id)))
        };
        let stores = ((&self.channels, channel_subject.as_str()), (&self.names, name_subject.as_str()));
        let done = execute_pair(stores.0, stores.1, &self.meta(&caller), decide).await;
        let (deleted, released) = done.map_err(failures::of_decision)?;
        let authz_seq = deleted.seq.max(released.seq);
        let state = deleted.state.ok_or_else(|| Failure::from(channel::Refusal::Gone))?;
        let receipt = self.sight_receipt(authz_seq, true, asker).await;
        Ok(ChannelChange { channel: self.seen(&state, &caller), authz_seq, receipt })
    }

    /// One channel.
    pub fn show_channel(&self, asker: &Asker, name: &str) -> Result<ChannelView, Failure> {
        let (caller, id) = self.check_channel(&asker.credential, Action::ChannelView, name)?;
        let view =
            self.parts.access.read(|table| table.channel(id).map(|channel| view(table, channel, &caller)));
        view.ok_or_else(|| Failure::new(Code::NotFound, format!("the channel {name} is gone")))
    }

    /// The channels that the caller may read, by name, from behind the page token on.
    pub fn list_channels(
        &self,
        asker: &Asker,
        size: usize,
        after: Option<&PageToken>,
    ) -> Result<ChannelPage, Failure> {
        let now = self.parts.ambient.clock.now();
        let caller = self.parts.access.read(|table| table.caller(now, &asker.credential));
        match caller {
            // Anyone may see what is public; a dead token is told that it is dead.
            Caller::Nobody | Caller::Token { .. } | Caller::Service(_) => {}
            Caller::Unknown | Caller::Expired { .. } | Caller::Revoked { .. } | Caller::Disabled { .. } => {
                self.check(&asker.credential, Action::WhoAmI, &Object::Server)?;
            }
        }
        let bound = page::bound_to("channels", account(&caller));
        let after = after.map(|token| token.open(bound)).transpose()?;
        let mut channels: Vec<ChannelView> = self.parts.access.read(|table| {
            let allowed = |id| {
                let verdict = table.decide(&caller, Action::ChannelView, &Object::Channel(id));
                matches!(verdict, Verdict::Allowed(_))
            };
            let mine = table.channels().filter(|channel| allowed(channel.id));
            mine.map(|channel| view(table, channel, &caller)).collect()
        });
        channels.sort_unstable_by(|one, two| one.name.cmp(&two.name));
        let total = channels.len() as u64;
        let start = after.map_or(0, |after| channels.partition_point(|channel| channel.name <= after));
        let rest = channels.len() - start;
        let channels: Vec<_> = channels.into_iter().skip(start).take(size).collect();
        let next = channels.last().filter(|_| rest > size).map(|last| PageToken::seal(bound, &last.name));
        Ok(ChannelPage { channels, next, total })
    }

    pub(super) fn seen(&self, channel: &channel::Channel, caller: &Caller) -> ChannelView {
        let seen = |table: &Table| {
            let above =
                channel.parent.map(|parent| table.channel(parent).map(|parent| parent.name.to_string()));
            let name = match above {
                None => channel.name.to_string(),
                Some(above) => format!("{}/{}", above.unwrap_or_default(), channel.name),
            };
            let level = table.level(caller, channel.id);
            let all = channel.grants.iter().filter(|_| level == Some(Level::Manage));
            (name, level, all.map(|(subject, level)| Given::of(table, (*subject, *level))).collect())
        };
        let (name, level, grants) = self.parts.access.read(seen);
        ChannelView {
            id: channel.id,
            name,
            owner: channel.owner,
            privacy: channel.privacy,
            description: channel.description.clone(),
            indexing: channel.indexing,
            level,
            grants,
        }
    }
}

fn view(table: &access::Table, channel: &access::Channel, caller: &Caller) -> ChannelView {
    let level = table.level(caller, channel.id);
    let all = channel.grants.iter().filter(|_| level == Some(Level::Manage));
    let grants = all.map(|given| Given::of(table, *given)).collect();
    ChannelView {
        id: channel.id,
        name: channel.name.to_string(),
        owner: channel.owner,
        privacy: channel.privacy,
        description: channel.description.to_string(),
        indexing: if channel.frozen { Indexing::Frozen } else { Indexing::Default },
        level,
        grants,
    }
}

/// Where a new channel stands, and whose it is.
#[derive(Debug, Clone, Copy)]
struct Home {
    parent: Option<ChannelId>,
    owner: AccountId,
}

impl Home {
    /// What is asked of whoever makes a channel here.
    fn asks(&self) -> (Action, Object<'static>) {
        match self.parent {
            Some(parent) => (Action::SubchannelCreate, Object::Channel(parent)),
            None => (Action::ChannelCreate, Object::Account(self.owner)),
        }
    }

    fn name_subject(&self, name: &ChannelName) -> String {
        reserved_as(self.parent, name.as_str())
    }
}

/// The subject of a channel's name; a subchannel's may come with its parent's before it.
fn reserved_as(parent: Option<ChannelId>, name: &str) -> String {
    match parent {
        Some(parent) => subject::subchannel_name(parent, name.rsplit('/').next().unwrap_or(name)),
        None => subject::name(name),
    }
}
