//! Installs, uploads and revocations, each begun when the one before is answered, and what was wrong with any answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use testkit::package::Conda;
use testkit::{Answer, LIMIT};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};

use crate::door::Door;

const INDEX: &str = "/acme/noarch/repodata.json";

/// Between two rounds of one worker: the machine's cores are for the cluster.
const PAUSE: Duration = Duration::from_millis(20);

/// What all know.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// File names whose uploads were answered, with their sizes.
    pub(crate) uploaded: BTreeMap<String, usize>,
    /// Those of which it was said that every later read shows them, and when.
    shown: BTreeMap<String, (usize, Instant)>,
    /// Strings of tokens whose revocations were answered.
    pub(crate) revoked: Vec<String>,
    /// Strings of tokens that live on.
    pub(crate) kept: Vec<String>,
    /// Answers by kind, and the longest wait for one.
    answers: BTreeMap<&'static str, (usize, Duration)>,
    pub(crate) wrong: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Load {
    door: Door,
    admin: Arc<str>,
    reader: Arc<str>,
    facts: Arc<Mutex<Facts>>,
    /// Rounds that each worker has made.
    rounds: watch::Sender<BTreeMap<&'static str, usize>>,
    stop: watch::Sender<bool>,
}

impl Load {
    pub(crate) fn new(door: &Door, admin: &str, reader: &str) -> Self {
        let (rounds, stop) = (watch::Sender::default(), watch::Sender::new(false));
        Self {
            door: door.clone(),
            admin: admin.into(),
            reader: reader.into(),
            facts: Arc::default(),
            rounds,
            stop,
        }
    }

    /// Everybody at once, until stopped.
    pub(crate) fn start(&self) -> JoinSet<anyhow::Result<()>> {
        let mut workers = JoinSet::new();
        for install in ["install-1", "install-2"] {
            workers.spawn(self.clone().work(install, async |load, _| load.install().await));
        }
        for upload in ["upload-1", "upload-2"] {
            workers
                .spawn(self.clone().work(upload, async move |load, round| load.upload(upload, round).await));
        }
        for revoke in ["revoke-1", "revoke-2"] {
            workers
                .spawn(self.clone().work(revoke, async move |load, round| load.revoke(revoke, round).await));
        }
        workers
    }

    async fn work<F>(self, who: &'static str, round: F) -> anyhow::Result<()>
    where
        F: for<'a> AsyncFn(&'a Self, usize) -> anyhow::Result<()>,
    {
        let mut turns = interval(PAUSE);
        for number in 0.. {
            if *self.stop.borrow() {
                break;
            }
            turns.tick().await;
            round(&self, number).await?;
            self.rounds.send_modify(|rounds| *rounds.entry(who).or_default() += 1);
        }
        Ok(())
    }

    pub(crate) fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Returns when everybody has been round so many times more.
    pub(crate) async fn more(&self, count: usize) -> anyhow::Result<()> {
        let start = self.rounds.borrow().clone();
        let mut rounds = self.rounds.subscribe();
        let awaited = rounds.wait_for(|rounds| {
            rounds.len() == 6
                && rounds
                    .iter()
                    .all(|(who, made)| *made >= start.get(who).copied().unwrap_or_default() + count)
        });
        timeout(LIMIT, awaited).await.context("somebody gets no further for a minute")??;
        Ok(())
    }

