//! Messages that nobody has signed who may say them: AUTHZ stops, in CATALOG one aggregate is parked.

use eventlog::Stream;
use projector::Origin;

use crate::{events, world::World};

async fn furnished() -> World {
    let mut world = World::following().await;
    for event in [events::account(1), events::channel(1, 1), events::package(1, 1), events::package(1, 2)] {
        world.writer.append(event).await;
    }
    world
}

#[tokio::test]
async fn in_catalog_its_aggregate_is_parked_and_the_others_go_on() {
    let mut world = furnished().await;
    let (subject, _) = events::published(1, 1, 1, 1);
    world.memory.store_raw(Stream::Catalog, &subject, b"nobody has signed this".to_vec().into());
    // What follows on the same aggregate could build on it; what follows on another does not.
    world.writer.append(events::published(1, 2, 1, 2)).await;
    world.caught_up().await;
    world.agrees().await;
    let (_, shown) =
        world.reader.artifacts(events::channel_id(1), names::PackageKind::Conda, None).await.unwrap();
    assert_eq!(shown.len(), 1, "the other package is shown");

    // It stands in the ledger as it stands in the log, and both build the same.
    for origin in [Origin::Ledger, Origin::Log(world.log())] {
        projector::rebuild(&world.db, origin, &world.memory.keyring()).await.unwrap();
        world.agrees().await;
    }
    // A restart begins behind it.
    let (subject, _) = events::published(1, 3, 1, 1);
    let seq = world.memory.store_raw(Stream::Catalog, &subject, b"nor this".to_vec().into());
    world.reader.wait_checkpoint(readmodel::Stream::Catalog, seq, crate::world::SOON).await.unwrap();
    world.stop().await;
    world.follow().await;
    world.writer.append(events::published(1, 2, 2, 3)).await;
    world.caught_up().await;
    world.agrees().await;
}

#[tokio::test]
async fn in_authz_nothing_after_it_is_applied() {
    let mut world = furnished().await;
    world.caught_up().await;
    let before = world.writer.end(Stream::Authz);
    world.memory.store_raw(
        Stream::Authz,
        &events::owner_subject(1),
        b"nobody has signed this".to_vec().into(),
    );
    world.writer.append(events::account(2)).await;
    world.unready().await;
    let at = world.reader.checkpoint(readmodel::Stream::Authz).await.unwrap();
    assert_eq!(at.seq, before);
}
