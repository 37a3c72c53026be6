//! The model: reads the whole log into plain facts, and answers from them by the rules as the design states them.

use std::collections::{BTreeMap, BTreeSet};

use ::access::Action;
use proto::event::v1::{
    AccessChanged, AccountKind, Envelope, Indexing, Privacy, RoleCategory, RoleHolder, RoleLevel,
    TokenIssued, TokenKind, access, access_changed, event::Event, role_holder,
};

use crate::world::{channel, token};

/// What the scopes of these tests open: reading, uploading, editing a channel, editing a subchannel, removing. Written
/// down apart from the code.
pub(crate) const SCOPES: [(&str, [bool; 5]); 8] = [
    ("conda:download", [true, false, false, false, false]),
    ("pypi:upload", [false, false, false, false, false]),
    ("artifact:create", [false, true, false, false, false]),
    ("channel:edit", [false, false, true, false, false]),
    ("subchannel:edit", [false, false, false, true, false]),
    ("api:write", [false, false, true, true, true]),
    ("conda", [true, true, false, false, true]),
    ("all", [true, true, true, true, true]),
];

type Id = Vec<u8>;
/// An account's or a group's id, which never agree.
type Given = BTreeMap<Id, i32>;

#[derive(Clone)]
struct Room {
    owner: Id,
    parent: Option<Id>,
    privacy: Privacy,
    frozen: bool,
    given: Given,
}

#[derive(Clone)]
struct Box {
    room: Id,
    name: String,
    private: bool,
    given: Given,
}

/// A role's levels and the accounts and groups that hold it.
#[derive(Default)]
struct Hat {
    levels: BTreeMap<RoleCategory, i32>,
    holders: BTreeSet<Id>,
}

#[derive(Default)]
pub(crate) struct Facts {
    hats: BTreeMap<Id, Hat>,
    admins: BTreeSet<Id>,
    owners: BTreeMap<Id, Vec<Id>>,
    disabled: BTreeSet<Id>,
    tokens: BTreeMap<Id, TokenIssued>,
    dead: BTreeSet<Id>,
    revoked: BTreeSet<Id>,
    rooms: BTreeMap<Id, Room>,
    groups: BTreeMap<Id, BTreeSet<Id>>,
    boxes: BTreeMap<Id, Box>,
}

