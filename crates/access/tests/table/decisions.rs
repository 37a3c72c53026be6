//! Single decisions, each a short history and a question.

use access::{
    Action, By, Caller, Credential, Object, Outcome, Row, SecretHash, Service, Table, Verdict, Why,
};
use names::{Level as L, PackageKind};
use proto::event::v1::{Actor, Envelope, Indexing, Level, Privacy, TokenKind};
use time::Duration;

use crate::world::*;

pub(crate) const LAB: Object<'static> = Object::ChannelNamed("lab");

/// Account 1 owns lab (private) and has session 1; token 2 reads lab; account 3 is a stranger with session 3.
fn lab() -> World {
    World::new([
        person(1, false),
        person(3, false),
        create(1, "lab", account(1), Privacy::Private),
        issue(1, account(1), TokenKind::Session, &[]),
        issue(2, account(1), TokenKind::Resource, &[(channel(1), Level::Read)]),
        issue(3, account(3), TokenKind::Session, &[]),
    ])
}

pub(crate) fn why(verdict: Verdict) -> Why {
    match verdict {
        Verdict::Refused(refusal) => refusal.why,
        Verdict::Allowed(by) => panic!("allowed by {by:?}"),
    }
}

#[test]
fn a_read_token_reads_its_channel_and_does_nothing_else_there() {
    let world = lab();
    let token = world.caller(2);
    assert_eq!(world.table.decide(&token, Action::CondaDownload, &LAB), Verdict::Allowed(By::Grant(L::Read)));
    for action in [Action::CondaUpload, Action::CondaDelete, Action::ChannelEdit, Action::ChannelDelete] {
        let Verdict::Refused(refusal) = world.table.decide(&token, action, &LAB) else {
            panic!("{action:?}")
        };
        assert_eq!((refusal.why, refusal.may_read), (Why::Missing, true), "{action:?}");
    }
}

#[test]
fn a_string_that_a_reissue_ended_is_told_so_and_not_that_its_token_expired() {
    let mut world = lab();
    world.push(reissue(2));
    let older = world.table.caller(NOON, &secret(2));
    let words = world.table.explain(&older, Action::CondaDownload, &LAB).words;
    assert!(words.contains("was reissued") && words.contains(&token(2).to_string()), "{words}");
}

#[test]
fn a_closed_channel_and_one_that_is_not_there_are_refused_alike() {
    let world = lab();
    let ghost = Object::ChannelNamed("ghost");
    for caller in [Caller::Nobody, Caller::Unknown, world.caller(3)] {
        for action in Action::ALL.into_iter().filter(|action| action.level().is_some()) {
            assert_eq!(
                world.table.decide(&caller, action, &LAB),
                world.table.decide(&caller, action, &ghost)
            );
            let [here, there] =
                [&LAB, &ghost].map(|object| world.table.explain(&caller, action, object).words);
            assert_eq!(here.replace("channel lab", "channel ghost"), there);
        }
    }
}

#[test]
fn a_revoked_token_is_refused_and_so_is_an_expired_one() {
    let mut world = lab();
    let later = world.table.caller(NOON + Duration::hours(2), &secret(2));
    assert!(matches!(why(world.table.decide(&later, Action::CondaDownload, &LAB)), Why::Expired { .. }));
    world.push(revoke(2));
    assert!(matches!(
        why(world.table.decide(&world.caller(2), Action::CondaDownload, &LAB)),
        Why::Revoked { .. }
    ));
    assert!(matches!(
        why(world.table.decide(&world.caller(2), Action::WhoAmI, &Object::Server)),
        Why::Revoked { .. }
    ));
}

#[test]
fn a_token_never_exceeds_its_owner() {
    let mut world = lab();
    world.push(issue(4, account(3), TokenKind::Resource, &[(channel(1), Level::Manage)]));
    assert_eq!(why(world.table.decide(&world.caller(4), Action::CondaDownload, &LAB)), Why::Missing);
    world.push(set_privacy(1, Privacy::Authenticated));
    assert_eq!(
        world.table.decide(&world.caller(4), Action::CondaDownload, &LAB),
        Verdict::Allowed(By::Grant(L::Read))
    );
    assert_eq!(why(world.table.decide(&world.caller(4), Action::CondaUpload, &LAB)), Why::Missing);
}

