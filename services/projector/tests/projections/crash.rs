//! kill -9 of Postgres and of nats-server while events come in: the projector catches up by itself.

use std::{path::Path, sync::Arc};

use eventlog::{
    JetStream, NatsConfig, Stream,
    keys::{Keyring, Signer, generate},
};
use projector::{Config, Database};
use readmodel::Reader;
use runtime::{Ambient, Drain};
use servers::{NatsOptions, NatsServer, Postgres, PostgresOptions};

use crate::{
    events,
    world::{SOON, World, Writer, stamps},
};

const UPLOADS: u8 = 60;

pub(crate) struct Servers {
    pub(crate) nats: NatsServer,
    pub(crate) postgres: Postgres,
    pub(crate) config: Config,
    pub(crate) signer: String,
    pub(crate) keyring: Keyring,
}

pub(crate) async fn servers(dir: &Path) -> Servers {
    let nats = NatsServer::start(dir.join("nats"), NatsOptions::default()).await.unwrap();
    let postgres = Postgres::start(dir.join("pg"), PostgresOptions::default()).await.unwrap();
    let key = generate();
    let (signing_key_file, keyring_file) = (dir.join("signer.pem"), dir.join("keyring.json"));
    std::fs::write(&signing_key_file, &key.private_pem).unwrap();
    std::fs::write(&keyring_file, key.keyring.to_json()).unwrap();
    let config = Config {
        nats_url: nats.url(),
        database_url: postgres.url(),
        signing_key_file: Some(signing_key_file),
        keyring_file: Some(keyring_file),
        name: "projector".into(),
        ledger_check_s: 1,
        listen: "127.0.0.1:0".parse().unwrap(),
    };
    Servers { nats, postgres, config, signer: key.private_pem, keyring: key.keyring }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_servers_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut servers = servers(dir.path()).await;
    let signer = Signer::parse(&servers.signer).unwrap();
    let nats = NatsConfig::new(servers.nats.url(), "test");
    let log = JetStream::connect(nats, stamps(), Some(signer), servers.keyring.clone()).await.unwrap();
    let log: Arc<dyn eventlog::Log> = Arc::new(log);
    let drain = Drain::new();
    let started = projector::start(servers.config.clone(), Ambient::system(), drain.clone()).await.unwrap();

    let writing = tokio::spawn({
        let mut writer = Writer::new(log.clone());
        async move {
            for event in [events::account(1), events::channel(1, 1), events::package(1, 1)] {
                writer.append(event).await;
            }
            for build in 0..UPLOADS {
                writer.append(events::published(1, 1, build, 10)).await;
                writer.append(events::issued(1, build, 1)).await;
            }
            writer
        }
    });
    let reader = Reader::connect(&servers.config.database_url).await.unwrap();
    reader.wait_checkpoint(readmodel::Stream::Catalog, 3, SOON).await.unwrap();
    servers.postgres.restart().await.unwrap();
    reader.wait_checkpoint(readmodel::Stream::Catalog, 10, SOON).await.unwrap();
    servers.nats.restart().await.unwrap();
    let writer = writing.await.unwrap();
    servers.postgres.restart().await.unwrap();

    reader.wait_checkpoint(readmodel::Stream::Authz, writer.end(Stream::Authz), SOON).await.unwrap();
    let end = writer.end(Stream::Catalog);
    reader.wait_checkpoint(readmodel::Stream::Catalog, end, SOON).await.unwrap();
    let (_, count) =
        reader.count_artifacts(events::channel_id(1), &readmodel::Packages::all()).await.unwrap();
    assert_eq!(count, u64::from(UPLOADS));
    let db = Database::connect(&servers.config.database_url).unwrap();
    let report = projector::verify(&db, &log).await.unwrap();
    assert!(report.agrees(), "{report}");
    drain.start();
    started.task.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_projector_goes_on_where_it_was() {
    let mut world = World::new().await;
    for event in [events::account(1), events::channel(1, 1), events::package(1, 1)] {
        world.writer.append(event).await;
    }
    for round in 0..10 {
        world.follow().await;
        for build in 0..20 {
            world.writer.append(events::published(1, 1, build, round)).await;
            world.writer.append(events::described(1, &format!("round {round}"))).await;
        }
        // Somewhere in the middle of what was appended.
        let middle = world.writer.end(Stream::Catalog) - 10;
        world.reader.wait_checkpoint(readmodel::Stream::Catalog, middle, SOON).await.unwrap();
        world.kill();
    }
    world.follow().await;
    world.caught_up().await;
    world.agrees().await;
}
