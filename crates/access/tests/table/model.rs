//! Random histories: the table agrees with a model that answers every question by reading the whole
//! log anew, and with a copy of itself restored from a snapshot.

use ::access::{Action, Object, Row, Table, Verdict};
use names::{PackageKind, RoleId};
use proptest::prelude::*;
use proto::event::v1::{Actor, Indexing, Level, Privacy, RoleCategory, TokenKind};

use crate::reading::{Facts, SCOPES};
use crate::world::*;

/// Accounts 0 to 3 are people, the first an administrator; account 4 is an organisation that account 1 owns.
const ORGANISATION: u128 = 4;

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Session(u128),
    Resource(u128, u128, Level),
    Scoped(u128, &'static str),
    Revoke(u128),
    Reissue(u128),
    Disable(u128),
    Create(u128, Privacy),
    Subchannel(u128, Privacy),
    Privacy(u128, Privacy),
    Delete(u128),
    Index(u128, Indexing),
    Grant(u128, Whom, Level),
    Group,
    Member(u128, u128, bool),
    DeleteGroup(u128),
    Package(u128, u128, bool),
    Hide(u128, bool),
    GrantPackage(u128, Whom, Level),
    DeletePackage(u128),
    Role(RoleCategory, Level),
    ChangeRole(u128, RoleCategory, Level),
    Assign(u128, Whom, bool),
    DeleteRole(u128),
    Administrator(u128, bool),
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<(Step, Option<u128>)>> {
    let level = prop_oneof![Just(Level::Read), Just(Level::Write), Just(Level::Manage)];
    let given = || prop_oneof![Just(Level::None), Just(Level::Read), Just(Level::Write), Just(Level::Manage)];
    let privacy = || prop_oneof![Just(Privacy::Public), Just(Privacy::Authenticated), Just(Privacy::Private)];
    let whom = || prop_oneof![(0..5u128).prop_map(Whom::Account), (1..4u128).prop_map(Whom::Group)].boxed();
    let channel = || 0..6u128;
    let package = || 1..8u128;
    let tokens = prop_oneof![
        2 => (0..4u128).prop_map(Step::Session),
        4 => (0..5u128, channel(), level).prop_map(|(owner, on, level)| Step::Resource(owner, on, level)),
        3 => (0..4u128, 0..SCOPES.len()).prop_map(|(owner, scope)| Step::Scoped(owner, SCOPES[scope].0)),
        2 => (0..20u128).prop_map(Step::Revoke),
        1 => (0..20u128).prop_map(Step::Reissue),
        1 => (0..4u128).prop_map(Step::Disable),
    ];
    let channels = prop_oneof![
        1 => (0..5u128, privacy()).prop_map(|(owner, privacy)| Step::Create(owner, privacy)),
        2 => (channel(), privacy()).prop_map(|(parent, privacy)| Step::Subchannel(parent, privacy)),
        2 => (channel(), privacy()).prop_map(|(on, privacy)| Step::Privacy(on, privacy)),
        1 => channel().prop_map(Step::Delete),
        1 => (channel(), prop_oneof![2 => Just(Indexing::Frozen), 1 => Just(Indexing::Default)])
            .prop_map(|(on, after)| Step::Index(on, after)),
        3 => (channel(), whom(), given()).prop_map(|(on, to, level)| Step::Grant(on, to, level)),
    ];
    let groups = prop_oneof![
        2 => Just(Step::Group),
        4 => (1..4u128, 0..4u128, proptest::bool::weighted(0.7)).prop_map(|(g, who, into)| Step::Member(g, who, into)),
        1 => (1..4u128).prop_map(Step::DeleteGroup),
    ];
    let packages = prop_oneof![
        3 => (channel(), 0..3u128, any::<bool>()).prop_map(|(on, name, private)| Step::Package(on, name, private)),
        2 => (package(), any::<bool>()).prop_map(|(package, private)| Step::Hide(package, private)),
        4 => (package(), whom(), given()).prop_map(|(package, to, level)| Step::GrantPackage(package, to, level)),
        1 => package().prop_map(Step::DeletePackage),
    ];
    let category = || {
        prop_oneof![
            1 => Just(RoleCategory::Channels),
            1 => Just(RoleCategory::Subchannels),
            3 => Just(RoleCategory::Artifacts),
            1 => Just(RoleCategory::ChannelGroups),
        ]
    };
    let roles = prop_oneof![
        2 => (category(), given()).prop_map(|(category, level)| Step::Role(category, level)),
        1 => (1..4u128, category(), given()).prop_map(|(n, category, level)| Step::ChangeRole(n, category, level)),
        4 => (1..4u128, whom(), proptest::bool::weighted(0.7)).prop_map(|(n, to, held)| Step::Assign(n, to, held)),
        1 => (1..4u128).prop_map(Step::DeleteRole),
        1 => (0..4u128, any::<bool>()).prop_map(|(who, held)| Step::Administrator(who, held)),
    ];
    let step = prop_oneof![3 => tokens, 3 => channels, 2 => groups, 3 => packages, 2 => roles];
    proptest::collection::vec((step, proptest::option::weighted(0.2, 0..20u128)), 1..60)
}

/// What has been made so far.
#[derive(Debug, Default)]
pub(crate) struct Made {
    pub(crate) tokens: u128,
    pub(crate) channels: u128,
    groups: u128,
    packages: u128,
    roles: u128,
}

/// Plays the steps; an acting token, where one is named, may be dead by then.
pub(crate) fn play(steps: Vec<(Step, Option<u128>)>) -> (World, Made) {
    let mut world = World::new((0..4).map(|n| person(n, n == 0)));
    world.push(organisation(ORGANISATION, &[account(1)]));
    let mut made = Made { channels: 3, ..Made::default() };
    for n in 0..3 {
        world.push(create(n, &format!("c{n}"), account(n + 2), Privacy::Private));
    }
    for (step, actor) in steps {
        let Some(event) = event_of(step, &world, &mut made) else { continue };
        let actor = actor.filter(|n| world.table.token(token(*n)).is_some()).map(|n| Actor {
            token_id: token(n).to_bytes(),
            account_id: world.table.token(token(n)).unwrap().owner.to_bytes(),
            system: String::new(),
        });
        world.push_by(event, actor.unwrap_or_default());
    }
    (world, made)
}

fn event_of(step: Step, world: &World, made: &mut Made) -> Option<proto::event::v1::event::Event> {
    let exists = |n: u128| n > 0 && world.table.token(token(n)).is_some();
    let next = |count: &mut u128| {
        *count += 1;
        *count
    };
    Some(match step {
        Step::Session(owner) => issue(next(&mut made.tokens), account(owner), TokenKind::Session, &[]),
        Step::Resource(owner, on, level) => {
            issue(next(&mut made.tokens), account(owner), TokenKind::Resource, &[(channel(on), level)])
        }
        Step::Scoped(owner, scope) => scoped(next(&mut made.tokens), account(owner), scope),
        Step::Revoke(n) if exists(n) => revoke(n),
        // The same string again: whatever its token becomes, the string opens no more than before.
        Step::Reissue(n) if exists(n) => reissue(n),
        Step::Revoke(_) | Step::Reissue(_) => return None,
        Step::Disable(n) => disable(n),
        Step::Create(owner, privacy) => {
            let n = next(&mut made.channels) - 1;
            create(n, &format!("c{n}"), account(owner), privacy)
        }
        Step::Subchannel(parent, privacy) => {
            // Its owner is its parent's, and there is one storey.
            let above = world.table.channel(channel(parent)).filter(|above| above.parent.is_none())?;
            let n = next(&mut made.channels) - 1;
            below(n, parent, &format!("s{n}"), above.owner, privacy)
        }
        Step::Privacy(n, privacy) => set_privacy(n, privacy),
        Step::Delete(n) => delete(n),
        Step::Index(n, after) => index(n, after),
        Step::Grant(on, to, level) => grant_to(On::Channel(on), to, level),
        Step::Group => group(next(&mut made.groups), ORGANISATION),
        Step::Member(n, who, into) => member(n, who, into),
        Step::DeleteGroup(n) => delete_group(n),
        Step::Package(on, name, private) => {
            let name = format!("p{name}");
            if world.table.package(channel(on), PackageKind::Conda, &name).is_some() {
                return None;
            }
            new_package(next(&mut made.packages), on, &name, private)
        }
        Step::Hide(n, private) => hide(n, private),
        Step::GrantPackage(n, to, level) => grant_to(On::Package(n), to, level),
        Step::DeletePackage(n) => delete_package(n),
        Step::Role(category, level) => role(next(&mut made.roles), &[(category, level)]),
        Step::ChangeRole(n, category, level) => change_role(n, &[(category, level)]),
        Step::Assign(n, to, held) => assign(role_id(n), to, held),
        Step::DeleteRole(n) => delete_role(n),
        Step::Administrator(who, held) => assign(RoleId::ADMIN, Whom::Account(who), held),
    })
}

fn allowed(table: &Table, n: u128, action: Action, object: &Object<'_>) -> bool {
    matches!(table.decide(&table.caller(NOON, &secret(n)), action, object), Verdict::Allowed(_))
}

const ON_CHANNELS: [Action; 3] = [Action::CondaDownload, Action::CondaUpload, Action::ChannelEdit];
const ON_PACKAGES: [Action; 3] = [Action::CondaDownload, Action::CondaUpload, Action::CondaDelete];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_table_agrees_with_reading_the_whole_log(steps in steps()) {
        let (world, made) = play(steps);
        let entries: Vec<_> = world.table.entries().collect();
        let restored = Table::restore(services(), world.table.seq(), 0, entries.into_iter().map(Row::from)).unwrap();
        let facts = Facts::read(&world.log);
        // The last is a string that was never a token.
        for n in 1..=made.tokens + 1 {
            for on in 0..made.channels {
                let object = Object::Channel(channel(on));
                let expected = ON_CHANNELS.map(|action| facts.may(n, action, on, None));
                for table in [&world.table, &restored] {
                    let found = ON_CHANNELS.map(|action| allowed(table, n, action, &object));
                    prop_assert_eq!(found, expected, "token {} on channel {}", n, on);
                }
                for name in ["p0", "p1", "p2", "never"] {
                    let object = Object::Package { channel: channel(on), kind: PackageKind::Conda, name };
                    let expected = ON_PACKAGES.map(|action| facts.may(n, action, on, Some(name)));
                    for table in [&world.table, &restored] {
                        let found = ON_PACKAGES.map(|action| allowed(table, n, action, &object));
                        prop_assert_eq!(found, expected, "token {} on {} in channel {}", n, name, on);
                    }
                }
            }
        }
        for seq in 1..=world.table.seq() {
            prop_assert_eq!(world.table.is_void(seq), restored.is_void(seq));
        }
    }

    /// Whatever is asked, the answer about a package that the caller may not see is the answer about one that never was.
    #[test]
    fn a_hidden_package_is_refused_like_one_that_never_was(steps in steps()) {
        let (world, made) = play(steps);
        let table = &world.table;
        for n in 1..=made.tokens + 1 {
            let caller = table.caller(NOON, &secret(n));
            for on in 0..made.channels {
                let Some(room) = table.channel(channel(on)) else { continue };
                for (kind, name, package) in table.packages(room.id) {
                    let about = || Action::ALL.into_iter().filter(|action| action.level().is_some());
                    if about().any(|action| table.sees(&caller, action, room, package)) {
                        continue;
                    }
                    for action in about() {
                        let [hidden, absent] = [name, "never"].map(|name| {
                            let object = Object::PackageNamed { channel: &room.name, kind, name };
                            let words = table.explain(&caller, action, &object).words;
                            (table.decide(&caller, action, &object), words.replace(&format!(" {name} "), " it "))
                        });
                        prop_assert_eq!(hidden, absent, "token {} on {} in {}", n, name, &room.name);
                    }
                }
            }
        }
    }

    /// Packages that agree in privacy and grants are seen by the same callers, and all that are special are listed.
    #[test]
    fn what_is_not_special_is_seen_by_whoever_reads_the_channel(steps in steps()) {
        let (world, made) = play(steps);
        let table = &world.table;
        for on in 0..made.channels {
            let Some(room) = table.channel(channel(on)) else { continue };
            let special: Vec<_> = table.special_packages(room.id).map(|(_, _, package)| package.id).collect();
            for (_, _, package) in table.packages(room.id) {
                prop_assert_eq!(special.contains(&package.id), package.private || !package.grants.is_empty());
                if special.contains(&package.id) {
                    continue;
                }
                for n in 1..=made.tokens + 1 {
                    let caller = table.caller(NOON, &secret(n));
                    // A role may give something on the channel that it does not give on what is in it.
                    let owner = table.token(token(n)).map(|token| token.owner);
                    if owner.is_some_and(|owner| table.roles_of(owner).next().is_some()) {
                        continue;
                    }
                    let level = table.level(&caller, room.id);
                    prop_assert_eq!(table.package_level(&caller, room.id, PackageKind::Conda, table.package_place(package.id).unwrap().2), level);
                }
            }
        }
    }
}