#[test]
fn a_resource_token_is_a_stranger_outside_its_channels() {
    let mut world = lab();
    world.push(create(2, "house", account(1), Privacy::Authenticated));
    world.push(create(3, "street", account(1), Privacy::Public));
    let read =
        |name| world.table.decide(&world.caller(2), Action::CondaDownload, &Object::ChannelNamed(name));
    assert_eq!(why(read("house")), Why::Missing);
    assert_eq!(read("street"), Verdict::Allowed(By::Public));
    let mint = world.table.decide(&world.caller(2), Action::TokenEdit, &Object::Account(account(1)));
    assert_eq!(why(mint), Why::SessionNeeded);
}

#[test]
fn a_channel_made_again_under_its_name_is_not_opened_by_an_old_token() {
    let mut world = lab();
    world.push(delete(1));
    assert_eq!(why(world.table.decide(&world.caller(2), Action::CondaDownload, &LAB)), Why::Missing);
    world.push(create(9, "lab", account(1), Privacy::Private));
    assert_eq!(why(world.table.decide(&world.caller(2), Action::CondaDownload, &LAB)), Why::Missing);
    assert!(matches!(
        world.table.decide(&world.caller(1), Action::ChannelEdit, &LAB),
        Verdict::Allowed(By::Owner)
    ));
}

#[test]
fn owners_of_an_organisation_own_its_channels() {
    let mut world = lab();
    world.push(organisation(7, &[account(3)]));
    world.push(create(7, "org", account(7), Privacy::Private));
    let decide = |n| world.table.decide(&world.caller(n), Action::ChannelEdit, &Object::ChannelNamed("org"));
    assert_eq!(decide(3), Verdict::Allowed(By::OrganisationOwner));
    assert_eq!(why(decide(1)), Why::Missing);
    let mint = world.table.decide(&world.caller(3), Action::TokenEdit, &Object::Account(account(7)));
    assert_eq!(mint, Verdict::Allowed(By::OrganisationOwner));
}

#[test]
fn a_dead_token_reads_a_public_channel_unless_it_could_read_something_hidden_there() {
    let mut world = lab();
    world.push(set_privacy(1, Privacy::Public));
    world.push(revoke(2));
    assert_eq!(
        world.table.decide(&world.caller(2), Action::CondaDownload, &LAB),
        Verdict::Allowed(By::Public)
    );
    world.push(new_package(1, 1, "hidden", true));
    assert!(matches!(
        why(world.table.decide(&world.caller(2), Action::CondaDownload, &LAB)),
        Why::Revoked { .. }
    ));
    let unknown = world.table.decide(&Caller::Unknown, Action::CondaDownload, &LAB);
    assert_eq!(unknown, Verdict::Allowed(By::Public));
}

#[test]
fn what_a_dead_token_did_afterwards_is_void() {
    let mut world = lab();
    let by =
        |n| Actor { account_id: account(1).to_bytes(), token_id: token(n).to_bytes(), system: String::new() };
    let mint = |n| issue(n, account(1), TokenKind::Session, &[]);
    assert_eq!(world.push_by(mint(5), by(1)), Outcome::Applied);
    world.push(revoke(1));
    assert_eq!(world.push_by(mint(6), by(1)), Outcome::Void);
    assert_eq!(world.caller(6), Caller::Unknown);
    assert!(world.table.is_void(world.table.seq()));
    world.push(disable(1));
    assert_eq!(world.push_by(mint(8), by(5)), Outcome::Void);
}

#[test]
fn a_group_opens_what_it_was_given_as_long_as_one_is_in_it() {
    let mut world = lab();
    world.push(organisation(7, &[account(1)]));
    world.push(group(1, 7));
    world.push(grant_to(On::Channel(1), Whom::Group(1), Level::Write));
    assert_eq!(why(world.table.decide(&world.caller(3), Action::CondaUpload, &LAB)), Why::Missing);
    world.push(member(1, 3, true));
    assert_eq!(
        world.table.decide(&world.caller(3), Action::CondaUpload, &LAB),
        Verdict::Allowed(By::Given(L::Write))
    );
    world.push(member(1, 3, false));
    assert_eq!(why(world.table.decide(&world.caller(3), Action::CondaUpload, &LAB)), Why::Missing);
}

#[test]
fn who_was_given_one_package_of_a_private_channel_finds_the_way_to_it_and_nothing_else() {
    let mut world = lab();
    world.push(new_package(1, 1, "one", false));
    world.push(new_package(2, 1, "two", false));
    world.push(grant_to(On::Package(1), Whom::Account(3), Level::Write));
    let caller = world.caller(3);
    let decide = |action, name| {
        let object = Object::PackageNamed { channel: "lab", kind: PackageKind::Conda, name };
        world.table.decide(&caller, action, &object)
    };
    assert_eq!(
        world.table.decide(&caller, Action::CondaDownload, &LAB),
        Verdict::Allowed(By::Part(L::Write))
    );
    assert_eq!(world.table.level(&caller, channel(1)), None);
    assert_eq!(decide(Action::CondaDownload, "one"), Verdict::Allowed(By::Part(L::Write)));
    assert_eq!(decide(Action::CondaPublish, "one"), Verdict::Allowed(By::Part(L::Write)));
    for name in ["two", "three"] {
        assert_eq!(why(decide(Action::CondaDownload, name)), Why::Absent);
        assert_eq!(why(decide(Action::CondaPublish, name)), Why::Missing);
    }
    assert_eq!(why(world.table.decide(&caller, Action::ChannelEdit, &LAB)), Why::Missing);
}

