//! What a view holds is what the authoriser says yes to, package by package; and what is kept of a view is good for as
//! long as the view says.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, Caller, Object, Row, Selection, Sight, Table, Verdict};
use names::{ChannelId, PackageId, PackageKind};
use proptest::prelude::*;

use crate::model::{play, steps};
use crate::world::{NOON, World, channel, secret, services};

const READS: [Action; 3] = [Action::CondaDownload, Action::PypiDownload, Action::ArtifactView];

fn allowed(table: &Table, caller: &Caller, action: Action, object: &Object<'_>) -> bool {
    matches!(table.decide(caller, action, object), Verdict::Allowed(_))
}

/// Nobody, every token, and a string that was never one.
fn callers(table: &Table, tokens: u128) -> Vec<Caller> {
    let shown = (1..=tokens + 1).map(|n| table.caller(NOON, &secret(n)));
    shown.chain([Caller::Nobody]).collect()
}

/// The packages that a sight shows of a channel.
fn content(
    table: &Table,
    id: ChannelId,
    caller: &Caller,
    action: Action,
) -> (Sight, u64, BTreeSet<PackageId>) {
    let view = table.view(caller, action, id);
    let shown = table.shown(&view);
    let packages = table.packages(id).filter(|(kind, name, package)| shown.has(*kind, name, package.id));
    let packages = packages.map(|(_, _, package)| package.id).collect();
    assert_eq!(shown.cut_at(), view.cut_at());
    (view.sight().clone(), view.cut_at(), packages)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn a_view_holds_the_packages_that_are_allowed_one_by_one(steps in steps()) {
        let (world, made) = play(steps);
        let table = &world.table;
        let entries: Vec<_> = table.entries().collect();
        let restored = Table::restore(services(), table.seq(), 0, entries.into_iter().map(Row::from)).unwrap();
        for caller in callers(table, made.tokens) {
            for on in 0..made.channels {
                for action in READS {
                    let id = channel(on);
                    if !allowed(table, &caller, action, &Object::Channel(id)) {
                        continue;
                    }
                    let (sight, _, held) = content(table, id, &caller, action);
                    let one_by_one: BTreeSet<_> = table
                        .packages(id)
                        .filter(|(kind, name, _)| {
                            let object = Object::Package { channel: id, kind: *kind, name };
                            allowed(table, &caller, action, &object)
                        })
                        .map(|(_, _, package)| package.id)
                        .collect();
                    prop_assert_eq!(&held, &one_by_one, "{:?} {:?} in channel {}: {:?}", caller, action, on, sight);
                    prop_assert_eq!(content(&restored, id, &caller, action).0, sight);
                    prop_assert_eq!(selected(table, id, &caller, action), held);
                }
            }
        }
    }

    /// Two moments at which the same sight shows different packages lie on two sides of its `cut_at`.
    #[test]
    fn what_was_cut_for_a_sight_is_good_until_it_says_otherwise(steps in steps()) {
        let (world, made) = play(steps);
        let mut again = World::new([]);
        let mut known: BTreeMap<(u128, String), (u64, BTreeSet<PackageId>)> = BTreeMap::new();
        for envelope in world.log {
            again.table.apply(again.table.seq() + 1, &envelope).unwrap();
            for caller in callers(&again.table, made.tokens) {
                for on in 0..made.channels {
                    let (sight, cut_at, held) = content(&again.table, channel(on), &caller, READS[0]);
                    let before = known.insert((on, format!("{sight:?}")), (cut_at, held.clone()));
                    if let Some((before_at, before)) = before {
                        // A channel that is gone says nothing more of itself.
                        let gone = again.table.channel(channel(on)).is_none();
                        prop_assert!(gone || before == held || before_at < cut_at, "{:?}", sight);
                        prop_assert!(gone || before_at <= cut_at);
                    }
                }
            }
        }
        // Asked after every event, it answers like one that was asked nothing before.
        for caller in callers(&world.table, made.tokens) {
            for on in (0..made.channels).map(channel) {
                let asked = content(&again.table, on, &caller, READS[0]);
                prop_assert_eq!(asked, content(&world.table, on, &caller, READS[0]));
            }
        }
    }
}

/// The same packages by way of the ids that a listing is asked for.
fn selected(table: &Table, id: ChannelId, caller: &Caller, action: Action) -> BTreeSet<PackageId> {
    let all = || table.packages(id).map(|(_, _, package)| package.id);
    match table.selection(&table.view(caller, action, id)) {
        Selection::Only(ids) => ids.into_iter().collect(),
        Selection::Except(ids, at) => {
            assert_eq!(at, table.seq());
            all().filter(|package| !ids.contains(package)).collect()
        }
    }
}

#[test]
fn a_package_made_again_is_another() {
    use crate::world::{account, create, delete_package, new_package, package_id, person};
    let owner = account(0);
    let mut world = World::new([
        person(0, false),
        create(1, "acme", owner, proto::event::v1::Privacy::Public),
        new_package(1, 1, "zlib", false),
    ]);
    let view = world.table.view(&Caller::Nobody, READS[0], channel(1));
    assert!(world.table.shown(&view).has(PackageKind::Conda, "zlib", package_id(1)));
    world.push(delete_package(1));
    world.push(new_package(2, 1, "zlib", false));
    let has = |id| world.table.shown(&view).has(PackageKind::Conda, "zlib", id);
    assert!(has(package_id(2)) && !has(package_id(1)));
}
