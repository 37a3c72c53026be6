//! An access table with every kind of caller in it.

use access::SecretHash;
use access::token_string::{Kind, RANDOM_BYTES, mint};
use feed::client::AccessView;
use proto::event::v1::{
    AccountCreated, AccountDisabled, AccountKind, ChannelCreated, Envelope, Event, Level, Privacy,
    TokenGrant, TokenIssued, TokenKind, TokenReissued, TokenRevoked, TokenSecret, event,
};
use time::OffsetDateTime;
use time::macros::datetime;

use super::table::Caller;

pub(super) const NOW: OffsetDateTime = datetime!(2026-11-21 23:00 UTC);

/// How long the tokens live.
pub(super) const LIFE: time::Duration = time::Duration::days(30);

pub(super) const OWNER: u8 = 1;
pub(super) const STRANGER: u8 = 2;
const ADMIN: u8 = 3;
const DISABLED: u8 = 4;

/// Channels by id: three that are read here, and one elsewhere.
const CHANNELS: [(u8, &str, Privacy); 4] = [
    (11, "public", Privacy::Public),
    (12, "members", Privacy::Authenticated),
    (13, "private", Privacy::Private),
    (14, "elsewhere", Privacy::Private),
];

/// A channel, and what is added to a channel's number for its like below that one.
const ABOVE_ID: u8 = 20;
const BELOW: u8 = 10;

/// The string a caller shows; nobody shows none.
pub(super) fn string(caller: Caller) -> Option<String> {
    let kind = match caller {
        Caller::Nobody => return None,
        Caller::Stranger | Caller::Owner | Caller::Admin => Kind::Session,
        Caller::Garbage
        | Caller::Unknown
        | Caller::Expired
        | Caller::Revoked
        | Caller::Disabled
        | Caller::Reader
        | Caller::Writer
        | Caller::Manager
        | Caller::Outsider => Kind::Resource,
    };
    let mut string = mint(kind, [40 + caller as u8; RANDOM_BYTES]);
    if caller == Caller::Garbage {
        string.pop();
        string.push('!');
    }
    Some(string)
}

/// Fills a view, and says that it may be used.
pub(super) fn fill(view: &AccessView) {
    let mut seq = 0;
    let mut apply = |event: event::Event| {
        seq += 1;
        let envelope = Envelope { events: vec![Event { event: Some(event) }], ..Envelope::default() };
        view.apply(seq, &envelope).unwrap();
    };
    for account in [OWNER, STRANGER, ADMIN, DISABLED] {
        apply(event::Event::AccountCreated(AccountCreated {
            account_id: id(account),
            kind: AccountKind::Person.into(),
            admin: account == ADMIN,
            ..AccountCreated::default()
        }));
    }
    for (channel, name, privacy) in CHANNELS {
        apply(event::Event::ChannelCreated(ChannelCreated {
            channel_id: id(channel),
            name: name.into(),
            owner_id: id(OWNER),
            privacy: privacy.into(),
            description: String::new(),
            ..Default::default()
        }));
    }
    // The same below a channel, which whoever reads one of them need not read.
    apply(event::Event::ChannelCreated(ChannelCreated {
        channel_id: id(ABOVE_ID),
        name: super::table::ABOVE.into(),
        owner_id: id(OWNER),
        privacy: Privacy::Private.into(),
        ..Default::default()
    }));
    for (channel, name, privacy) in CHANNELS {
        apply(event::Event::ChannelCreated(ChannelCreated {
            channel_id: id(BELOW + channel),
            name: name.into(),
            owner_id: id(OWNER),
            privacy: privacy.into(),
            parent_id: id(ABOVE_ID),
            ..Default::default()
        }));
    }
    let here = [11, 12, 13, BELOW + 11, BELOW + 12, BELOW + 13];
    for (caller, owner, level, channels) in [
        (Caller::Expired, OWNER, Level::Manage, &here[..]),
        (Caller::Revoked, OWNER, Level::Manage, &here),
        (Caller::Disabled, DISABLED, Level::Manage, &here),
        (Caller::Reader, OWNER, Level::Read, &here),
        (Caller::Writer, OWNER, Level::Write, &here),
        (Caller::Manager, OWNER, Level::Manage, &here),
        (Caller::Outsider, OWNER, Level::Manage, &[14]),
        (Caller::Stranger, STRANGER, Level::None, &[]),
        (Caller::Owner, OWNER, Level::None, &[]),
        (Caller::Admin, ADMIN, Level::None, &[]),
    ] {
        apply(event::Event::TokenIssued(token(caller, owner, level, channels)));
    }
    apply(event::Event::TokenRevoked(TokenRevoked {
        token_id: token_id(Caller::Revoked),
        ..TokenRevoked::default()
    }));
    apply(event::Event::AccountDisabled(AccountDisabled { account_id: id(DISABLED), reason: String::new() }));
    view.mark_ready();
}

/// Adds an event to a view that is in use.
pub(super) fn add(view: &AccessView, event: event::Event) {
    let envelope = Envelope { events: vec![Event { event: Some(event) }], ..Envelope::default() };
    view.apply(view.seq() + 1, &envelope).unwrap();
}

/// Revokes a caller's token in a view that is in use.
pub(super) fn revoke(view: &AccessView, caller: Caller) {
    let revoked = TokenRevoked { token_id: token_id(caller), ..TokenRevoked::default() };
    let events = vec![Event { event: Some(event::Event::TokenRevoked(revoked)) }];
    view.apply(view.seq() + 1, &Envelope { events, ..Envelope::default() }).unwrap();
}

/// Gives a caller's token a new string, and lets the older ones end then.
pub(super) fn reissue(view: &AccessView, caller: Caller, string: &str, older_end_at: OffsetDateTime) {
    let micros = |time: OffsetDateTime| i64::try_from(time.unix_timestamp_nanos() / 1000).unwrap();
    let ends_at_us = micros(NOW + LIFE);
    let reissued = TokenReissued {
        token_id: token_id(caller),
        secret: Some(TokenSecret { sha256: SecretHash::of(string).0.to_vec(), ends_at_us }),
        older_end_at_us: micros(older_end_at),
        expires_at_us: ends_at_us,
        from_address: None,
    };
    let events = vec![Event { event: Some(event::Event::TokenReissued(reissued)) }];
    view.apply(view.seq() + 1, &Envelope { events, ..Envelope::default() }).unwrap();
}

fn token(caller: Caller, owner: u8, level: Level, channels: &[u8]) -> TokenIssued {
    let day = time::Duration::DAY;
    let end = if caller == Caller::Expired { NOW - day } else { NOW + LIFE };
    let ends_at_us = i64::try_from(end.unix_timestamp_nanos() / 1000).unwrap();
    let string = string(caller).unwrap();
    let session = matches!(caller, Caller::Stranger | Caller::Owner | Caller::Admin);
    TokenIssued {
        token_id: token_id(caller),
        owner_id: id(owner),
        kind: if session { TokenKind::Session } else { TokenKind::Resource }.into(),
        name: format!("{caller:?}"),
        expires_at_us: ends_at_us,
        secrets: vec![TokenSecret { sha256: SecretHash::of(&string).0.to_vec(), ends_at_us }],
        grants: channels
            .iter()
            .map(|channel| TokenGrant { channel_id: id(*channel), level: level.into() })
            .collect(),
        ..TokenIssued::default()
    }
}

fn token_id(caller: Caller) -> Vec<u8> {
    id(100 + caller as u8)
}

pub(super) fn id(number: u8) -> Vec<u8> {
    vec![number; 16]
}
