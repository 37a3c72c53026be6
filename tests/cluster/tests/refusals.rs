//! Every route with every kind of caller on a running cluster, from the one table; a route that is not in the gateway's
//! list does not exist, and one that the table cannot place fails the walk.

#[path = "refusals/table.rs"]
mod table;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures::StreamExt as _;
use gateway::{Route, routes_table};
use runtime::{Clock as _, TestClock};
use serde_json::json;
use table::{Caller, Carrier, Expect, Room, TABLE, address, expected, rooms};
use testkit::{Answer, Cluster, Options, Session};
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;

/// Requests under way at once; each may need a connection to Postgres, which a loaded machine is slow to open.
const AT_ONCE: usize = 8;

/// How long the token that is to expire lives.
const SHORT: Duration = Duration::from_secs(60);

/// Those whose requests change what the walk stands on; they are made when it is over.
const ENDINGS: [(&str, &str); 4] = [
    ("DELETE", "/api/v1/channels/{channel}"),
    ("DELETE", "/api/v1/session"),
    ("DELETE", "/api/authentications"),
    ("DELETE", "/api/channels/{channel}"),
];

fn name(room: Room) -> &'static str {
    match room {
        Room::Public => "public",
        Room::Authenticated => "members",
        Room::Private => "private",
        Room::Missing => "missing",
    }
}

/// Everybody in the table, by the credential they show.
struct Callers {
    nobody: Session,
    strings: Vec<(Caller, String)>,
}

impl Callers {
    async fn new(cluster: &Cluster, clock: &TestClock) -> anyhow::Result<Self> {
        let owner = cluster.create_person("owner").await?;
        for (channel, privacy) in [
            ("public", "public"),
            ("members", "authenticated"),
            ("private", "private"),
            ("elsewhere", "private"),
        ] {
            owner.create_channel(channel, privacy).await?;
        }
        let all = |level| [("public", level), ("members", level), ("private", level)];
        let issue = async |name: &str, grants: &[(&str, &str)]| owner.issue_token(name, grants).await;
        let revoked = issue("revoked", &all("manage")).await?;
        owner.delete(&format!("/api/v1/tokens/{}", revoked.id)).await?.good()?;
        let disabled = cluster.create_person("disabled").await?;
        let of_disabled = disabled.issue_token("orphan", &[("public", "read")]).await?;
        cluster.admin().post("/api/v1/accounts/disabled/disable", &json!({})).await?.good()?;
        let strings = vec![
            (Caller::Nobody, String::new()),
            (Caller::Garbage, "lkr-000000000000000000000000000000000000".to_owned()),
            (Caller::Unknown, unknown()),
            (Caller::Expired, expired(&owner, clock).await?),
            (Caller::Revoked, revoked.token),
            (Caller::Disabled, of_disabled.token),
            (Caller::Reader, issue("reader", &all("read")).await?.token),
            (Caller::Writer, issue("writer", &all("write")).await?.token),
            (Caller::Manager, issue("manager", &all("manage")).await?.token),
            (Caller::Outsider, issue("outsider", &[("elsewhere", "manage")]).await?.token),
            (Caller::Stranger, cluster.create_person("stranger").await?.token().to_owned()),
            (Caller::Owner, owner.token().to_owned()),
            (Caller::Admin, cluster.admin().token().to_owned()),
        ];
        Ok(Self { nobody: owner.nobody(), strings })
    }

    async fn ask(
        &self,
        caller: Caller,
        route: &Route,
        room: Room,
        carrier: Carrier,
    ) -> anyhow::Result<Answer> {
        let (_, token) =
            self.strings.iter().find(|(of, _)| *of == caller).expect("everybody has a credential");
        let path = address(route, name(room));
        let request = match (token.as_str(), carrier) {
            ("", _) => self.nobody.request(route.method.clone(), &path),
            (token, Carrier::Path) => self.nobody.request(route.method.clone(), &format!("/t/{token}{path}")),
            (token, Carrier::Header) => self.nobody.with(token).request(route.method.clone(), &path),
        };
        self.nobody.send(request).await
    }
}

/// A string of the right shape that nobody has issued.
fn unknown() -> String {
    access::token_string::mint(access::token_string::Kind::Resource, [7; access::token_string::RANDOM_BYTES])
}

