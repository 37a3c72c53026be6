//! Revocation on a whole cluster of separate processes, three servers of the log among them, while one at a time is
//! killed, frozen, cut off and started again: what is asked after Revoke has returned is never let in.

#[path = "live/round.rs"]
mod round;

use std::time::Duration;

use round::{Rounds, percentiles};
use testkit::{Cluster, Line, Options, Part, Place, Size, is_long};

/// Who does not see auth any more when its line is cut, and which replica of auth does not see the log.
const CUT_GATEWAY: Place = Part::Gateway.at(0);
const CUT_AUTH: Place = Part::Auth.at(1);

/// What befalls one process at a time.
#[derive(Debug, Clone, Copy)]
enum Fault {
    Killed(Place),
    Frozen(Place),
    Cut(Place, Part),
    /// Whoever leads AUTHZ at the time.
    LeaderKilled,
    LeaderFrozen,
}

const FAULTS: [Fault; 11] = [
    Fault::Killed(Part::Gateway.at(2)),
    Fault::Frozen(Part::Gateway.at(2)),
    Fault::Cut(CUT_GATEWAY, Part::Auth),
    Fault::Killed(Part::Auth.at(0)),
    Fault::Frozen(Part::Auth.at(0)),
    Fault::Cut(CUT_AUTH, Part::Nats),
    Fault::Killed(Part::Catalog.at(0)),
    Fault::Frozen(Part::Catalog.at(1)),
    Fault::Killed(Part::Projector.at(0)),
    Fault::LeaderKilled,
    Fault::LeaderFrozen,
];

/// What it did, with whom it was done to.
async fn inject(cluster: &mut Cluster, fault: Fault) -> anyhow::Result<Fault> {
    let fault = match fault {
        Fault::LeaderKilled => Fault::Killed(cluster.leader_of("AUTHZ").await?),
        Fault::LeaderFrozen => Fault::Frozen(cluster.leader_of("AUTHZ").await?),
        Fault::Killed(_) | Fault::Frozen(_) | Fault::Cut(..) => fault,
    };
    match fault {
        Fault::Killed(place) => cluster.kill9(place).await?,
        Fault::Frozen(place) => cluster.freeze(place)?,
        Fault::Cut(from, to) => cluster.set_line(from, to, Line::Silent)?,
        Fault::LeaderKilled | Fault::LeaderFrozen => unreachable!("the leader has been found"),
    }
    Ok(fault)
}

async fn mend(cluster: &mut Cluster, fault: Fault) -> anyhow::Result<()> {
    match fault {
        Fault::Killed(place) => cluster.restart(place).await?,
        Fault::Frozen(place) => cluster.thaw(place)?,
        Fault::Cut(from, to) => cluster.set_line(from, to, Line::Open)?,
        Fault::LeaderKilled | Fault::LeaderFrozen => unreachable!("the leader has been found"),
    }
    cluster.log_healthy().await?;
    cluster.all_ready().await
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_asked_after_revoke_has_returned_is_let_in() -> anyhow::Result<()> {
    // Shorter leases than an operator gets unasked make the same waits shorter.
    let lease = Duration::from_secs(if is_long() { 15 } else { 3 });
    let (calm, during, after) = if is_long() { (350, 75, 75) } else { (6, 2, 2) };
    let mut cluster = Cluster::start(Options {
        separate_processes: true,
        size: Size::CLUSTER,
        lease_s: Some(u16::try_from(lease.as_secs())?),
        lines: vec![(CUT_GATEWAY, Part::Auth), (CUT_AUTH, Part::Nats)],
        ..Options::default()
    })
    .await?;
    let mut rounds = Rounds::new(&cluster).await?;

    let times = rounds.revoke(calm).await?;
    rounds.settle().await?;
    println!("without faults: {}", percentiles(&times));
    // Nobody has waited for a lease to end.
    assert!(times.iter().all(|time| *time < lease), "{}", percentiles(&times));

    for fault in FAULTS {
        let fault = inject(&mut cluster, fault).await?;
        let times = rounds.revoke(during).await?;
        let (first, later) = times.split_first().expect("there is one at least");
        println!("{fault:?}: the first after {first:?}, then {}", percentiles(later));
        if let Fault::Killed(Place { part: Part::Gateway, .. }) = fault {
            assert!(*first < lease + Duration::from_secs(1), "the first after {first:?}");
            assert!(later.iter().all(|time| *time < lease / 2), "{}", percentiles(later));
        }
        mend(&mut cluster, fault).await?;
        let times = rounds.revoke(after).await?;
        rounds.settle().await?;
        println!("  mended: {}", percentiles(&times));
    }
    println!("{rounds}");
    assert!(rounds.good_before() > 0, "that nothing was let in after says something only then: {rounds}");
    assert_eq!(rounds.good_after(), 0, "{rounds}");
    cluster.stop().await
}