#[test]
fn a_private_package_of_a_public_channel_is_absent_for_those_it_is_not_for() {
    let mut world = lab();
    world.push(set_privacy(1, Privacy::Public));
    world.push(new_package(1, 1, "one", true));
    let object = Object::PackageNamed { channel: "lab", kind: PackageKind::Conda, name: "one" };
    for caller in [Caller::Nobody, Caller::Unknown, world.caller(3)] {
        assert_eq!(why(world.table.decide(&caller, Action::CondaDownload, &object)), Why::Absent);
        let words = world.table.explain(&caller, Action::CondaDownload, &object).words;
        assert_eq!(words, "there is no conda package one in channel lab");
    }
    let owner = world.table.decide(&world.caller(1), Action::CondaDownload, &object);
    assert_eq!(owner, Verdict::Allowed(By::Owner));
    let reader = world.table.decide(&world.caller(2), Action::CondaDownload, &object);
    assert_eq!(reader, Verdict::Allowed(By::Grant(L::Read)));
}

#[test]
fn manage_on_a_channel_reaches_its_subchannels_and_no_other_level_does() {
    let mut world = lab();
    world.push(below(5, 1, "sub", account(1), Privacy::Private));
    let sub = Object::ChannelNamed("lab/sub");
    let read = |world: &World| world.table.decide(&world.caller(3), Action::CondaDownload, &sub);
    world.push(grant_to(On::Channel(1), Whom::Account(3), Level::Write));
    assert_eq!(why(read(&world)), Why::Missing);
    world.push(grant_to(On::Channel(1), Whom::Account(3), Level::Manage));
    assert_eq!(read(&world), Verdict::Allowed(By::Given(L::Manage)));
    world.push(issue(8, account(1), TokenKind::Resource, &[(channel(5), Level::Read)]));
    let named = world.table.decide(&world.caller(8), Action::CondaDownload, &sub);
    assert_eq!(named, Verdict::Allowed(By::Grant(L::Read)));
    assert_eq!(why(world.table.decide(&world.caller(2), Action::CondaDownload, &sub)), Why::Missing);
    assert_eq!(world.table.subchannel("lab", "sub").map(|sub| sub.id), Some(channel(5)));
    world.push(delete(1));
    assert_eq!(world.table.subchannel("lab", "sub"), None);
    assert_eq!(world.table.channel(channel(5)), None);
}

#[test]
fn a_subchannel_has_scopes_of_its_own() {
    let mut world = lab();
    world.push(below(5, 1, "sub", account(1), Privacy::Private));
    world.push(scoped(6, account(1), "channel:edit"));
    world.push(scoped(7, account(1), "subchannel:edit"));
    for (n, object, may) in [
        (6, LAB, true),
        (6, Object::ChannelNamed("lab/sub"), false),
        (7, LAB, false),
        (7, Object::ChannelNamed("lab/sub"), true),
    ] {
        let explained = world.table.explain(&world.caller(n), Action::ChannelEdit, &object);
        assert_eq!(explained.allowed, may, "{}", explained.words);
    }
}

#[test]
fn owners_change_the_groups_of_their_organisation_and_members_see_them() {
    let mut world = lab();
    world.push(organisation(7, &[account(1)]));
    world.push(group(1, 7));
    let decide =
        |world: &World, n, action| world.table.decide(&world.caller(n), action, &Object::Account(account(7)));
    assert_eq!(decide(&world, 1, Action::GroupEdit), Verdict::Allowed(By::OrganisationOwner));
    assert_eq!(why(decide(&world, 3, Action::GroupView)), Why::Missing);
    world.push(member(1, 3, true));
    assert_eq!(decide(&world, 3, Action::GroupView), Verdict::Allowed(By::Member));
    assert_eq!(why(decide(&world, 3, Action::GroupEdit)), Why::Missing);
}