    pub(crate) fn facts<T>(&self, with: impl FnOnce(&mut Facts) -> T) -> T {
        with(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Notes an answer, and says whether it is the one that is due.
    fn due(&self, what: &'static str, begun: Instant, answer: &anyhow::Result<Answer>, status: u16) -> bool {
        let took = self.count(what, begun);
        let wrong = match answer {
            Ok(answer) if answer.status == status => return true,
            Ok(answer) => format!("{}: {}", answer.status, answer.text()),
            Err(error) => format!("{error:#}"),
        };
        self.note_wrong(format!("{what} after {took:?}: {wrong}"));
        false
    }

    /// Counts an answer, and says how long it took.
    fn count(&self, what: &'static str, begun: Instant) -> Duration {
        let took = begun.elapsed();
        self.facts(|facts| {
            let (count, longest) = facts.answers.entry(what).or_default();
            (*count, *longest) = (*count + 1, took.max(*longest));
        });
        took
    }

    fn note_wrong(&self, wrong: String) {
        self.facts(|facts| facts.wrong.push(wrong));
    }

    /// Reads the index, and the newest of the files that it must show.
    async fn install(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        let shown: BTreeMap<_, _> = self.facts(|facts| {
            let due = facts.shown.iter().filter(|(_, (_, since))| *since <= begun);
            due.map(|(name, told)| (name.clone(), *told)).collect()
        });
        let index = self.door.next(&self.reader).await?.get(INDEX).await;
        if self.due("index", begun, &index, 200) {
            let index = index?.json();
            for (name, (_, since)) in &shown {
                if index["packages.conda"].get(name.as_str()).is_none() {
                    self.note_wrong(format!("the index does not show {name} after {:?}", begun - *since));
                }
            }
        }
        let Some((name, (size, _))) = shown.last_key_value() else { return Ok(()) };
        let begun = Instant::now();
        let file = self.door.next(&self.reader).await?.get(&format!("/acme/noarch/{name}")).await;
        if self.due("file", begun, &file, 200) && file?.body.len() != *size {
            self.note_wrong(format!("{name} is not as it was uploaded"));
        }
        Ok(())
    }

    async fn upload(&self, who: &str, round: usize) -> anyhow::Result<()> {
        // Many versions of few names: uploads race on one place of the log as well as beside each other.
        let file =
            Conda::new(&format!("pkg{}", round % 3), &format!("1.{round}.{}", &who[who.len() - 1..])).conda();
        let begun = Instant::now();
        let answer = self.door.next(&self.admin).await?.upload("acme", &file).await;
        if self.due("upload", begun, &answer, 201) {
            let pending = answer?.headers.contains_key("latchkey-pending");
            self.facts(|facts| {
                if !pending {
                    facts.shown.insert(file.name.clone(), (file.bytes.len(), Instant::now()));
                }
                facts.uploaded.insert(file.name, file.bytes.len());
            });
        }
        Ok(())
    }

    /// A token's life: it opens wherever it is shown, and after its end nowhere. Every fourth lives on.
    async fn revoke(&self, who: &str, round: usize) -> anyhow::Result<()> {
        let body = json!({
            "name": format!("{who}-{round}"), "grants": [{ "channel": "acme", "level": "read" }],
        });
        let begun = Instant::now();
        let issued = self.door.next(&self.admin).await?.post("/api/v1/tokens", &body).await;
        if !self.due("issue", begun, &issued, 201) {
            return Ok(());
        }
        let issued = issued?.json();
        let text = |field: &str| issued[field].as_str().unwrap_or_default().to_owned();
        let (id, token) = (text("id"), text("token"));
        let begun = Instant::now();
        let opened = self.door.next(&token).await?.get(INDEX).await;
        // Nobody is waited for long with what gives something: the receipt names who may not have heard of it.
        if is_known_to_all(&issued["receipt"]) {
            self.due("token opens", begun, &opened, 200);
        } else {
            self.count("token that not all know", begun);
        }
        if round % 4 == 3 {
            self.facts(|facts| facts.kept.push(token));
            return Ok(());
        }
        let begun = Instant::now();
        let revoked = self.door.next(&self.admin).await?.delete(&format!("/api/v1/tokens/{id}")).await;
        if !self.due("revoke", begun, &revoked, 200) {
            return Ok(());
        }
        let receipt = revoked?.json()["receipt"].clone();
        if receipt["silent"] != json!([]) || receipt["effective_by"] != "" {
            self.note_wrong(format!("a receipt names who may still let it in: {receipt}"));
        }
        let begun = Instant::now();
        let refused = self.door.next(&token).await?.get(INDEX).await;
        self.due("token is refused", begun, &refused, 401);
        self.facts(|facts| facts.revoked.push(token));
        Ok(())
    }
}

fn is_known_to_all(receipt: &Value) -> bool {
    ["silent", "lapsed"].into_iter().all(|unheard| receipt[unheard] == json!([]))
}

impl std::fmt::Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.facts(|facts| {
            let answers = facts.answers.iter();
            let told =
                answers.map(|(what, (count, longest))| format!("{what} {count} (longest {longest:.0?})"));
            f.write_str(&told.collect::<Vec<_>>().join(", "))
        })
    }
}
