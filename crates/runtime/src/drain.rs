//! Stopping gently: everybody hears that it is time, work in hand is finished, and after a limit it
//! is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// Told to all parts of a process; clones are the same drain.
#[derive(Clone, Debug, Default)]
pub struct Drain {
    asked: CancellationToken,
    /// The same, for those who look with every request.
    is_asked: Arc<AtomicBool>,
    work: TaskTracker,
}

/// Work in hand: the process waits for it to be dropped.
#[derive(Debug)]
pub struct DrainGuard(#[expect(dead_code, reason = "it counts for as long as it lives")] TaskTrackerToken);

impl Drain {
    /// Nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks every holder to stop. Asking again changes nothing.
    pub fn start(&self) {
        self.is_asked.store(true, Ordering::Release);
        self.asked.cancel();
        self.work.close();
    }

    /// Resolves once stopping was asked for, at once if it was already.
    pub fn requested(&self) -> WaitForCancellationFutureOwned {
        self.asked.clone().cancelled_owned()
    }

    /// Whether stopping was asked for.
    pub fn is_requested(&self) -> bool {
        self.is_asked.load(Ordering::Acquire)
    }

    /// Counts work that should be finished before the process ends.
    pub fn guard(&self) -> DrainGuard {
        DrainGuard(self.work.token())
    }

    /// Waits until all guards are dropped, at most for `limit`; false when some work was left behind.
    pub async fn finished(&self, limit: Duration) -> bool {
        self.work.close();
        tokio::time::timeout(limit, self.work.wait()).await.is_ok()
    }
}

/// Resolves on SIGINT (Ctrl-C) or SIGTERM (an orchestrator).
pub async fn shutdown_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be handled");
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be handled");
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_waits_for_work_in_hand_and_no_longer() {
        let drain = Drain::new();
        let guard = drain.guard();
        assert!(!drain.is_requested());
        drain.clone().start();
        drain.requested().await;
        assert!(!drain.finished(Duration::from_millis(10)).await, "work was still in hand");
        drop(guard);
        assert!(drain.finished(Duration::from_secs(10)).await);
    }
}