#[test]
fn what_was_put_back_counts_at_its_own_place_and_nowhere_else() {
    let mut whole = lab();
    let first = whole.table.seq() + 1;
    whole.push(issue(5, account(1), TokenKind::Session, &[]));
    whole.push(revoke(5));
    let put_back = Envelope { original_seq: Some(first), ..whole.log[whole.log.len() - 2].clone() };
    let (revoked, last) = (whole.log.last().unwrap().clone(), first + 2);

    // A table that has applied it needs it no more.
    assert_eq!(whole.table.apply(last, &put_back).unwrap(), Outcome::Late);
    assert!(matches!(whole.caller(5), Caller::Revoked { .. }));
    assert_eq!(whole.table.seq(), last);
    // One that is made anew applies it first.
    let mut anew = lab();
    assert_eq!(anew.table.apply(first, &put_back).unwrap(), Outcome::Applied);
    assert_eq!(anew.table.apply(first + 1, &revoked).unwrap(), Outcome::Applied);
    assert_eq!(anew.table.apply(last, &put_back).unwrap(), Outcome::Late);
    assert_eq!(anew.caller(5), whole.caller(5));
}

#[test]
fn only_services_follow_feeds_and_only_administrators_read_the_log() {
    let mut world = lab();
    world.push(person(4, true));
    world.push(issue(4, account(4), TokenKind::Session, &[]));
    let service = world.table.caller(NOON, &Credential::Secret(SecretHash::of(SERVICE)));
    assert_eq!(service, Caller::Service(Service::Gateway));
    let decide = |caller: &Caller, action| world.table.decide(caller, action, &Object::Server);
    assert_eq!(decide(&service, Action::FeedFollow), Verdict::Allowed(By::Service(Service::Gateway)));
    assert_eq!(why(decide(&world.caller(4), Action::FeedFollow)), Why::Missing);
    assert_eq!(decide(&world.caller(4), Action::EventsSubscribe), Verdict::Allowed(By::Admin));
    assert_eq!(why(decide(&world.caller(1), Action::EventsSubscribe)), Why::Missing);
    assert_eq!(why(world.table.decide(&service, Action::CondaDownload, &LAB)), Why::Missing);
}

#[test]
fn an_event_of_an_unknown_kind_stops_the_fold() {
    let mut table = Table::new(services());
    let envelope = proto::event::v1::Envelope {
        events: vec![proto::event::v1::Event { event: None }],
        ..Default::default()
    };
    assert!(table.apply(1, &envelope).is_err());
    assert_eq!(table.seq(), 0);
}

#[test]
fn a_reissued_string_is_dead_even_by_a_clock_that_is_slow() {
    let mut world = lab();
    world.push(reissue(2));
    let slow = NOON - Duration::hours(5);
    let caller = world.table.caller(slow, &secret(2));
    assert!(matches!(caller, Caller::Expired { since, .. } if since == NOON), "{caller:?}");
    let restored =
        Table::restore(services(), world.table.seq(), 0, world.table.entries().map(Row::from)).unwrap();
    assert_eq!(restored.caller(slow, &secret(2)), caller);
}

#[test]
fn a_frozen_channel_refuses_changes_of_its_index_and_says_who_unfreezes_it() {
    let mut world = World::new([person(1, false), create(1, "lab", account(1), Privacy::Public)]);
    world.push(issue(1, account(1), TokenKind::Session, &[]));
    world.push(new_package(1, 1, "numpy", false));
    world.push(index(1, Indexing::Frozen));
    let caller = world.caller(1);
    let package = Object::PackageNamed { channel: "lab", kind: names::PackageKind::Conda, name: "numpy" };
    for object in [LAB, package] {
        for action in Action::ALL.into_iter().filter(|action| action.level().is_some()) {
            let expected = if action.changes_index() { Some(Why::Frozen) } else { None };
            let found = match world.table.decide(&caller, action, &object) {
                Verdict::Allowed(_) => None,
                Verdict::Refused(refusal) => Some(refusal.why),
            };
            assert_eq!(found, expected, "{action:?} on {object:?}");
        }
    }
    let words = world.table.explain(&caller, Action::CondaUpload, &package).words;
    assert!(
        words.contains("channel lab is frozen") && words.contains("latchkey channel unfreeze"),
        "{words}"
    );
    // Who may not upload anyway is told what they lack.
    world.push(person(2, false));
    world.push(issue(2, account(2), TokenKind::Session, &[]));
    assert_eq!(why(world.table.decide(&world.caller(2), Action::CondaUpload, &LAB)), Why::Missing);
    world.push(index(1, Indexing::Default));
    assert!(matches!(world.table.decide(&caller, Action::CondaUpload, &LAB), Verdict::Allowed(_)));
}
