//! A token that is issued, used at every gateway all the time, and revoked; and what each request was answered.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::Value;
use testkit::{Cluster, LIMIT, Session};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

const INDEX: &str = "/acme/noarch/repodata.json";

/// Between two requests of one caller, and two tries of a call.
const PAUSE: Duration = Duration::from_millis(10);

/// Answers of one caller after the change, before it stops.
const AFTER: usize = 2;

/// The gateway through which changes are made: nothing befalls it.
const STEADY: usize = 1;

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
        gateways[STEADY].create_channel("acme", "private").await?;
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

    async fn round(&mut self) -> anyhow::Result<Duration> {
        self.count += 1;
        let admin = self.gateways[STEADY].clone();
        let mut tries = interval(PAUSE);
        // A name that an unanswered try has taken is not tried again.
        let mut serial = 0;
        let issuing = async {
            loop {
                let name = format!("t{}-{serial}", self.count);
                match admin.issue_token(&name, &[("acme", "read")]).await {
                    Ok(issued) => return issued,
                    Err(_) => serial += 1,
                }
                tries.tick().await;
            }
        };
        let issued = timeout(LIMIT, issuing).await.context("no token is issued for a minute")?;
        let returned = Arc::new(AtomicBool::new(false));
        let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
        for (index, gateway) in self.gateways.iter().enumerate() {
            let (caller, returned) = (gateway.with(&issued.token), returned.clone());
            let heard = (index == STEADY).then(|| heard.clone());
            self.asking.spawn(async move {
                let mut pause = interval(PAUSE);
                let mut answers = Vec::new();
                while answers.iter().filter(|(after, _)| *after).count() < AFTER {
                    let after = returned.load(Ordering::SeqCst);
                    answers.push((after, ask(&caller).await));
                    if let Some(heard) = &heard {
                        heard.send(()).ok();
                    }
                    pause.tick().await;
                }
                answers
            });
        }
        hears.recv().await.context("the steady gateway's caller has gone")?;

        let started = Instant::now();
        let revoking = async {
            loop {
                // A retry of one whose answer was lost gives a true receipt as well.
                let answer = admin.delete(&format!("/api/v1/tokens/{}", issued.id)).await;
                if let Ok(answer) = answer
                    && answer.is_success()
                    && is_complete(&answer.json()["receipt"])
                {
                    return;
                }
                tries.tick().await;
            }
        };
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
