//! Auditors: what a subscriber hears when it is killed, when the server is, and when it wants little.

#[path = "cli/user.rs"]
mod user;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use serde_json::Value;
use testkit::{Cluster, Options, Part, Session};
use user::User;

/// Lives of the subscriber, and events of each writer.
fn rounds() -> usize {
    if testkit::is_long() { 400 } else { 40 }
}

/// The same numbers in each run (xorshift64).
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("it is below the limit")
    }
}

/// A subscriber that runs.
struct Life {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Life {
    fn begin(user: &User, arguments: &[&str]) -> anyhow::Result<Self> {
        let command = &[&["events", "tail", "--follow", "--json"][..], arguments].concat();
        let mut child = user.command(command).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let lines = BufReader::new(child.stdout.take().expect("it was piped")).lines();
        Ok(Self { child, lines })
    }

    fn next(&mut self) -> anyhow::Result<Value> {
        let line = self.lines.next().ok_or_else(|| anyhow::anyhow!("the subscriber ended by itself"))??;
        Ok(serde_json::from_str(&line)?)
    }

    fn kill9(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

fn seq(line: &Value) -> u64 {
    line["seq"].as_u64().unwrap_or_else(|| panic!("{line}"))
}

fn event_id(line: &Value) -> String {
    line["envelope"]["event_id"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned()
}

fn kinds(line: &Value) -> Vec<&str> {
    let events = line["envelope"]["events"].as_array().unwrap_or_else(|| panic!("{line}"));
    events.iter().filter_map(|event| event["type"].as_str()).collect()
}

fn is_last(line: &Value) -> bool {
    line["envelope"]["events"][0]["name"] == "the-last"
}

async fn write(session: Session, writer: usize) -> anyhow::Result<()> {
    for round in 0..rounds() {
        let name = format!("token-{writer}-{round}");
        session.issue_token(&name, &[(&format!("own{writer}"), "read")]).await?;
        if round % 3 == 0 {
            session.delete(&format!("/api/v1/tokens/{name}")).await?.good()?;
        }
    }
    Ok(())
}

/// Subscribes again and again until the last event is heard. What was heard before a kill is kept, the position it was
/// heard at only now and then: so a part comes twice.
fn listen(user: &User) -> anyhow::Result<Vec<Value>> {
    let (mut seeded, mut heard, mut from) = (Seeded(0x1a7c_44e1), Vec::new(), 1);
    loop {
        let mut life = Life::begin(user, &["--from", &from.to_string()])?;
        for _ in 0..seeded.below(12) + 1 {
            let line = life.next()?;
            if seeded.below(3) == 0 {
                from = seq(&line) + 1;
            }
            let last = is_last(&line);
            heard.push(line);
            if last {
                life.kill9()?;
                return Ok(heard);
            }
        }
        life.kill9()?;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_subscriber_hears_everything_in_order_and_can_tell_what_came_twice() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let admin = cluster.admin().clone();
    let mut writers = Vec::new();
    for writer in 0..3 {
        let session = cluster.create_person(&format!("writer{writer}")).await?;
        writers.push(tokio::spawn(async move {
            session.create_channel(&format!("own{writer}"), "private").await?;
            write(session, writer).await
        }));
    }
    let user = User::new(&cluster, Some(admin.token()))?;
    let (heard, user) = {
        let listening = tokio::task::spawn_blocking(move || (listen(&user), user));
        for writer in writers {
            writer.await??;
        }
        admin.create_channel("the-last", "private").await?;
        let (heard, user) = listening.await?;
        (heard?, user)
    };
    let whole = user.run(&["events", "tail", "--json"])?;
    let whole: Vec<Value> = whole.out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let last = whole.iter().find(|line| is_last(line)).map(seq).expect("it was made");

    let (mut ids, mut positions) = (BTreeSet::new(), BTreeMap::<&str, u64>::new());
    for line in heard.iter().filter(|line| ids.insert(event_id(line))) {
        let subject = line["subject"].as_str().unwrap_or_default();
        let before = positions.insert(subject, seq(line)).unwrap_or_default();
        assert!(before < seq(line), "{subject} went back from {before} to {}", seq(line));
    }
    let expected: BTreeSet<String> = whole.iter().filter(|line| seq(line) <= last).map(event_id).collect();
    assert!(heard.len() > ids.len() && ids.len() > 3 * rounds(), "{} of {}", ids.len(), heard.len());
    assert_eq!(ids, expected, "each is heard, and nothing that did not happen");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_outlives_a_gateway_and_hears_what_it_wants_alone() -> anyhow::Result<()> {
    let mut cluster = Cluster::start(Options { separate_processes: true, ..Options::default() }).await?;
    let ada = cluster.create_person("ada").await?;
    let ben = cluster.create_person("ben").await?;
    let user = User::new(&cluster, Some(cluster.admin().token()))?;
    let mut life = Life::begin(&user, &["--kind", "ChannelCreated,channel-described", "--actor", "ada"])?;
    ben.create_channel("bens", "private").await?;
    ada.create_channel("first", "private").await?;
    let first = tokio::task::spawn_blocking(move || (life.next(), life)).await?;
    let (line, mut life) = (first.0?, first.1);
    assert_eq!(
        (kinds(&line), &line["envelope"]["events"][0]["name"]),
        (vec!["ChannelCreated"], &"first".into())
    );

    cluster.kill9(Part::Gateway).await?;
    cluster.restart(Part::Gateway).await?;
    ada.issue_token("unwanted", &[("first", "read")]).await?;
    User::new(&cluster, Some(ada.token()))?.json(&["channel", "create", "second"])?;
    let (line, life) = tokio::task::spawn_blocking(move || (life.next(), life)).await?;
    assert_eq!(line?["envelope"]["events"][0]["name"], "second");
    life.kill9()?;

    let about = user.run(&["events", "tail", "--json", "--object", "second"])?;
    let about: Vec<Value> = about.out.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let (bookmark, about) = about.split_last().expect("a bookmark ends it");
    assert!(bookmark["bookmark"].as_u64() >= about.last().map(seq), "{bookmark}");
    assert!(about.iter().flat_map(kinds).any(|kind| kind == "NameTaken"), "{about:?}");
    let later = user.run(&["events", "tail", "--json", "--from", "2099-01-01"])?;
    assert!(later.code == Some(0) && !later.out.contains("\"seq\""), "{}", later.out);
    let wrong = user.run(&["events", "tail", "--kind", "TokenFlown"])?;
    assert!(wrong.code == Some(2) && wrong.err.contains("TokenRevoked"), "{}", wrong.err);
    cluster.stop().await
}
