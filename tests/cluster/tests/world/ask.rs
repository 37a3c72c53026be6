//! Asking an address as a viewer, and comparing the answer with what the rules say.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use futures::StreamExt as _;
use reqwest::Method;
use reqwest::header::{ACCEPT, HeaderMap};
use serde_json::Value;
use testkit::{Answer, Session};

use crate::address::{Address, Family, What};
use crate::expect::{Expected, expected};
use crate::fact::{Facts, Opens};
use crate::mark;
use crate::read;
use crate::rule::Viewer;

/// Requests under way at once.
const AT_ONCE: usize = 16;

/// Pages of one list at most.
const PAGES: usize = 500;

/// Faults that are told at most, and how much of each.
const TOLD: usize = 400;
const TOLD_CHARS: usize = 700;

/// What was done so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) compared: AtomicU64,
    pub(crate) twins: AtomicU64,
    pub(crate) requests: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [compared, twins, requests, bytes] =
            [&self.compared, &self.twins, &self.requests, &self.bytes].map(|count| count.load(Relaxed));
        let mib = bytes / (1024 * 1024);
        write!(
            f,
            "{compared} answers compared with the rules, {twins} of them with the answer about a name that never was; \
             {requests} requests, {mib} MiB searched for names"
        )
    }
}

/// Whoever asks, through any of the gateways.
pub(crate) struct Asker {
    pub(crate) gateways: Vec<Session>,
    pub(crate) counts: Counts,
    faults: Mutex<Vec<String>>,
}

/// An answer without what differs in every one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Bare {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    length: usize,
    body: Vec<u8>,
}

