//! Releases that disagree about the tables.

use names::PackageKind;
use projector::Stop;
use readmodel::write::SHAPE;

use crate::{
    events::{self, channel_id},
    world::World,
};

/// As another release would have left it.
async fn reshape(world: &World, shape: i32) {
    let pool = sqlx::PgPool::connect(&world.postgres.url()).await.unwrap();
    sqlx::query("UPDATE meta.live SET shape = $1").bind(shape).execute(&pool).await.unwrap();
}

async fn stocked() -> World {
    let mut world = World::following().await;
    for event in [events::account(1), events::channel(1, 1), events::published(1, 1, 1, 10)] {
        world.writer.append(event).await;
    }
    world.caught_up().await;
    world.stop().await;
    world
}

#[tokio::test]
async fn a_newer_release_builds_its_tables_by_itself() {
    let mut world = stocked().await;
    let before = world.db.live().await.unwrap();
    reshape(&world, SHAPE - 1).await;
    world.follow().await;
    world.writer.append(events::published(1, 1, 2, 10)).await;
    world.caught_up().await;
    let after = world.db.live().await.unwrap();
    assert!(after.number > before.number && after.shape == SHAPE);
    let (_, files) = world.reader.artifacts(channel_id(1), PackageKind::Conda, None).await.unwrap();
    assert_eq!(files.len(), 2);
    world.agrees().await;
}

#[tokio::test]
async fn an_older_release_leaves_newer_tables_alone() {
    let world = stocked().await;
    reshape(&world, SHAPE + 1).await;
    let stop = world.refused(world.log()).await;
    assert!(matches!(stop, Stop::Outdated), "{stop}");
}
