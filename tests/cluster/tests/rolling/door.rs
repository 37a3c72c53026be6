//! What stands in front of several gateways: it looks at their readiness, sends each request to the next one that is ready,
//! and never sends one twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use testkit::{LIMIT, Session};
use tokio::sync::watch;
use tokio::time::{interval, timeout};

/// Between two looks at one gateway; a gateway that is asked to stop gives much longer notice.
const LOOK: Duration = Duration::from_millis(50);

/// A look that takes longer finds nobody ready.
const LOOK_LIMIT: Duration = Duration::from_secs(1);

/// Clones are the same door.
#[derive(Clone)]
pub(crate) struct Door {
    gateways: Arc<[Session]>,
    ready: watch::Receiver<Vec<bool>>,
    turn: Arc<AtomicUsize>,
}

impl Door {
    pub(crate) fn open(gateways: &[String]) -> Self {
        let (told, ready) = watch::channel(vec![true; gateways.len()]);
        for (index, gateway) in gateways.iter().enumerate() {
            let (looker, told) = (Session::new(gateway, None), told.clone());
            let mut turns = interval(LOOK);
            tokio::spawn(async move {
                while !told.is_closed() {
                    turns.tick().await;
                    let seen = timeout(LOOK_LIMIT, looker.get("/readyz")).await;
                    let is_ready = seen.is_ok_and(|seen| seen.is_ok_and(|answer| answer.status == 200));
                    told.send_if_modified(|ready| std::mem::replace(&mut ready[index], is_ready) != is_ready);
                }
            });
        }
        let gateways = gateways.iter().map(|gateway| Session::new(gateway, None)).collect();
        Self { gateways, ready, turn: Arc::default() }
    }

    /// The next gateway that is ready, for this credential.
    pub(crate) async fn next(&self, token: &str) -> anyhow::Result<Session> {
        let mut seen = self.ready.clone();
        let ready = timeout(LIMIT, seen.wait_for(|ready| ready.contains(&true))).await;
        let ready = ready.context("no gateway is ready for a minute")??.clone();
        loop {
            let index = self.turn.fetch_add(1, Ordering::Relaxed) % ready.len();
            if ready[index] {
                return Ok(self.gateways[index].with(token));
            }
        }
    }

    /// Each of them, for this credential.
    pub(crate) fn all(&self, token: &str) -> Vec<Session> {
        self.gateways.iter().map(|gateway| gateway.with(token)).collect()
    }

    /// Returns when this has been seen of a gateway.
    pub(crate) async fn until(&self, index: usize, is_ready: bool) -> anyhow::Result<()> {
        let mut seen = self.ready.clone();
        let awaited = seen.wait_for(|ready| ready[index] == is_ready);
        timeout(LIMIT, awaited).await.with_context(|| format!("gateway {index} is not seen to change"))??;
        Ok(())
    }
}
