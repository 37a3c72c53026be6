//! Asking again and again, beside a change: what was begun after its call had returned must know of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Session};
use tokio::task::JoinSet;

/// Where the tests' tokens lead.
pub(crate) const INDEX: &str = "/acme/noarch/repodata.json";

/// A change that must succeed, with the document it is answered with.
pub(crate) async fn change(
    session: &Session,
    method: Method,
    path: &str,
    body: Value,
) -> anyhow::Result<Value> {
    let answer = session.send(session.request(method.clone(), path).json(&body)).await?;
    Ok(answer.good().with_context(|| format!("{method} {path}"))?.json())
}

/// Issues a token: as the REST interface takes it, with a name.
pub(crate) async fn issue(session: &Session, name: &str, mut body: Value) -> anyhow::Result<Value> {
    body["name"] = json!(name);
    change(session, Method::POST, "/api/v1/tokens", body).await
}

/// A field that must be text.
pub(crate) fn text<'a>(document: &'a Value, field: &str) -> &'a str {
    document[field].as_str().unwrap_or_else(|| panic!("{field} is no text in {document}"))
}

/// The status that a string is answered with.
pub(crate) async fn status(session: &Session, string: &str, path: &str) -> anyhow::Result<u16> {
    Ok(session.with(string).get(path).await?.status)
}

/// What a dead string is told: the sentence of a 401.
pub(crate) fn words(answer: &Answer) -> String {
    assert_eq!(answer.status, 401, "{}", answer.text());
    text(&answer.json(), "detail").to_owned()
}

/// Several callers that ask all the time, until each has asked often enough after the change.
pub(crate) struct Asking {
    after: Arc<AtomicBool>,
    askers: JoinSet<anyhow::Result<Asked>>,
}

/// What one caller was answered.
pub(crate) struct Asked {
    /// Of requests begun before the change's call had returned.
    pub(crate) before: Vec<u16>,
    /// Of requests begun after.
    pub(crate) after: Vec<u16>,
}

/// Requests of each caller on either side of the change.
const EACH: usize = 10;

impl Asking {
    /// Starts them; returns when each was answered some times.
    pub(crate) async fn start(session: &Session, string: &str, path: &str) -> anyhow::Result<Self> {
        let after = Arc::new(AtomicBool::new(false));
        let mut askers = JoinSet::new();
        let (ready, mut readies) = tokio::sync::mpsc::unbounded_channel();
        for _ in 0..4 {
            let (caller, path, after) = (session.with(string), path.to_owned(), after.clone());
            let ready = ready.clone();
            askers.spawn(async move {
                let mut asked = Asked { before: Vec::new(), after: Vec::new() };
                while asked.after.len() < EACH {
                    let statuses = match after.load(Ordering::SeqCst) {
                        true => &mut asked.after,
                        false => &mut asked.before,
                    };
                    statuses.push(caller.get(&path).await?.status);
                    if asked.before.len() == EACH {
                        ready.send(()).ok();
                    }
                }
                Ok(asked)
            });
        }
        drop(ready);
        for _ in 0..askers.len() {
            readies.recv().await.context("an asker has ended before the change")?;
        }
        Ok(Self { after, askers })
    }

    /// The change's call has returned: what is asked from now on must know of it.
    pub(crate) async fn returned(self) -> anyhow::Result<Asked> {
        self.after.store(true, Ordering::SeqCst);
        let mut all = Asked { before: Vec::new(), after: Vec::new() };
        for asked in self.askers.join_all().await {
            let asked = asked?;
            all.before.extend(asked.before);
            all.after.extend(asked.after);
        }
        Ok(all)
    }
}

impl Asked {
    /// Whether everything was answered well on both sides.
    pub(crate) fn all_good(&self) -> bool {
        self.before.iter().chain(&self.after).all(|status| *status == 200)
    }

    /// Whether everything after was refused with this status.
    pub(crate) fn refused(&self, with: u16) -> bool {
        self.after.iter().all(|status| *status == with)
    }
}
