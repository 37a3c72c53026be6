//! Whatever is appended, in whatever batches it is applied: a rebuild makes the same rows.

use projector::Origin;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use proto::event::v1::Level;

use crate::{
    events::{self, token_actor},
    world::{World, Writer},
};

/// Normal runs take one case in so many of proptest's own number.
const CASES_DIVISOR: u32 = 32;

#[derive(Debug, Clone)]
enum Step {
    Describe { channel: u8, token: Option<u8> },
    Open { channel: u8 },
    Delete { channel: u8 },
    Revoke { token: u8 },
    Edit { token: u8, name: u8 },
    Reissue { token: u8, string: u8 },
    Give { channel: u8, account: u8, level: u8 },
    Own { owners: Vec<u8> },
    Group { n: u8 },
    GroupChanged { n: u8 },
    GroupDeleted { n: u8 },
    Members { n: u8, added: Vec<u8>, removed: Vec<u8> },
    GiveGroup { package: u8, n: u8, level: u8 },
    Hide { package: u8 },
    DeletePackage { package: u8 },
    Below { n: u8, parent: u8 },
    Publish { channel: u8, package: u8, build: u8, content: u8 },
    Remove { channel: u8, package: u8, build: u8, content: u8 },
    Label { channel: u8, package: u8, build: u8, content: u8 },
    Lock { channel: u8, locked: bool },
    Wheel { channel: u8, n: u8 },
    Barrier,
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (0..3_u8, 0..3_u8, 0..3_u8, 10..12_u8);
    prop_oneof![
        (0..3_u8, proptest::option::of(0..3_u8))
            .prop_map(|(channel, token)| Step::Describe { channel, token }),
        (0..3_u8).prop_map(|channel| Step::Open { channel }),
        (0..3_u8).prop_map(|channel| Step::Delete { channel }),
        (0..3_u8).prop_map(|token| Step::Revoke { token }),
        (0..3_u8, 0..3_u8).prop_map(|(token, name)| Step::Edit { token, name }),
        (0..3_u8, 100..200_u8).prop_map(|(token, string)| Step::Reissue { token, string }),
        (0..3_u8, 0..3_u8, 0..4_u8).prop_map(|(channel, account, level)| Step::Give {
            channel,
            account,
            level
        }),
        proptest::collection::vec(0..4_u8, 1..3).prop_map(|owners| Step::Own { owners }),
        groups(),
        (0..3_u8).prop_map(|package| Step::Hide { package }),
        (0..3_u8).prop_map(|package| Step::DeletePackage { package }),
        (3..6_u8, 0..3_u8).prop_map(|(n, parent)| Step::Below { n, parent }),
        place().prop_map(|(channel, package, build, content)| Step::Publish {
            channel,
            package,
            build,
            content
        }),
        place().prop_map(|(channel, package, build, content)| Step::Publish {
            channel,
            package,
            build,
            content
        }),
        place().prop_map(|(channel, package, build, content)| Step::Remove {
            channel,
            package,
            build,
            content
        }),
        place().prop_map(|(channel, package, build, content)| Step::Label {
            channel,
            package,
            build,
            content
        }),
        (0..3_u8, any::<bool>()).prop_map(|(channel, locked)| Step::Lock { channel, locked }),
        (0..3_u8, 0..3_u8).prop_map(|(channel, n)| Step::Wheel { channel, n }),
        Just(Step::Barrier),
    ]
}

fn groups() -> impl Strategy<Value = Step> {
    let accounts = || proptest::collection::vec(0..4_u8, 0..3);
    prop_oneof![
        (0..3_u8).prop_map(|n| Step::Group { n }),
        (0..3_u8).prop_map(|n| Step::GroupChanged { n }),
        (0..3_u8).prop_map(|n| Step::GroupDeleted { n }),
        (0..3_u8, accounts(), accounts()).prop_map(|(n, added, removed)| Step::Members { n, added, removed }),
        (0..3_u8, 0..3_u8, 0..4_u8).prop_map(|(package, n, level)| Step::GiveGroup { package, n, level }),
    ]
}

