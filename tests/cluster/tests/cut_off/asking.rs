//! Somebody who asks for one address all the time, whatever becomes of what was asked before.

use std::time::Duration;

use anyhow::Context as _;
use runtime::{Clock as _, SystemClock};
use testkit::{LIMIT, Session};
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, interval, timeout};

/// Between two requests. A gateway without a lease lets each wait for one, so many are in hand at a time.
const PAUSE: Duration = Duration::from_millis(25);

/// One request and how it was answered; zero stands for no answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) sent: Instant,
    pub(crate) sent_at: OffsetDateTime,
    pub(crate) status: u16,
}

pub(crate) struct Asking {
    stop: oneshot::Sender<()>,
    answered: mpsc::UnboundedReceiver<Asked>,
    task: JoinHandle<Vec<Asked>>,
}

impl Asking {
    pub(crate) fn start(caller: &Session, path: &'static str) -> Self {
        let (caller, mut turns) = (caller.clone(), interval(PAUSE));
        let (stop, mut stopped) = oneshot::channel();
        let (told, answered) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            let mut asking = JoinSet::new();
            loop {
                tokio::select! {
                    _ = turns.tick() => {}
                    _ = &mut stopped => return asking.join_all().await,
                }
                let (caller, told) = (caller.clone(), told.clone());
                asking.spawn(async move {
                    let (sent, sent_at) = (Instant::now(), SystemClock.now());
                    let status = caller.get(path).await.map_or(0, |answer| answer.status);
                    let asked = Asked { sent, sent_at, status };
                    told.send(asked).ok();
                    asked
                });
            }
        });
        Self { stop, answered, task }
    }

    /// Returns when some request is answered so from now on.
    pub(crate) async fn until(&mut self, status: u16) -> anyhow::Result<()> {
        while self.answered.try_recv().is_ok() {}
        let awaited = self.answer(|answered| answered.status == status);
        awaited.await.with_context(|| format!("no {status} comes for a minute"))
    }

    /// Returns when some request is answered that was sent after this moment.
    pub(crate) async fn until_after(&mut self, moment: OffsetDateTime) -> anyhow::Result<()> {
        self.answer(|answered| answered.sent_at > moment).await.context("nothing is asked for a minute")
    }

    async fn answer(&mut self, wanted: impl Fn(&Asked) -> bool) -> anyhow::Result<()> {
        let awaited =
            async { while self.answered.recv().await.is_some_and(|answered| !wanted(&answered)) {} };
        Ok(timeout(LIMIT, awaited).await?)
    }

    /// All there were, when the last of them is answered.
    pub(crate) async fn stop(self) -> anyhow::Result<Vec<Asked>> {
        self.stop.send(()).ok();
        Ok(timeout(LIMIT, self.task).await.context("an answer is late")??)
    }
}

/// The last request that was let in.
pub(crate) fn last_good(all: &[Asked]) -> Option<Asked> {
    all.iter().filter(|asked| asked.status == 200).max_by_key(|asked| asked.sent).copied()
}

/// The statuses there were, each once.
pub(crate) fn statuses(all: &[Asked]) -> Vec<u16> {
    let mut statuses: Vec<u16> = all.iter().map(|asked| asked.status).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}
