//! A token that is issued, used at every gateway all the time, and revoked; and what each request was answered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde_json::Value;
use testkit::{Cluster, LIMIT, Session};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

const INDEX: &str = "/acme/noarch/repodata.json";

/// Between two requests of one caller, and two tries of a call.
const PAUSE: Duration = Duration::from_millis(10);

/// Answers of one caller after the change, before it stops.
const AFTER: usize = 2;

/// How long a gateway is waited for before the same is asked of the next one as well.
const PATIENCE: Duration = Duration::from_millis(500);

/// How a request was answered: with a status, or not at all.
type Answered = Option<u16>;

/// Rounds on one cluster, and the sum of all answers.
pub(crate) struct Rounds {
    gateways: Vec<Session>,
    asking: JoinSet<Vec<(bool, Answered)>>,
    before: BTreeMap<Answered, usize>,
    after: BTreeMap<Answered, usize>,
    count: usize,
}

impl Rounds {
    pub(crate) async fn new(cluster: &Cluster) -> anyhow::Result<Self> {
        let admin = cluster.admin().token();
        let gateways: Vec<Session> =
            cluster.gateways().iter().map(|http| Session::new(http, Some(admin))).collect();
        gateways[0].create_channel("acme", "private").await?;
        let (before, after) = (BTreeMap::new(), BTreeMap::new());
        Ok(Self { gateways, asking: JoinSet::new(), before, after, count: 0 })
    }

    /// That many tokens, one after the other: how long each revocation took to return.
    pub(crate) async fn revoke(&mut self, count: usize) -> anyhow::Result<Vec<Duration>> {
        let mut times = Vec::new();
        for _ in 0..count {
            times.push(self.round().await?);
        }
        Ok(times)
    }

    /// Asks a gateway, each round begins with another one, and when it fails or takes long the next one beside it: as
    /// somebody does who wants it done, whatever has befallen one of them.
    async fn anywhere<T, F: Future<Output = Option<T>>>(&self, ask: impl Fn(Session) -> F) -> T {
        let mut asking = FuturesUnordered::new();
        let (mut tries, mut patience) = (interval(PAUSE), interval(PATIENCE));
        for gateway in self.gateways.iter().cycle().skip(self.count % self.gateways.len()) {
            tries.tick().await;
            asking.push(ask(gateway.clone()));
            patience.reset();
            tokio::select! {
                answered = asking.next() => if let Some(Some(answer)) = answered {
                    return answer;
                },
                _ = patience.tick() => {}
            }
        }
        unreachable!("they are asked in turn")
    }

    async fn round(&mut self) -> anyhow::Result<Duration> {
        self.count += 1;
        // A name that an unanswered try has taken is not tried again.
        let serial = AtomicUsize::new(0);
        let issuing = self.anywhere(|admin| {
            let name = format!("t{}-{}", self.count, serial.fetch_add(1, Ordering::Relaxed));
            async move { admin.issue_token(&name, &[("acme", "read")]).await.ok() }
        });
        let issued = timeout(LIMIT, issuing).await.context("no token is issued for a minute")?;
        let returned = Arc::new(AtomicBool::new(false));
        let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
        for gateway in &self.gateways {
            let (caller, returned, heard) = (gateway.with(&issued.token), returned.clone(), heard.clone());
            self.asking.spawn(async move {
                let mut pause = interval(PAUSE);
                let mut answers = Vec::new();
                while answers.iter().filter(|(after, _)| *after).count() < AFTER {
                    let after = returned.load(Ordering::SeqCst);
                    answers.push((after, ask(&caller).await));
                    heard.send(()).ok();
                    pause.tick().await;
                }
                answers
            });
        }
        drop(heard);
        hears.recv().await.context("all callers have gone")?;

        let started = Instant::now();
        // One that is asked for again, while the first is in hand or after its answer was lost, gives a true receipt too.
        let revoking = self.anywhere(|admin| {
            let path = format!("/api/v1/tokens/{}", issued.id);
            async move {
                let answer = admin.delete(&path).await.ok()?;
                (answer.is_success() && is_complete(&answer.json()["receipt"])).then_some(())
            }
        });
        timeout(LIMIT * 2, revoking).await.context("no revocation returns for two minutes")?;
        let time = started.elapsed();
        returned.store(true, Ordering::SeqCst);
        // On connections of their own: whoever is frozen finds them waiting when it wakes.
        for gateway in &self.gateways {
            let caller = Session::new(gateway.base(), Some(&issued.token));
            self.asking.spawn(async move { vec![(true, ask(&caller).await)] });
        }
        Ok(time)
    }

    /// Waits until every request is answered: whoever was frozen or cut off has to be back.
    pub(crate) async fn settle(&mut self) -> anyhow::Result<()> {
        while let Some(answers) =
            timeout(LIMIT, self.asking.join_next()).await.context("an answer is late")?
        {
            for (after, answered) in answers? {
                let counts = if after { &mut self.after } else { &mut self.before };
                *counts.entry(answered).or_default() += 1;
            }
        }
        Ok(())
    }

    pub(crate) fn good_before(&self) -> usize {
        self.before.get(&Some(200)).copied().unwrap_or_default()
    }

    pub(crate) fn good_after(&self) -> usize {
        self.after.get(&Some(200)).copied().unwrap_or_default()
    }
}

async fn ask(caller: &Session) -> Answered {
    caller.get(INDEX).await.ok().map(|answer| answer.status)
}

/// Nobody is named who may still act on what was before.
fn is_complete(receipt: &Value) -> bool {
    receipt["silent"].as_array().is_some_and(Vec::is_empty) && receipt["effective_by"] == ""
}

impl fmt::Display for Rounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { count, before, after, .. } = self;
        write!(f, "{count} revocations; answers before each returned: {before:?}, after: {after:?}")
    }
}

/// The distribution in a line.
pub(crate) fn percentiles(times: &[Duration]) -> String {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = |percent: usize| sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)));
    let ms = |time: Option<&Duration>| {
        time.map_or_else(|| "none".into(), |time| format!("{:.1} ms", time.as_secs_f64() * 1e3))
    };
    format!(
        "{} of them, p50 {}, p90 {}, p99 {}, longest {}",
        sorted.len(),
        ms(at(50)),
        ms(at(90)),
        ms(at(99)),
        ms(sorted.last())
    )
}