async fn take(writer: &mut Writer, step: &Step) {
    match *step {
        Step::Describe { channel, token: None } => {
            writer.append(events::described(channel, "by the system")).await;
        }
        Step::Describe { channel, token: Some(token) } => {
            writer.append_by(token_actor(0, token), events::described(channel, "by a token")).await;
        }
        Step::Open { channel } => drop(writer.append(events::opened(channel)).await),
        Step::Delete { channel } => drop(writer.append(events::deleted(channel)).await),
        Step::Revoke { token } => drop(writer.append(events::revoked(0, token)).await),
        Step::Edit { token, name } => {
            writer.append(events::edited(0, token, &format!("name {name}"))).await;
        }
        Step::Reissue { token, string } => drop(writer.append(events::reissued(0, token, string)).await),
        Step::Give { channel, account, level } => {
            let level = Level::try_from(i32::from(level)).unwrap();
            writer.append(events::given(channel, account, level)).await;
        }
        Step::Group { n } => drop(writer.append(events::group(0, n)).await),
        Step::GroupChanged { n } => drop(writer.append(events::group_changed(0, n, "new")).await),
        Step::GroupDeleted { n } => drop(writer.append(events::group_deleted(0, n)).await),
        Step::Members { n, ref added, ref removed } => {
            writer.append(events::members(0, n, added, removed)).await;
        }
        Step::GiveGroup { package, n, level } => {
            let level = Level::try_from(i32::from(level)).unwrap();
            writer.append(events::given_group(package, package, n, level)).await;
        }
        Step::Hide { package } => drop(writer.append(events::hidden(package, package)).await),
        Step::DeletePackage { package } => {
            writer.append(events::package_deleted(package, package)).await;
        }
        Step::Below { n, parent } => drop(writer.append(events::below(n, parent, 0)).await),
        Step::Own { ref owners } => drop(writer.append(events::owned(0, owners)).await),
        Step::Publish { channel, package, build, content } => {
            writer.append(events::published(channel, package, build, content)).await;
        }
        Step::Remove { channel, package, build, content } => {
            writer.append(events::removed(channel, package, build, content)).await;
        }
        Step::Label { channel, package, build, content } => {
            let label = ["", "dev", "dev main"][usize::from(build)];
            writer.append(events::labelled(channel, package, build, content, label)).await;
        }
        Step::Lock { channel, locked } => {
            writer.append(events::locked(channel, "main", locked)).await;
            writer.append(events::indexed(channel, locked)).await;
            writer.append(events::appointed(0, locked)).await;
        }
        Step::Wheel { channel, n } => drop(writer.append(events::wheel(channel, n)).await),
        Step::Barrier => {
            for stream in eventlog::Stream::ALL {
                let seq = writer.log.barrier(stream).await.unwrap();
                writer.ends.insert(stream, seq);
            }
        }
    }
}

async fn furnished() -> World {
    let mut world = World::following().await;
    world.writer.append(events::account(0)).await;
    for n in 0..3 {
        world.writer.append(events::channel(n, 0)).await;
        world.writer.append(events::issued(0, n, n)).await;
        world.writer.append(events::package(n, n)).await;
    }
    world
}

#[test]
fn a_rebuild_equals_what_is_live() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let config = Config { cases: Config::default().cases / CASES_DIVISOR, ..Config::default() };
    let world = tokio::sync::Mutex::new(runtime.block_on(furnished()));
    // Each case goes on where the last one ended, so the log grows; a failure names the steps that led to it.
    let steps = (proptest::collection::vec(step(), 1..60), any::<bool>());
    let ran = TestRunner::new(config).run(&steps, |(steps, from_ledger)| {
        runtime.block_on(async {
            let mut world = world.lock().await;
            for step in &steps {
                take(&mut world.writer, step).await;
            }
            world.caught_up().await;
            let report = world.verify().await;
            prop_assert!(report.agrees(), "{}", report);
            let origin = if from_ledger { Origin::Ledger } else { Origin::Log(world.log()) };
            projector::rebuild(&world.db, origin, &world.memory.keyring()).await.unwrap();
            let report = world.verify().await;
            prop_assert!(report.agrees(), "{}", report);
            Ok(())
        })
    });
    ran.unwrap();
}
