//! What roles open, for whom, and when they no longer do.

use access::{Action, By, Object, Row, Table, Verdict, Why};
use names::{Level as L, PackageKind, RoleCategory as C, RoleId};
use proto::event::v1::{Level, Privacy, RoleCategory, TokenKind};

use crate::decisions::{LAB, why};
use crate::world::*;

/// What one category of a role opens in a private channel and in a private subchannel of somebody else, on a package
/// that is private in both, and on the server.
fn opened(category: RoleCategory, level: Level) -> Vec<(&'static str, bool)> {
    let mut world = World::new([person(1, false), create(1, "lab", account(2), Privacy::Private)]);
    world.push(person(2, false));
    world.push(below(2, 1, "dev", account(2), Privacy::Private));
    world.push(new_package(1, 1, "numpy", true));
    world.push(issue(1, account(1), TokenKind::Session, &[]));
    world.push(role(1, &[(category, level)]));
    world.push(assign(role_id(1), Whom::Account(1), true));
    let caller = world.caller(1);
    let may = |action, object: Object<'_>| {
        matches!(world.table.decide(&caller, action, &object), Verdict::Allowed(_))
    };
    let (lab, dev) = (Object::ChannelNamed("lab"), Object::ChannelNamed("lab/dev"));
    let numpy = Object::PackageNamed { channel: "lab", kind: PackageKind::Conda, name: "numpy" };
    vec![
        ("see", may(Action::ChannelView, lab)),
        ("edit", may(Action::ChannelEdit, lab)),
        ("see below", may(Action::ChannelView, dev)),
        ("make below", may(Action::SubchannelCreate, lab)),
        ("edit below", may(Action::ChannelEdit, dev)),
        ("download", may(Action::CondaDownload, numpy)),
        ("upload", may(Action::CondaUpload, numpy)),
        ("remove", may(Action::CondaDelete, numpy)),
        ("remove below", may(Action::PypiDelete, dev)),
        ("see levels", may(Action::GrantView, lab)),
        ("give levels", may(Action::PackageGrantEdit, numpy)),
        ("give levels below", may(Action::GrantEdit, dev)),
        ("history", may(Action::ChannelHistory, lab)),
        ("history below", may(Action::ChannelHistory, dev)),
        ("log", may(Action::EventsSubscribe, Object::Server)),
        ("make for others", may(Action::ChannelCreate, Object::Account(account(2)))),
        ("see roles", may(Action::RoleView, Object::Server)),
        ("edit roles", may(Action::RoleEdit, Object::Server)),
        ("disable accounts", may(Action::AccountDisable, Object::Server)),
        ("others' tokens", may(Action::TokenView, Object::Account(account(2)))),
    ]
}

#[test]
fn each_level_of_a_role_opens_its_own_actions_everywhere_and_no_other() {
    type Opens = (RoleCategory, [&'static [&'static str]; 3]);
    let table: [Opens; 7] = [
        (RoleCategory::Channels, [&["see"], &["make for others"], &["edit"]]),
        (RoleCategory::Subchannels, [&["see below"], &["make below"], &["edit below"]]),
        (RoleCategory::Artifacts, [&["download"], &["upload"], &["remove", "remove below"]]),
        (RoleCategory::ChannelGroups, [&["see levels"], &[], &["give levels"]]),
        (RoleCategory::SubchannelGroups, [&[], &[], &["give levels below"]]),
        (RoleCategory::AuditLog, [&["history", "history below", "log"], &[], &[]]),
        (RoleCategory::Roles, [&["see roles"], &[], &["edit roles"]]),
    ];
    for (category, steps) in table {
        for (count, level) in [(1, Level::Read), (2, Level::Write), (3, Level::Manage)] {
            let expected: Vec<&str> = steps[..count].concat();
            for (what, may) in opened(category, level) {
                assert_eq!(may, expected.contains(&what), "{category:?}={level:?}: {what}");
            }
        }
        assert!(opened(category, Level::None).iter().all(|(_, may)| !may), "{category:?}");
    }
}