/// A token that was good and is past its end.
async fn expired(owner: &Session, clock: &TestClock) -> anyhow::Result<String> {
    let body = json!({ "name": "short", "expires_at": (clock.now() + SHORT).format(&Rfc3339)?,
        "grants": [{ "channel": "private", "level": "manage" }] });
    let issued = owner.post("/api/v1/tokens", &body).await?.good()?.json();
    clock.advance(SHORT);
    Ok(issued["token"].as_str().context("the answer has no token")?.to_owned())
}

fn check(answer: &Answer, expect: Expect, what: &str) {
    let status = answer.status;
    let what = format!("{what}: {status} {}", answer.text());
    let problem = || {
        let body = answer.json();
        assert_eq!(answer.headers["content-type"], "application/problem+json", "{what}");
        assert_eq!(body["status"], status, "{what}");
        assert_eq!(body["detail"], body["error"], "{what}");
        assert!(body["title"].is_string() && body["request_id"].is_string(), "{what}");
    };
    match expect {
        Expect::Pass | Expect::Warned => {
            assert!(![401, 403].contains(&status) && status < 500, "{what}");
            let warned = answer.headers.contains_key("conda-token-warning");
            assert_eq!(warned, expect == Expect::Warned, "{what}");
        }
        Expect::Asked => {
            assert_eq!(status, 401, "{what}");
            assert_eq!(answer.headers["www-authenticate"], "Basic realm=\"latchkey\"", "{what}");
            problem();
        }
        Expect::Forbidden => {
            assert_eq!(status, 403, "{what}");
            problem();
        }
    }
}

fn is_ending(route: &Route) -> bool {
    ENDINGS.iter().any(|(method, pattern)| route.method == *method && route.pattern == *pattern)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_answers_every_kind_of_caller_as_the_table_says() -> anyhow::Result<()> {
    let clock = Arc::new(TestClock::at(datetime!(2026-11-21 23:00 UTC)));
    let cluster = Cluster::start(Options { clock: Some(clock.clone()), ..Options::default() }).await?;
    let callers = Callers::new(&cluster, &clock).await?;
    let mut cells = Vec::new();
    for route in routes_table() {
        for (caller, _) in TABLE {
            for room in rooms(&route) {
                for carrier in [Carrier::Path, Carrier::Header] {
                    // No subchannel is made here: each is refused like a channel that is not there.
                    let below = route.pattern.contains("{subchannel}");
                    let of = if below { Room::Missing } else { *room };
                    let expect = expected(caller, &route, of, carrier);
                    if expect != Expect::Pass || !is_ending(&route) {
                        cells.push((route.clone(), caller, *room, carrier, expect));
                    }
                }
            }
        }
    }
    let answers = futures::stream::iter(&cells).map(|(route, caller, room, carrier, expect)| {
        let callers = &callers;
        async move {
            let what =
                format!("{} {} in {room:?} by {caller:?} in the {carrier:?}", route.method, route.pattern);
            Ok::<_, anyhow::Error>((callers.ask(*caller, route, *room, *carrier).await?, *expect, what))
        }
    });
    let mut answers = answers.buffer_unordered(AT_ONCE);
    while let Some(answer) = answers.next().await {
        let (answer, expect, what) = answer?;
        check(&answer, expect, &what);
    }
    drop(answers);
    endings(&callers).await?;
    cluster.stop().await
}

/// What the walk left out: those who may delete a channel or end their session can, once.
async fn endings(callers: &Callers) -> anyhow::Result<()> {
    let route = |wanted: usize| {
        let (method, pattern) = ENDINGS[wanted];
        let mut routes = routes_table().into_iter();
        routes
            .find(|route| route.method == method && route.pattern == pattern)
            .expect("the ending is a route")
    };
    for (caller, room, ending, status) in [
        (Caller::Manager, Room::Public, 0, 200),
        (Caller::Owner, Room::Authenticated, 3, 202),
        (Caller::Admin, Room::Private, 0, 200),
    ] {
        let answer = callers.ask(caller, &route(ending), room, Carrier::Header).await?;
        assert_eq!(answer.status, status, "{caller:?} {}", answer.text());
    }
    for (caller, ending, status) in [(Caller::Stranger, 1, 200), (Caller::Owner, 2, 201)] {
        let answer = callers.ask(caller, &route(ending), Room::Public, Carrier::Header).await?;
        assert_eq!(answer.status, status, "{caller:?} {}", answer.text());
        let again = callers.ask(caller, &route(ending), Room::Public, Carrier::Header).await?;
        assert_eq!(again.status, 401, "{caller:?} {}", again.text());
    }
    Ok(())
}
