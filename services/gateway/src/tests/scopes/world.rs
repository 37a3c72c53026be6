//! Somebody with each level on a channel and with a token of each scope; and an administrator.

use ::access::SecretHash;
use ::access::token_string::{Kind, RANDOM_BYTES, mint};
use feed::client::AccessView;
use names::{Level, Scope};
use proto::event::v1::{
    Access, AccessChanged, AccountCreated, AccountKind, ChannelCreated, Envelope, Event, Level as Stored,
    Privacy, TokenGrant, TokenIssued, TokenKind, TokenSecret, access, access_changed, event,
};
use uuid::Uuid;

use crate::tests::facts::{LIFE, NOW};
use crate::tests::table::ABOVE;

const SOMEBODY_ELSE: u8 = 1;
const MEMBER: u8 = 2;
const ADMIN: u8 = 3;

/// The channels, and what the member holds there.
pub(super) const ROOMS: [Room; 9] = [
    Room { name: "public", held: Some(Level::Read), public: true, below: false },
    Room { name: "nothing", held: None, public: false, below: false },
    Room { name: "reads", held: Some(Level::Read), public: false, below: false },
    Room { name: "writes", held: Some(Level::Write), public: false, below: false },
    Room { name: "manages", held: Some(Level::Manage), public: false, below: false },
    Room { name: "missing", held: None, public: false, below: false },
    // Subchannels: manage reaches them from above, no other level does.
    Room { name: "manages%2Fbelow", held: Some(Level::Manage), public: false, below: true },
    Room { name: "writes%2Fbelow", held: None, public: false, below: true },
    Room { name: "nothing%2Fopen", held: Some(Level::Read), public: true, below: true },
];

#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) name: &'static str,
    pub(super) held: Option<Level>,
    pub(super) public: bool,
    /// A subchannel, as its name stands in an address.
    pub(super) below: bool,
}

impl Room {
    /// Its name in words.
    pub(super) fn said(&self) -> String {
        self.name.replace("%2F", "/")
    }
}

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// Whatever its owner may do.
    Session,
    /// This level on every channel that is there.
    Resource(Level),
    /// This scope.
    Scope(Scope),
}

/// One caller.
#[derive(Debug, Clone, Copy)]
pub(super) struct Holder {
    pub(super) holds: Holds,
    pub(super) admin: bool,
    number: u8,
}

impl Holder {
    pub(super) fn string(&self) -> String {
        let mut bytes = [0; RANDOM_BYTES];
        bytes[..2].copy_from_slice(&[self.number / 62, self.number % 62]);
        mint(Kind::Resource, bytes)
    }

    /// What its refusals call it.
    pub(super) fn title(&self) -> String {
        format!("the token \"n{}\" ({})", self.number, Uuid::from_bytes([self.number; 16]))
    }
}

/// The member by each level and each scope, then the administrator by what differs.
pub(super) fn holders() -> Vec<Holder> {
    let levels = [Level::Read, Level::Write, Level::Manage].map(Holds::Resource);
    let member = [Holds::Session].into_iter().chain(levels).chain(Scope::ALL.map(Holds::Scope));
    let admin =
        [Holds::Session, Holds::Resource(Level::Manage)].into_iter().chain(Scope::ALL.map(Holds::Scope));
    let all = member.map(|holds| (holds, false)).chain(admin.map(|holds| (holds, true)));
    (100..).zip(all).map(|(number, (holds, admin))| Holder { holds, admin, number }).collect()
}

/// A channel, and what is added to a channel's number for its like below that one.
const ABOVE_ID: u8 = 20;
const BELOW: u8 = 20;

/// Fills a view, and says that it may be used.
pub(super) fn fill(view: &AccessView) {
    let mut seq = view.seq();
    let mut apply = |event: event::Event| {
        seq += 1;
        let envelope = Envelope { events: vec![Event { event: Some(event) }], ..Envelope::default() };
        view.apply(seq, &envelope).unwrap();
    };
    for account in [SOMEBODY_ELSE, MEMBER, ADMIN] {
        apply(event::Event::AccountCreated(AccountCreated {
            account_id: id(account),
            kind: AccountKind::Person.into(),
            admin: account == ADMIN,
            ..AccountCreated::default()
        }));
    }
    apply(event::Event::ChannelCreated(ChannelCreated {
        channel_id: id(ABOVE_ID),
        name: ABOVE.into(),
        owner_id: id(SOMEBODY_ELSE),
        privacy: Privacy::Private.into(),
        ..Default::default()
    }));
    let rooms = (10..).zip(ROOMS).filter(|(_, room)| room.name != "missing");
    for ((number, room), below) in rooms
        .flat_map(|room| [(room, false), (room, true)])
        .filter(|((_, room), below)| !(room.below && *below))
    {
        let number = if below { BELOW + number } else { number };
        apply(event::Event::ChannelCreated(ChannelCreated {
            channel_id: id(number),
            name: room.said().rsplit('/').next().unwrap_or_default().into(),
            owner_id: id(SOMEBODY_ELSE),
            privacy: if room.public { Privacy::Public } else { Privacy::Private }.into(),
            parent_id: if below { id(ABOVE_ID) } else { above(room).map(id).unwrap_or_default() },
            ..Default::default()
        }));
        if let Some(held) = room.held.filter(|_| !room.public && !room.below) {
            let level = |level: Stored| Some(Access { access: Some(access::Access::Level(level.into())) });
            apply(event::Event::AccessChanged(AccessChanged {
                object: Some(access_changed::Object::ChannelId(id(number))),
                subject: Some(access_changed::Subject::AccountId(id(MEMBER))),
                before: level(Stored::None),
                after: level(stored(held)),
            }));
        }
    }
    for holder in holders() {
        apply(event::Event::TokenIssued(token(&holder)));
    }
    view.mark_ready();
}

fn token(holder: &Holder) -> TokenIssued {
    let ends_at_us = i64::try_from((NOW + LIFE).unix_timestamp_nanos() / 1000).unwrap();
    let (kind, scopes, level) = match holder.holds {
        Holds::Session => (TokenKind::Session, vec![], None),
        Holds::Resource(level) => (TokenKind::Resource, vec![], Some(level)),
        Holds::Scope(scope) => (TokenKind::Scoped, vec![scope.to_string()], None),
    };
    let grant = |(number, level)| TokenGrant { channel_id: id(number), level: stored(level).into() };
    TokenIssued {
        token_id: id(holder.number),
        owner_id: id(if holder.admin { ADMIN } else { MEMBER }),
        kind: kind.into(),
        name: format!("n{}", holder.number),
        expires_at_us: ends_at_us,
        secrets: vec![TokenSecret { sha256: SecretHash::of(&holder.string()).0.to_vec(), ends_at_us }],
        grants: level
            .into_iter()
            .flat_map(|level| (10..15).chain(BELOW + 10..BELOW + 15).map(move |number| (number, level)))
            .map(grant)
            .collect(),
        scopes,
        ..TokenIssued::default()
    }
}

/// The number of the channel above.
fn above(room: Room) -> Option<u8> {
    let said = room.said();
    let (above, _) = said.split_once('/')?;
    (10..).zip(ROOMS).find(|(_, room)| room.name == above).map(|(number, _)| number)
}

fn stored(level: Level) -> Stored {
    match level {
        Level::Read => Stored::Read,
        Level::Write => Stored::Write,
        Level::Manage => Stored::Manage,
    }
}

fn id(number: u8) -> Vec<u8> {
    vec![number; 16]
}
