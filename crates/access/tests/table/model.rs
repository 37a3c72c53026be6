//! Random histories: the table agrees with a model that answers every question by reading the whole
//! log anew, and with a copy of itself restored from a snapshot.

use std::collections::HashMap;

use ::access::{Action, Object, Table, Verdict};
use proptest::prelude::*;
use proto::event::v1::{Actor, Envelope, Level, Privacy, TokenKind, access, access_changed, event::Event};

use crate::world::*;

#[derive(Debug, Clone)]
enum Step {
    Session(u128),
    Resource(u128, u128, Level),
    Revoke(u128),
    Disable(u128),
    Privacy(u128, Privacy),
    Delete(u128),
    Create(u128, Privacy),
    Scoped(u128, &'static str),
    Grant(u128, u128, Level),
    Reissue(u128),
}

/// What the scopes of these tests open, of reading, uploading and editing; written down apart from the code.
const SCOPES: [(&str, [bool; 3]); 7] = [
    ("conda:download", [true, false, false]),
    ("pypi:upload", [false, false, false]),
    ("artifact:create", [false, true, false]),
    ("channel:edit", [false, false, true]),
    ("api:write", [false, false, true]),
    ("conda", [true, true, false]),
    ("all", [true, true, true]),
];

fn steps() -> impl Strategy<Value = Vec<(Step, Option<u128>)>> {
    let level = prop_oneof![Just(Level::Read), Just(Level::Write), Just(Level::Manage)];
    let given = prop_oneof![Just(Level::None), Just(Level::Read), Just(Level::Write), Just(Level::Manage)];
    let privacy = || prop_oneof![Just(Privacy::Public), Just(Privacy::Authenticated), Just(Privacy::Private)];
    let step = prop_oneof![
        2 => (0..4u128).prop_map(Step::Session),
        4 => (0..4u128, 0..3u128, level).prop_map(|(owner, channel, level)| Step::Resource(owner, channel, level)),
        2 => (0..20u128).prop_map(Step::Revoke),
        1 => (0..4u128).prop_map(Step::Disable),
        1 => (0..3u128, privacy()).prop_map(|(channel, privacy)| Step::Privacy(channel, privacy)),
        1 => (0..3u128).prop_map(Step::Delete),
        1 => (0..3u128, privacy()).prop_map(|(owner, privacy)| Step::Create(owner, privacy)),
        3 => (0..4u128, 0..SCOPES.len()).prop_map(|(owner, scope)| Step::Scoped(owner, SCOPES[scope].0)),
        2 => (0..3u128, 0..4u128, given).prop_map(|(channel, to, level)| Step::Grant(channel, to, level)),
        1 => (0..20u128).prop_map(Step::Reissue),
    ];
    proptest::collection::vec((step, proptest::option::of(0..20u128)), 1..40)
}

/// Plays the steps; an acting token, where one is named, may be dead by then.
fn play(steps: Vec<(Step, Option<u128>)>) -> (World, u128) {
    let mut world = World::new((0..4).map(|n| person(n, n == 0)));
    for n in 0..3 {
        world.push(create(n, &format!("c{n}"), account(n), Privacy::Private));
    }
    let (mut tokens, mut channels) = (0, 3);
    for (step, actor) in steps {
        let event = match step {
            Step::Session(owner) => {
                tokens += 1;
                issue(tokens, account(owner), TokenKind::Session, &[])
            }
            Step::Resource(owner, on, level) => {
                tokens += 1;
                issue(tokens, account(owner), TokenKind::Resource, &[(channel(on), level)])
            }
            Step::Revoke(n) if n > 0 && world.table.token(token(n)).is_some() => revoke(n),
            Step::Revoke(_) => continue,
            Step::Scoped(owner, scope) => {
                tokens += 1;
                scoped(tokens, account(owner), scope)
            }
            Step::Grant(on, to, level) => grant(on, account(to), level),
            // The same string again: whatever its token becomes, the string opens no more than before.
            Step::Reissue(n) if n > 0 && world.table.token(token(n)).is_some() => reissue(n),
            Step::Reissue(_) => continue,
            Step::Disable(n) => disable(n),
            Step::Privacy(n, privacy) => set_privacy(n, privacy),
            Step::Delete(n) => delete(n),
            Step::Create(owner, privacy) => {
                channels += 1;
                create(channels, &format!("c{channels}"), account(owner), privacy)
            }
        };
        let actor = actor.filter(|n| world.table.token(token(*n)).is_some()).map(|n| Actor {
            token_id: token(n).to_bytes(),
            account_id: world.table.token(token(n)).unwrap().owner.to_bytes(),
            system: String::new(),
        });
        world.push_by(event, actor.unwrap_or_default());
    }
    (world, tokens)
}

/// A channel's privacy, its owner, and the levels given on it by account.
type Facts = (Privacy, Vec<u8>, HashMap<Vec<u8>, i32>);

/// The facts of a channel; nothing if it is not there.
#[expect(clippy::wildcard_enum_match_arm, reason = "the model looks for what matters to one channel")]
fn channel_facts(kept: &[Event], on: u128) -> Option<Facts> {
    let mut privacy = None;
    let mut owner = vec![];
    let mut given = HashMap::<Vec<u8>, i32>::new();
    for event in kept {
        match event {
            Event::ChannelCreated(c) if c.channel_id == channel(on).to_bytes() => {
                (privacy, owner) = (Some(c.privacy()), c.owner_id.clone());
                given.clear();
            }
            Event::ChannelDeleted(d) if d.channel_id == channel(on).to_bytes() => privacy = None,
            Event::AccessChanged(changed)
                if privacy.is_some()
                    && changed.object == Some(access_changed::Object::ChannelId(channel(on).to_bytes())) =>
            {
                match (&changed.subject, changed.after.unwrap().access.unwrap()) {
                    (Some(access_changed::Subject::AccountId(to)), access::Access::Level(after)) => {
                        given.insert(to.clone(), after);
                    }
                    (_, access::Access::Privacy(after)) => privacy = Some(Privacy::try_from(after).unwrap()),
                    (_, access::Access::Level(_)) => unreachable!("everyone has privacies"),
                }
            }
            _ => {}
        }
    }
    privacy.map(|privacy| (privacy, owner, given))
}

/// Reads the log from the beginning for one token's first string: may it read, upload to and edit a channel.
#[expect(clippy::wildcard_enum_match_arm, reason = "the model looks for what matters to one token")]
fn model_may(log: &[Envelope], n: u128, on: u128) -> [bool; 3] {
    let up_to = |level: i32| [level >= 1, level >= 2, level >= 3];
    let live = |log: &[Envelope], at: usize| {
        let mut kept: Vec<&Event> = Vec::new();
        for envelope in &log[..at] {
            let actor = envelope.actor.clone().unwrap_or_default();
            let revoked =
                kept.iter().any(|e| matches!(e, Event::TokenRevoked(r) if r.token_id == actor.token_id));
            let disabled = kept
                .iter()
                .any(|e| matches!(e, Event::AccountDisabled(d) if d.account_id == actor.account_id));
            let issued = actor.token_id.is_empty()
                || kept.iter().any(|e| matches!(e, Event::TokenIssued(i) if i.token_id == actor.token_id));
            if !revoked && !disabled && issued {
                kept.extend(envelope.events.iter().map(|e| e.event.as_ref().unwrap()));
            }
        }
        kept.into_iter().cloned().collect::<Vec<_>>()
    };
    let kept = live(log, log.len());
    let id = token(n).to_bytes();
    let Some((privacy, owner, given)) = channel_facts(&kept, on) else { return [false; 3] };
    let public = i32::from(privacy == Privacy::Public);
    let Some(issued) = kept.iter().find_map(|e| match e {
        Event::TokenIssued(issued) if issued.token_id == id => Some(issued),
        _ => None,
    }) else {
        return up_to(public);
    };
    let dead = kept.iter().any(|e| match e {
        Event::TokenRevoked(revoked) => revoked.token_id == id,
        Event::AccountDisabled(disabled) => disabled.account_id == issued.owner_id,
        Event::TokenReissued(reissued) => reissued.token_id == id,
        _ => false,
    });
    if dead {
        return up_to(public);
    }
    let given = given.get(&issued.owner_id).copied().unwrap_or_default();
    let holds = match privacy {
        _ if owner == issued.owner_id || issued.owner_id == account(0).to_bytes() => 3,
        _ if given > 0 => given,
        Privacy::Private | Privacy::Unspecified => 0,
        Privacy::Public | Privacy::Authenticated => 1,
    };
    if issued.kind() == TokenKind::Session {
        return up_to(holds);
    }
    if let Some(scope) = issued.scopes.first() {
        let (_, opens) = SCOPES.iter().find(|(name, _)| name == scope).unwrap();
        return [0, 1, 2].map(|what| opens[what] && up_to(holds)[what] || up_to(public)[what]);
    }
    let granted =
        issued.grants.iter().filter(|g| g.channel_id == channel(on).to_bytes()).map(|g| g.level).max();
    up_to(public.max(granted.unwrap_or(0).min(holds)))
}

/// What the table says to the same.
fn table_may(table: &Table, n: u128, on: u128) -> [bool; 3] {
    let caller = table.caller(NOON, &secret(n));
    [Action::CondaDownload, Action::CondaUpload, Action::ChannelEdit].map(|action| {
        matches!(table.decide(&caller, action, &Object::Channel(channel(on))), Verdict::Allowed(_))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_table_agrees_with_reading_the_whole_log(steps in steps()) {
        let (world, tokens) = play(steps);
        let entries: Vec<_> = world.table.entries().collect();
        let restored = Table::restore(services(), world.table.seq(), entries).unwrap();
        for n in 1..=tokens {
            for on in 0..6 {
                let expected = model_may(&world.log, n, on);
                prop_assert_eq!(table_may(&world.table, n, on), expected, "token {} on channel {}", n, on);
                prop_assert_eq!(table_may(&restored, n, on), expected, "after a snapshot");
            }
        }
        for seq in 1..=world.table.seq() {
            prop_assert_eq!(world.table.is_void(seq), restored.is_void(seq));
        }
    }
}