#[test]
fn a_role_is_held_through_a_group_and_lost_with_it_and_no_resource_token_has_it() {
    let mut world = World::new([person(1, false), person(2, false), organisation(3, &[account(2)])]);
    world.push(create(1, "lab", account(2), Privacy::Private));
    world.push(group(1, 3));
    world.push(member(1, 1, true));
    world.push(role(1, &[(RoleCategory::Artifacts, Level::Read)]));
    world.push(assign(role_id(1), Whom::Group(1), true));
    world.push(issue(1, account(1), TokenKind::Session, &[]));
    world.push(issue(2, account(1), TokenKind::Resource, &[(channel(1), Level::Read)]));
    world.push(scoped(3, account(1), "conda:download"));
    world.push(scoped(4, account(1), "channel:view"));
    let downloads = |world: &World, n| world.table.decide(&world.caller(n), Action::CondaDownload, &LAB);
    let by = Verdict::Allowed(By::Role(C::Artifacts, L::Read));
    assert_eq!(downloads(&world, 1), by);
    assert_eq!(why(downloads(&world, 2)), Why::Missing, "what a role opens is named in no resource token");
    assert_eq!(downloads(&world, 3), by);
    assert_eq!(why(downloads(&world, 4)), Why::ScopeMissing);
    let words = world.table.explain(&world.caller(1), Action::CondaDownload, &LAB).words;
    assert!(words.contains("its owner holds a role with artifacts=read"), "{words}");
    assert_eq!(world.table.level(&world.caller(1), channel(1)), Some(L::Read));
    assert_eq!(world.table.account_level(account(1), channel(1)), None, "so no resource token is made of it");
    for (taken, given) in [
        (member(1, 1, false), member(1, 1, true)),
        (assign(role_id(1), Whom::Group(1), false), assign(role_id(1), Whom::Group(1), true)),
        (change_role(1, &[]), change_role(1, &[(RoleCategory::Artifacts, Level::Manage)])),
    ] {
        world.push(taken);
        assert_eq!(why(downloads(&world, 1)), Why::Missing);
        world.push(given);
        assert!(matches!(downloads(&world, 1), Verdict::Allowed(By::Role(..))));
    }
    world.push(delete_group(1));
    assert_eq!(why(downloads(&world, 1)), Why::Missing);
    world.push(assign(role_id(1), Whom::Account(1), true));
    assert!(matches!(downloads(&world, 1), Verdict::Allowed(By::Role(..))));
    world.push(delete_role(1));
    assert_eq!(why(downloads(&world, 1)), Why::Missing);
}

#[test]
fn who_reads_the_audit_log_manages_no_channel_by_that() {
    let mut world = World::new([person(1, false), person(2, false)]);
    world.push(create(1, "lab", account(2), Privacy::Private));
    world.push(issue(1, account(1), TokenKind::Session, &[]));
    world.push(role(1, &[(RoleCategory::AuditLog, Level::Read)]));
    world.push(assign(role_id(1), Whom::Account(1), true));
    assert_eq!(world.table.level(&world.caller(1), channel(1)), Some(L::Read));
}

#[test]
fn an_administrator_is_made_and_unmade() {
    let mut world = World::new([person(1, false), person(2, true)]);
    world.push(issue(1, account(1), TokenKind::Session, &[]));
    world.push(issue(2, account(2), TokenKind::Session, &[]));
    let creates =
        |world: &World, n| world.table.decide(&world.caller(n), Action::AccountCreate, &Object::Server);
    assert_eq!(why(creates(&world, 1)), Why::Missing);
    world.push(assign(RoleId::ADMIN, Whom::Account(1), true));
    assert_eq!(creates(&world, 1), Verdict::Allowed(By::Admin));
    world.push(assign(RoleId::ADMIN, Whom::Account(2), false));
    assert_eq!(why(creates(&world, 2)), Why::Missing);
    let rows = world.table.entries().map(Row::from);
    let restored = Table::restore(services(), world.table.seq(), 0, rows).unwrap();
    assert_eq!(
        restored.decide(&world.caller(1), Action::AccountCreate, &Object::Server),
        Verdict::Allowed(By::Admin)
    );
}
