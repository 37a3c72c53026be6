//! kill -9 of the projector that writes: the one that stands by goes on, and nothing is missing or there twice.

use std::{path::Path, sync::Arc};

use eventlog::{JetStream, Log, NatsConfig, Stream, keys::Signer};
use projector::Database;
use readmodel::{ProjectorRow, Reader};
use servers::{Child, with_parent};

use crate::{
    crash::{Servers, servers},
    events,
    world::{CHECK_EVERY, SOON, Writer, stamps},
};

const UPLOADS: u8 = 25;

fn projector(servers: &Servers, dir: &Path, name: &str) -> Child {
    let config = &servers.config;
    let file = |path: &Option<std::path::PathBuf>| path.as_ref().unwrap().display().to_string();
    let mut command = with_parent(Path::new(env!("CARGO_BIN_EXE_latchkey-projector")));
    command.args(["--nats-url", &config.nats_url, "--database-url", &config.database_url]);
    command.args(["--signing-key-file", &file(&config.signing_key_file)]);
    command.args(["--keyring-file", &file(&config.keyring_file)]);
    command.args(["--http-listen", "127.0.0.1:0", "--name", name]);
    Child::spawn(command, &dir.join(format!("{name}.log"))).unwrap()
}

/// Waits for what projectors say of themselves, which gives no notice.
async fn until(reader: &Reader, what: &str, holds: impl Fn(&ProjectorRow) -> bool) {
    let mut look = tokio::time::interval(CHECK_EVERY / 5);
    let looking = async {
        loop {
            look.tick().await;
            // Before the first has made the tables there are none.
            if reader.projectors().await.is_ok_and(|rows| rows.iter().any(&holds)) {
                return;
            }
        }
    };
    tokio::time::timeout(SOON, looking).await.unwrap_or_else(|_| panic!("not seen in time: {what}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_one_that_stands_by_takes_over_from_one_that_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let servers = servers(dir.path()).await;
    let signer = Signer::parse(&servers.signer).unwrap();
    let nats = NatsConfig::new(servers.nats.url(), "test");
    let log = JetStream::connect(nats, stamps(), Some(signer), servers.keyring.clone()).await.unwrap();
    let log: Arc<dyn Log> = Arc::new(log);
    let reader = Reader::connect(&servers.config.database_url).await.unwrap();
    let mut active = ("one", projector(&servers, dir.path(), "one"));
    until(&reader, "one writes", |row| row.name == "one" && row.active).await;
    let mut standby = ("two", projector(&servers, dir.path(), "two"));
    until(&reader, "two stands by", |row| row.name == "two" && !row.active).await;

    let mut writer = Writer::new(log.clone());
    for event in [events::account(1), events::channel(1, 1), events::package(1, 1)] {
        writer.append(event).await;
    }
    for round in 0..4 {
        for build in 0..UPLOADS {
            writer.append(events::published(1, 1, build, round)).await;
            writer.append(events::described(1, &format!("round {round}, build {build}"))).await;
        }
        // In the middle of what it has to do.
        let middle = writer.end(Stream::Catalog) - u64::from(UPLOADS) / 2;
        reader.wait_checkpoint(readmodel::Stream::Catalog, middle, SOON).await.unwrap();
        active.1.kill9().await;
        until(&reader, "the other writes", |row| row.name == standby.0 && row.active).await;
        let again = (active.0, projector(&servers, dir.path(), active.0));
        active = std::mem::replace(&mut standby, again);
    }
    for (rows, log) in
        [(readmodel::Stream::Authz, Stream::Authz), (readmodel::Stream::Catalog, Stream::Catalog)]
    {
        reader.wait_checkpoint(rows, writer.end(log), SOON).await.unwrap();
    }
    let report =
        projector::verify(&Database::connect(&servers.config.database_url).unwrap(), &log).await.unwrap();
    assert!(report.agrees(), "{report}");
    let (_, files) =
        reader.count_artifacts(events::channel_id(1), &readmodel::Packages::all()).await.unwrap();
    assert_eq!(files, u64::from(UPLOADS));
    for child in [active.1, standby.1] {
        child.terminate().await;
        assert!(child.exited().await.is_success());
    }
    assert_eq!(reader.projectors().await.unwrap().iter().filter(|row| row.active).count(), 0);
}
