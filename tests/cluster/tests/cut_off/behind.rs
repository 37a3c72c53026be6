//! Whoever follows a replica of auth and goes on with one that is behind never goes back: what it has heard of stays
//! heard, and it decides no longer than its lease.

use testkit::{Cluster, LIMIT, Line, Options, Part, Place, Session, Size, is_long};
use tokio::time::{Instant, interval, timeout};

use crate::asking::{Asking, statuses};

/// The replica that goes on, and the one that hears nothing of the log any more.
const AHEAD: Place = Part::Auth.at(0);
const BEHIND: Place = Part::Auth.at(1);

const INDEX: &str = "/acme/noarch/repodata.json";

/// A caller of each gateway.
fn everywhere(cluster: &Cluster, token: &str) -> Vec<Session> {
    cluster.gateways().iter().map(|http| Session::new(http, Some(token))).collect()
}

/// Asks until it is answered so.
async fn until(caller: &Session, status: u16) -> anyhow::Result<()> {
    let mut turns = interval(std::time::Duration::from_millis(20));
    let asking = async {
        while caller.get(INDEX).await?.status != status {
            turns.tick().await;
        }
        anyhow::Ok(())
    };
    timeout(LIMIT, asking).await?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_changes_to_a_replica_that_is_behind_never_goes_back() -> anyhow::Result<()> {
    let size = Size { auth: 2, gateway: 2, ..Size::default() };
    let lease_s = Some(if is_long() { 15 } else { 4 });
    let lines = vec![(BEHIND, Part::Nats)];
    let options = Options { separate_processes: true, size, lease_s, lines, ..Options::default() };
    let mut cluster = Cluster::start(options).await?;
    let admin = cluster.admin().clone();
    admin.create_channel("acme", "private").await?;
    let kept = admin.issue_token("kept", &[("acme", "read")]).await?;
    let revoked = admin.issue_token("revoked", &[("acme", "read")]).await?;
    for token in [&kept, &revoked] {
        for caller in everywhere(&cluster, &token.token) {
            until(&caller, 200).await?;
        }
    }

    cluster.set_line(BEHIND, Part::Nats, Line::Silent)?;
    let path = format!("/api/v1/tokens/{}", revoked.id);
    let revoking = async {
        while !admin.delete(&path).await.is_ok_and(|answer| answer.is_success()) {
            tokio::task::yield_now().await;
        }
    };
    timeout(LIMIT, revoking).await?;
    // All have heard of it, from the replica that has the log: the other one cannot have told them.
    for caller in everywhere(&cluster, &revoked.token) {
        until(&caller, 401).await?;
    }
    for caller in everywhere(&cluster, &kept.token) {
        until(&caller, 200).await?;
    }

    let callers = everywhere(&cluster, &revoked.token).into_iter().chain(everywhere(&cluster, &kept.token));
    let mut asking: Vec<Asking> = callers.map(|caller| Asking::start(&caller, INDEX)).collect();
    cluster.kill9(AHEAD).await?;
    let killed = Instant::now();
    // Nobody gives them leases any more.
    for one in &mut asking {
        one.until(503).await?;
    }
    println!("all without a lease {:?} after the death", killed.elapsed());
    cluster.set_line(BEHIND, Part::Nats, Line::Open)?;
    let gateways = cluster.gateways().len();
    let (dead, living) = asking.split_at_mut(gateways);
    for one in dead {
        one.until(401).await?;
    }
    for one in living {
        one.until(200).await?;
    }
    for (index, one) in asking.into_iter().enumerate() {
        let statuses = statuses(&one.stop().await?);
        let good = if index < gateways { 401 } else { 200 };
        assert_eq!(statuses, if good < 503 { [good, 503] } else { [503, good] }, "caller {index}");
    }
    // They did ask the one that was behind, and it sent them away.
    for index in 0..gateways {
        let log = cluster.log_of(Part::Gateway.at(index))?;
        assert!(log.contains("has not reached"), "{log}");
    }
    cluster.restart(AHEAD).await?;
    cluster.stop().await
}