impl Facts {
    pub(crate) fn read(log: &[Envelope]) -> Self {
        let mut facts = Self::default();
        for envelope in log {
            let actor = envelope.actor.clone().unwrap_or_default();
            let unknown = !actor.token_id.is_empty() && !facts.tokens.contains_key(&actor.token_id);
            if unknown
                || facts.revoked.contains(&actor.token_id)
                || facts.disabled.contains(&actor.account_id)
            {
                continue;
            }
            for event in &envelope.events {
                facts.add(event.event.as_ref().unwrap());
            }
        }
        facts
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest is about roles or decides nothing here")]
    fn add(&mut self, event: &Event) {
        match event {
            Event::AccountCreated(it) => {
                if it.admin {
                    self.admins.insert(it.account_id.clone());
                }
                if it.kind() != AccountKind::Person {
                    self.owners.insert(it.account_id.clone(), it.owner_ids.clone());
                }
            }
            Event::AccountDisabled(it) => self.disabled.extend([it.account_id.clone()]),
            Event::TokenIssued(it) => drop(self.tokens.insert(it.token_id.clone(), it.clone())),
            Event::TokenRevoked(it) => {
                self.revoked.insert(it.token_id.clone());
                self.dead.insert(it.token_id.clone());
            }
            Event::TokenReissued(it) => self.dead.extend([it.token_id.clone()]),
            Event::ChannelCreated(it) => {
                let parent = Some(it.parent_id.clone()).filter(|id| !id.is_empty());
                if parent.as_ref().is_none_or(|parent| self.rooms.contains_key(parent)) {
                    let room = Room {
                        owner: it.owner_id.clone(),
                        parent,
                        privacy: it.privacy(),
                        frozen: false,
                        given: Given::new(),
                    };
                    self.rooms.insert(it.channel_id.clone(), room);
                }
            }
            Event::ChannelDeleted(it) => {
                self.rooms
                    .retain(|id, room| *id != it.channel_id && room.parent.as_ref() != Some(&it.channel_id));
                self.boxes.retain(|_, it| self.rooms.contains_key(&it.room));
            }
            Event::PackageCreated(it) if self.rooms.contains_key(&it.channel_id) => {
                let made = Box {
                    room: it.channel_id.clone(),
                    name: it.name.clone(),
                    private: it.private,
                    given: Given::new(),
                };
                self.boxes.insert(it.package_id.clone(), made);
            }
            Event::PackageDeleted(it) => drop(self.boxes.remove(&it.package_id)),
            Event::GroupCreated(it) => drop(self.groups.entry(it.group_id.clone()).or_default()),
            Event::GroupMembersChanged(it) => {
                if let Some(members) = self.groups.get_mut(&it.group_id) {
                    members.extend(it.added_ids.iter().cloned());
                    members.retain(|member| !it.removed_ids.contains(member));
                }
            }
            Event::GroupDeleted(it) => {
                self.groups.remove(&it.group_id);
                self.rooms.values_mut().for_each(|room| room.given.retain(|id, _| *id != it.group_id));
                self.boxes.values_mut().for_each(|made| made.given.retain(|id, _| *id != it.group_id));
            }
            Event::IndexingChanged(it) => {
                if let Some(room) = self.rooms.get_mut(&it.channel_id) {
                    room.frozen = it.after() == Indexing::Frozen;
                }
            }
            Event::AccessChanged(it) => self.change(it),
            other => self.add_role(other),
        }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest decides nothing here")]
    fn add_role(&mut self, event: &Event) {
        match event {
            Event::RoleCreated(it) => {
                self.hats.entry(it.role_id.clone()).or_default().levels = levels(&it.levels);
            }
            Event::RoleChanged(it) => {
                if let Some(hat) = self.hats.get_mut(&it.role_id) {
                    hat.levels = levels(&it.after);
                }
            }
            Event::RoleAssigned(it) => self.hold(&it.role_id, it.holder.as_ref(), true),
            Event::RoleUnassigned(it) => self.hold(&it.role_id, it.holder.as_ref(), false),
            Event::RoleDeleted(it) => drop(self.hats.remove(&it.role_id)),
            _ => {}
        }
    }

    fn hold(&mut self, role: &Id, holder: Option<&RoleHolder>, held: bool) {
        let (role_holder::Holder::AccountId(holder) | role_holder::Holder::GroupId(holder)) =
            holder.unwrap().holder.as_ref().unwrap();
        let administrators = *role == names::RoleId::ADMIN.to_bytes();
        let hat = self.hats.get_mut(role).map(|hat| &mut hat.holders);
        let holders = if administrators { Some(&mut self.admins) } else { hat };
        match (holders, held) {
            (Some(holders), true) => drop(holders.insert(holder.clone())),
            (Some(holders), false) => drop(holders.remove(holder)),
            (None, _) => {}
        }
    }

    /// What an account's roles give in a category.
    fn worn(&self, account: &Id, category: RoleCategory) -> i32 {
        let wears = |hat: &&Hat| {
            let groups = self.groups.iter().filter(|(_, members)| members.contains(account));
            hat.holders.contains(account) || groups.into_iter().any(|(id, _)| hat.holders.contains(id))
        };
        let hats = self.hats.values().filter(wears);
        hats.filter_map(|hat| hat.levels.get(&category).copied()).max().unwrap_or(0)
    }

    fn change(&mut self, event: &AccessChanged) {
        let given = match event.object.as_ref().unwrap() {
            access_changed::Object::ChannelId(id) => {
                self.rooms.get_mut(id).map(|room| (&mut room.given, Some(&mut room.privacy), None))
            }
            access_changed::Object::PackageId(id) => {
                self.boxes.get_mut(id).map(|made| (&mut made.given, None, Some(&mut made.private)))
            }
        };
        let Some((given, privacy, private)) = given else { return };
        let to = match event.subject.clone().unwrap() {
            access_changed::Subject::Everyone(_) => None,
            access_changed::Subject::AccountId(id) => Some(id),
            access_changed::Subject::GroupId(id) if self.groups.contains_key(&id) => Some(id),
            access_changed::Subject::GroupId(_) => return,
        };
        match (to, event.after.unwrap().access.unwrap()) {
            (Some(to), access::Access::Level(0)) => given.retain(|id, _| *id != to),
            (Some(to), access::Access::Level(level)) => given.extend([(to, level)]),
            (None, access::Access::Privacy(after)) => {
                let after = Privacy::try_from(after).unwrap();
                privacy.into_iter().for_each(|privacy| *privacy = after);
                private.into_iter().for_each(|private| *private = after == Privacy::Private);
            }
            (_, _) => unreachable!("everyone has privacies, the others levels"),
        }
    }

    /// The most that an account holds in what was given.
    fn held(&self, given: &Given, account: &Id) -> i32 {
        let of = |id: &Id| given.get(id).copied().unwrap_or(0);
        let groups =
            self.groups.iter().filter(|(_, members)| members.contains(account)).map(|(id, _)| of(id));
        groups.fold(of(account), i32::max)
    }

    /// What an account owns or was given in a channel.
    fn strong(&self, account: &Id, room: &Room) -> i32 {
        let owner =
            room.owner == *account || self.owners.get(&room.owner).is_some_and(|it| it.contains(account));
        let admin = self.admins.contains(account) && !self.disabled.contains(account);
        let above = room.parent.as_ref().map_or(0, |parent| self.held(&self.rooms[parent].given, account));
        if owner || admin || above == 3 { 3 } else { self.held(&room.given, account) }
    }

    /// May the token with this number do it: in the channel, or with its package of this name.
    pub(crate) fn may(&self, n: u128, action: Action, on: u128, name: Option<&str>) -> bool {
        let Some(room) = self.rooms.get(&channel(on).to_bytes()) else { return false };
        if room.frozen && matches!(action, Action::CondaUpload | Action::CondaDelete) {
            return false;
        }
        let inside = || self.boxes.values().filter(|made| made.room == channel(on).to_bytes());
        let made = name.and_then(|name| inside().find(|made| made.name == name));
        let public = i32::from(room.privacy == Privacy::Public);
        let needed = match action.level().unwrap() {
            names::Level::Read => 1,
            names::Level::Write => 2,
            names::Level::Manage => 3,
        };
        let anyone = match (name, made) {
            (None, _) => public,
            (Some(_), Some(made)) if !made.private => public,
            (Some(_), _) => 0,
        };
        let issued = self.tokens.get(&token(n).to_bytes());
        let dead =
            issued.is_none_or(|it| self.dead.contains(&it.token_id) || self.disabled.contains(&it.owner_id));
        let Some(issued) = issued else { return anyone >= needed };
        let owner = &issued.owner_id;
        let grant = |id: &Id| {
            let grants =
                issued.grants.iter().filter(|grant| grant.channel_id == *id).map(|grant| grant.level);
            grants.max().unwrap_or(0)
        };
        let above = room.parent.as_ref().map_or(0, grant);
        let granted = grant(&channel(on).to_bytes()).max(if above == 3 { 3 } else { 0 });
        let strong = self.strong(owner, room);
        if dead {
            let worn = issued.kind() != TokenKind::Resource && self.worn(owner, RoleCategory::Artifacts) > 0;
            let held = strong > 0 || worn || inside().any(|it| it.private && self.held(&it.given, owner) > 0);
            let named = issued.kind() != TokenKind::Resource || granted > 0;
            let loses = held && named && inside().any(|it| it.private);
            return anyone >= needed && !loses;
        }
        let open = i32::from(room.privacy != Privacy::Private);
        let whole = strong.max(open);
        let part = inside().map(|it| self.held(&it.given, owner)).max().unwrap_or(0);
        let own = made
            .map_or(0, |it| strong.max(self.held(&it.given, owner)).max(if it.private { 0 } else { open }));
        let category = match (action == Action::ChannelEdit, room.parent.is_some()) {
            (true, true) => RoleCategory::Subchannels,
            (true, false) => RoleCategory::Channels,
            (false, _) => RoleCategory::Artifacts,
        };
        let worn = if self.worn(owner, category) >= needed { needed } else { 0 };
        let effective = |own: i32, anyone: i32| match issued.kind() {
            TokenKind::Session => own.max(worn),
            TokenKind::Scoped => {
                let (_, opens) = SCOPES.iter().find(|(name, _)| *name == issued.scopes[0]).unwrap();
                if opens[column(action, room.parent.is_some())] { own.max(worn) } else { anyone }
            }
            TokenKind::Resource | TokenKind::Unspecified => anyone.max(own.min(granted)),
        };
        match name {
            None => {
                let by_package = action != Action::ChannelEdit && effective(part, 0) >= needed;
                effective(whole, public) >= needed || by_package
            }
            // Whoever may upload to the whole channel makes what is not there.
            Some(_) if made.is_none() => action == Action::CondaUpload && effective(whole, public) >= needed,
            Some(_) => effective(own, anyone) >= needed,
        }
    }
}

fn levels(stored: &[RoleLevel]) -> BTreeMap<RoleCategory, i32> {
    stored.iter().map(|it| (it.category(), it.level)).collect()
}

fn column(action: Action, below: bool) -> usize {
    match (action, below) {
        (Action::CondaDownload, _) => 0,
        (Action::CondaUpload, _) => 1,
        (Action::ChannelEdit, false) => 2,
        (Action::ChannelEdit, true) => 3,
        (Action::CondaDelete, _) => 4,
        (other, _) => panic!("{other:?}"),
    }
}