/// Answers about names that never were, by viewer and address: many hidden names share one.
type Twins = Mutex<HashMap<(Viewer, String, &'static str), Bare>>;

fn bare(answer: &Answer) -> Bare {
    let kept = |name: &str| !["date", "x-request-id", "request-id"].contains(&name);
    let headers = answer.headers.iter().filter(|(name, _)| kept(name.as_str()));
    let mut headers: Vec<_> =
        headers.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    headers.sort();
    let body = match serde_json::from_slice::<Value>(&answer.body) {
        Ok(Value::Object(mut object)) => {
            object.remove("request_id");
            serde_json::to_vec(&object).expect("it was JSON")
        }
        _ => answer.body.clone(),
    };
    Bare { status: answer.status, headers, length: answer.body.len(), body }
}

fn header_names(headers: &HeaderMap) -> BTreeSet<String> {
    headers.iter().flat_map(|(_, value)| mark::found(value.as_bytes())).collect()
}

impl Asker {
    pub(crate) fn new(gateways: Vec<Session>) -> Self {
        Self { gateways, counts: Counts::default(), faults: Mutex::default() }
    }

    async fn get(
        &self,
        facts: &Facts,
        viewer: Viewer,
        address: &Address,
        path: &str,
    ) -> anyhow::Result<Answer> {
        let gateway = &self.gateways[path.len() % self.gateways.len()].nobody();
        let string = match viewer {
            Viewer::Nobody => None,
            Viewer::Unknown => Some(unknown()),
            Viewer::Token(at) => Some(facts.tokens[at].string.clone()),
        };
        let request = match (string, address.family) {
            (None, _) => gateway.request(Method::GET, path),
            (Some(token), Family::Conda) => gateway.request(Method::GET, &format!("/t/{token}{path}")),
            (Some(token), Family::Python) if in_path(viewer) => {
                gateway.request(Method::GET, &format!("/t/{token}{path}"))
            }
            (Some(token), Family::Python | Family::Api | Family::Repository) => {
                gateway.with(&token).request(Method::GET, path)
            }
        };
        let request = match address.family {
            Family::Repository => request.header("x-binstar-api-version", "1.16.0"),
            Family::Conda | Family::Python | Family::Api => request,
        };
        let answer = gateway.send(request.header(ACCEPT, address.accept)).await?;
        self.counts.requests.fetch_add(1, Relaxed);
        self.counts.bytes.fetch_add(answer.body.len() as u64, Relaxed);
        Ok(answer)
    }

    /// All pages of a list, or the one answer.
    async fn pages(&self, facts: &Facts, viewer: Viewer, address: &Address) -> anyhow::Result<Vec<Answer>> {
        let mut answers = vec![self.get(facts, viewer, address, &address.path).await?];
        if !address.path.contains("page_size=7") {
            return Ok(answers);
        }
        while let Value::String(next) = &answers.last().expect("there is one").json()["next_page_token"] {
            let path = format!("{}&page_token={next}", address.path);
            answers.push(self.get(facts, viewer, address, &path).await?);
            anyhow::ensure!(answers.len() < PAGES, "{} has no end", address.path);
        }
        Ok(answers)
    }

    /// Compares one answer with the rules. What is wrong with it.
    async fn check(
        &self,
        facts: &Facts,
        (viewer, address): (Viewer, &Address),
        twins: &Twins,
    ) -> anyhow::Result<Option<String>> {
        let mut wanted = expected(facts, viewer, address);
        if wanted.status == 401
            && address.family == Family::Python
            && facts.is_dead(viewer)
            && in_path(viewer)
        {
            // A 401 makes pip ask for a password that cannot help.
            wanted.status = 403;
        }
        let answers = self.pages(facts, viewer, address).await?;
        self.counts.compared.fetch_add(1, Relaxed);
        let fault = match compare(facts, address, &wanted, &answers) {
            Some(fault) => Some(fault),
            None => self.twin(facts, (viewer, address), &answers[0], twins).await?,
        };
        let who = || facts.describe(viewer);
        Ok(fault.map(|fault| format!("{} at {} ({}): {fault}", who(), address.path, address.accept)))
    }

    /// Compares an answer about a hidden name with the one about a name that never was.
    async fn twin(
        &self,
        facts: &Facts,
        (viewer, address): (Viewer, &Address),
        answer: &Answer,
        twins: &Twins,
    ) -> anyhow::Result<Option<String>> {
        let hidden = facts.hidden(viewer, address);
        let path = never(&address.path, &hidden);
        if path == address.path {
            return Ok(None);
        }
        let key = (viewer, path.clone(), address.accept);
        let known = twins.lock().expect("nobody panics with it").get(&key).cloned();
        let twin = match known {
            Some(twin) => twin,
            None => {
                let twin = bare(&self.get(facts, viewer, address, &path).await?);
                twins.lock().expect("nobody panics with it").insert(key, twin.clone());
                twin
            }
        };
        self.counts.twins.fetch_add(1, Relaxed);
        let mut own = bare(answer);
        own.body = never(&String::from_utf8_lossy(&own.body), &hidden).into_bytes();
        for (_, value) in &mut own.headers {
            *value = never(&String::from_utf8_lossy(value), &hidden).into_bytes();
        }
        let show = |bare: &Bare| format!("{} {:?}", bare.status, String::from_utf8_lossy(&bare.body));
        Ok((own != twin).then(|| {
            let (one, other) = (show(&own), show(&twin));
            format!("hidden it is {one} {:?}\n   never made it is {other} {:?}", own.headers, twin.headers)
        }))
    }

    /// Compares all of these with the rules; what differs is kept.
    pub(crate) async fn walk(
        &self,
        facts: &Facts,
        when: &str,
        looks: &[(Viewer, Address)],
    ) -> anyhow::Result<()> {
        let twins = Twins::default();
        let checks = looks.iter().map(|(viewer, address)| self.check(facts, (*viewer, address), &twins));
        let mut checks = futures::stream::iter(checks).buffer_unordered(AT_ONCE);
        while let Some(fault) = checks.next().await {
            if let Some(fault) = fault? {
                self.faults.lock().expect("nobody panics with it").push(format!("{when}: {}", short(&fault)));
            }
        }
        Ok(())
    }

    /// Whether everything was as the rules say; an error tells what was not.
    pub(crate) fn right(&self) -> anyhow::Result<()> {
        let faults = self.faults.lock().expect("nobody panics with it");
        let told: Vec<&str> = faults.iter().take(TOLD).map(String::as_str).collect();
        anyhow::ensure!(faults.is_empty(), "{} answers are wrong\n{}", faults.len(), told.join("\n"));
        Ok(())
    }

    /// An answer that somebody gets who is let in.
    pub(crate) async fn fetch(
        &self,
        facts: &Facts,
        viewer: Viewer,
        address: &Address,
    ) -> anyhow::Result<Answer> {
        self.get(facts, viewer, address, &address.path).await
    }
}

/// Whether a viewer shows its token to pip in the path.
fn in_path(viewer: Viewer) -> bool {
    matches!(viewer, Viewer::Unknown) || matches!(viewer, Viewer::Token(at) if at % 2 == 0)
}

/// A string of the right shape that nobody has issued.
fn unknown() -> String {
    use access::token_string::{Kind, RANDOM_BYTES, mint};
    mint(Kind::Resource, [7; RANDOM_BYTES])
}

/// A text with other names in the place of those that are hidden.
fn never(text: &str, hidden: &BTreeSet<String>) -> String {
    hidden.iter().fold(text.to_owned(), |text, name| text.replace(name, &mark::never(name)))
}

/// What is wrong with an answer.
fn compare(facts: &Facts, address: &Address, wanted: &Expected, answers: &[Answer]) -> Option<String> {
    let answer = &answers[0];
    if answer.status != wanted.status {
        return Some(format!("{} and not {}: {}", answer.status, wanted.status, answer.text()));
    }
    if let (200, Some(lines)) = (answer.status, &wanted.lines) {
        let found = if let What::File { package, file, .. } = &address.what {
            let stored = &facts.packages[*package].files[*file];
            (answer.body != stored.bytes).then(|| "these are other bytes".to_owned())
        } else {
            match read::lines(address, answers) {
                Ok(found) => difference(lines, &found),
                Err(error) => Some(format!("{error:#}")),
            }
        };
        if found.is_some() {
            return found;
        }
    }
    let asked = mark::found(address.path.as_bytes());
    let mut allowed = wanted.allowed();
    allowed.extend(asked);
    let said = answers.iter().flat_map(|answer| {
        let body = mark::found(&read::plain(&answer.body));
        body.into_iter().chain(mark::found(&answer.body)).chain(header_names(&answer.headers))
    });
    let told: BTreeSet<_> = said.filter(|name| !allowed.contains(name)).collect();
    (!told.is_empty())
        .then(|| format!("it names {told:?}: {}", String::from_utf8_lossy(&read::plain(&answer.body))))
}

/// A fault to be told: the whole of a long answer helps nobody.
fn short(fault: &str) -> String {
    fault.chars().take(TOLD_CHARS).collect()
}

fn difference(wanted: &[String], found: &[String]) -> Option<String> {
    let missing: Vec<_> = wanted.iter().filter(|line| !found.contains(line)).collect();
    let more: Vec<_> = found.iter().filter(|line| !wanted.contains(line)).collect();
    let same = wanted == found;
    (!same)
        .then(|| format!("missing {missing:?}, too many {more:?}, {} and not {}", found.len(), wanted.len()))
}

impl Facts {
    /// A viewer for people who read what went wrong.
    pub(crate) fn describe(&self, viewer: Viewer) -> String {
        match viewer {
            Viewer::Nobody => "nobody".to_owned(),
            Viewer::Unknown => "an unknown string".to_owned(),
            Viewer::Token(at) => {
                let token = &self.tokens[at];
                let owner = &self.accounts[token.owner];
                let opens = match &token.opens {
                    Opens::All => "session".to_owned(),
                    Opens::Channels(grants) => {
                        let named = grants.iter().map(|(at, level)| (&self.channels[*at].name, level));
                        format!("token for {:?}", named.collect::<Vec<_>>())
                    }
                    Opens::Scopes(scopes) => format!("token for {scopes:?}"),
                };
                let state = if self.live(viewer).is_none() { "dead " } else { "" };
                format!("{state}{opens} of {}", owner.login)
            }
        }
    }

    /// The names in an address that a viewer may not know.
    fn hidden(&self, viewer: Viewer, address: &Address) -> BTreeSet<String> {
        let mut names = mark::found(address.path.as_bytes());
        names.retain(|name| !self.may_know(viewer, name));
        names
    }

    fn may_know(&self, viewer: Viewer, name: &str) -> bool {
        let packages = || self.packages.iter().filter(|package| package.name == name && !package.gone);
        let part = |channel: &String| channel.split('/').next_back() == Some(name);
        let channels = (0..self.channels.len()).filter(|at| part(&self.channels[*at].name));
        let groups = (0..self.groups.len()).filter(|at| self.groups[*at].name == name);
        match name.as_bytes()[2] {
            b'p' => packages().any(|package| self.is_told_of(viewer, package)),
            b'c' => {
                // Above what somebody may read stands a name that they are told.
                let below = |at: usize| {
                    (0..self.channels.len()).filter(move |it| self.channels[*it].parent == Some(at))
                };
                channels.clone().any(|at| self.knows_channel(viewer, at))
                    || channels.clone().any(|at| below(at).any(|it| self.knows_channel(viewer, it)))
            }
            b'g' => groups.clone().any(|at| {
                let shown = self.groups_shown(viewer, self.groups[at].organisation);
                shown.is_ok_and(|shown| shown.contains(&at))
            }),
            _ => {
                let files =
                    self.packages.iter().filter(|package| !package.gone && self.knows(viewer, package));
                let mut files = files.flat_map(|package| &package.files);
                let at =
                    (0..self.channels.len()).find(|at| self.channels[*at].labels.iter().any(|it| it == name));
                files.any(|file| file.labels.contains(name))
                    || at.is_some_and(|at| self.door(viewer, crate::rule::Deed::Lock, Some(at)).is_ok())
            }
        }
    }
}
