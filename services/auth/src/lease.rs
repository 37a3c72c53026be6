//! Auth's own lease: it authorises like a gateway does, and reports like one.

use std::time::Duration;

use feed::client::{AccessView, Holder};
use feed::lease::{Clocks, Moment};
use feed::server::{Leased, Report};
use runtime::{Ambient, Drain, Failure};
use tokio::time::{Instant, sleep_until, timeout};

/// Reports of what is applied are gathered for at most this long; the first after a pause goes at once.
const GATHER: Duration = Duration::from_millis(5);
/// How long a stopping process waits until its leave is recorded.
const FAREWELL: Duration = Duration::from_secs(1);

/// Both of the machine's clocks.
pub fn clocks(ambient: &Ambient) -> Clocks {
    let clock = ambient.clock.clone();
    Clocks::new(move || Moment {
        boot: clock.boot(),
        wall_us: i64::try_from(clock.now().unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX),
    })
}

/// What a caller is told while this process may not decide.
pub fn lapsed() -> Failure {
    Failure::unavailable(
        "this server has lost touch with the others, so it decides nothing: try again in a moment",
    )
}

/// Holds a lease and reports until the drain, then takes leave.
pub async fn hold(holder: Holder, clocks: Clocks, view: AccessView, leased: Leased, drain: Drain) {
    let holding = async {
        view.lease().keep(&holder, &clocks, &leased, drain.requested()).await;
        // What is in hand is answered within the drain; the lease that it is decided under goes on until then.
        drain.finished(runtime::grpc::DRAIN_LIMIT).await;
    };
    tokio::select! {
        () = holding => {}
        () = report(&holder, &view, &leased) => {}
    }
    match timeout(FAREWELL, leased.leave(&holder.name, holder.incarnation)).await {
        Ok(Ok(_)) => {}
        Ok(Err(status)) => tracing::warn!(%status, "this replica's leave is not recorded"),
        Err(late) => tracing::warn!(%late, "this replica's leave is not recorded in time"),
    }
}

/// G5: says how far this process's own table is.
async fn report(holder: &Holder, view: &AccessView, leased: &Leased) {
    let mut applied = view.subscribe();
    applied.mark_changed();
    let mut not_before = Instant::now();
    while applied.changed().await.is_ok() {
        sleep_until(not_before).await;
        let applied = *applied.borrow_and_update();
        leased.report(Report::of(&holder.name, holder.incarnation, applied));
        not_before = Instant::now() + GATHER;
    }
}
