//! A rolling restart: every process in turn, each when the one before is ready again, under installs, uploads and
//! revocations. No request is refused or answered wrongly, and nothing that was answered is lost.

#[path = "rolling/door.rs"]
mod door;
#[path = "rolling/load.rs"]
mod load;

use door::Door;
use load::Load;
use testkit::{Cluster, Options, Part, Place, Size, is_long};

/// How often everybody goes round between two restarts.
fn rounds() -> usize {
    if is_long() { 60 } else { 4 }
}

/// Every process: what the others need comes first.
fn places() -> impl Iterator<Item = Place> {
    let Size { nats, auth, catalog, projector, gateway } = Size::CLUSTER;
    let counts = [
        (Part::Postgres, 1),
        (Part::Nats, nats),
        (Part::Auth, auth),
        (Part::Catalog, catalog),
        (Part::Projector, projector),
        (Part::Gateway, gateway),
    ];
    counts.into_iter().flat_map(|(part, count)| (0..count).map(move |index| part.at(index)))
}

async fn restart(cluster: &mut Cluster, door: &Door, place: Place) -> anyhow::Result<()> {
    cluster.terminate(place).await?;
    match place.part {
        Part::Nats | Part::Postgres => cluster.restart(place).await?,
        Part::Gateway => {
            door.until(place.index, false).await?;
            cluster.spawn(place)?;
            door.until(place.index, true).await?;
        }
        Part::Auth | Part::Catalog | Part::Projector => cluster.spawn(place)?,
    }
    cluster.all_ready().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_of_every_process_refuses_nothing_and_loses_nothing() -> anyhow::Result<()> {
    let options =
        Options { separate_processes: true, size: Size::CLUSTER, notice_s: 1, ..Options::default() };
    let mut cluster = Cluster::start(options).await?;
    let admin = cluster.admin().clone();
    admin.create_channel("acme", "private").await?;
    let reader = admin.issue_token("reader", &[("acme", "read")]).await?;
    let door = Door::open(cluster.gateways());
    let load = Load::new(&door, admin.token(), &reader.token);
    let mut workers = load.start();
    load.more(rounds()).await?;
    let mut told = 0;
    for place in places() {
        restart(&mut cluster, &door, place).await?;
        load.more(rounds()).await?;
        let wrong = load.facts(|facts| facts.wrong.len());
        println!("{place:?} restarted: {} wrong; {load}", wrong - std::mem::replace(&mut told, wrong));
    }
    load.stop();
    while let Some(ended) = workers.join_next().await {
        ended??;
    }
    println!("{load}");
    load.facts(|facts| assert!(facts.wrong.is_empty(), "{:#?}", &facts.wrong[..facts.wrong.len().min(40)]));

    cluster.caught_up(&admin, "acme").await?;
    let (uploaded, revoked, kept) =
        load.facts(|facts| (facts.uploaded.clone(), facts.revoked.clone(), facts.kept.clone()));
    assert!(!uploaded.is_empty() && !revoked.is_empty() && !kept.is_empty());
    for gateway in door.all(admin.token()) {
        let index = gateway.get("/acme/noarch/repodata.json").await?.good()?.json();
        for name in uploaded.keys() {
            assert!(index["packages.conda"].get(name).is_some(), "{name} is lost");
        }
        for (tokens, status) in [(&revoked, 401), (&kept, 200)] {
            for token in tokens {
                let answer = gateway.with(token).get("/acme/noarch/repodata.json").await?;
                assert_eq!(answer.status, status, "{}", answer.text());
            }
        }
    }
    cluster.verify().await?;
    cluster.stop().await
}
