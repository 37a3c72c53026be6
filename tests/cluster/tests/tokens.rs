//! The life of a token on a running cluster: edited, reissued with and without an overlap, and what becomes of it when its
//! owner may less.

#[path = "tokens/ask.rs"]
mod ask;

use std::sync::Arc;
use std::time::Duration;

use ask::{Asking, INDEX, change, issue, status, text, words};
use reqwest::Method;
use runtime::{Clock as _, TestClock};
use serde_json::{Value, json};
use testkit::package::Conda;
use testkit::{Cluster, Options, Session};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::datetime;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Clients that change over from one string to the next.
const CLIENTS: usize = 100;

/// Clients that are given the new string together.
const AT_ONCE: usize = 25;

const START: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

async fn clocked() -> anyhow::Result<(Cluster, Arc<TestClock>)> {
    let clock = Arc::new(TestClock::at(START));
    let cluster = Cluster::start(Options { clock: Some(clock.clone()), ..Options::default() }).await?;
    Ok((cluster, clock))
}

/// Somebody with a private channel and a file in it.
async fn owner(cluster: &Cluster) -> anyhow::Result<Session> {
    let ada = cluster.create_person("ada").await?;
    ada.create_channel("acme", "private").await?;
    ada.upload("acme", &Conda::new("tiny", "1.0").conda()).await?.good()?;
    Ok(ada)
}

/// Whether the gateway has said that it has applied a change.
fn is_confirmed(answer: &Value) -> bool {
    let confirmed = answer["receipt"]["confirmed"].as_array();
    confirmed.into_iter().flatten().any(|entry| entry["gateway"] == "gateway")
}

fn reads() -> Value {
    json!({ "grants": [{ "channel": "acme", "level": "read" }] })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_keeps_the_string_and_a_reissue_ends_it_at_once() -> anyhow::Result<()> {
    let (cluster, clock) = clocked().await?;
    let ada = owner(&cluster).await?;
    let issued = issue(&ada, "ci", reads()).await?;
    let (id, old) = (text(&issued, "id"), text(&issued, "token"));
    let token = format!("/api/v1/tokens/{id}");

    let ends_at = (START + Duration::from_secs(3 * 24 * 3600)).format(&Rfc3339)?;
    let edit = json!({ "name": "build", "description": "of the farm", "expires_at": ends_at });
    let edited = change(&ada, Method::PATCH, &token, edit).await?;
    assert_eq!(status(&ada, old, INDEX).await?, 200, "an edit leaves the string alone");
    let shown = ada.get("/api/v1/tokens/build").await?.good()?.json();
    assert_eq!((text(&shown, "id"), text(&shown, "description")), (id, "of the farm"), "{edited}");
    assert_eq!(OffsetDateTime::parse(text(&shown, "expires_at"), &Rfc3339)?, START + time::Duration::days(3));

    let asking = Asking::start(&ada, old, INDEX).await?;
    let reissued = change(&ada, Method::POST, &format!("{token}/reissue"), json!({})).await?;
    let asked = asking.returned().await?;
    assert!(asked.refused(401), "{:?}", asked.after);
    assert!(is_confirmed(&reissued), "{reissued}");
    let new = text(&reissued, "token");
    assert_eq!((text(&reissued, "id"), status(&ada, new, INDEX).await?), (id, 200));
    assert_ne!(new, old);

    clock.set(START + time::Duration::days(3));
    assert_eq!(status(&ada, new, INDEX).await?, 401, "the new string ends with its token");
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlap_lasts_exactly_as_long_as_was_said_or_until_it_is_ended() -> anyhow::Result<()> {
    let (cluster, clock) = clocked().await?;
    let ada = owner(&cluster).await?;
    let issued = issue(&ada, "ci", reads()).await?;
    let (id, first) = (text(&issued, "id"), text(&issued, "token"));
    let reissue = format!("/api/v1/tokens/{id}/reissue");

    let reissued = change(&ada, Method::POST, &reissue, json!({ "overlap_s": 3600 })).await?;
    let second = text(&reissued, "token");
    let ends_at = clock.now() + time::Duration::HOUR;
    assert_eq!(OffsetDateTime::parse(text(&reissued, "overlap_ends_at"), &Rfc3339)?, ends_at);
    clock.set(ends_at - time::Duration::MICROSECOND);
    for string in [first, second] {
        assert_eq!(status(&ada, string, INDEX).await?, 200, "both work to the last microsecond");
    }
    clock.set(ends_at);
    assert_eq!((status(&ada, first, INDEX).await?, status(&ada, second, INDEX).await?), (401, 200));
    let shown = ada.get(&format!("/api/v1/tokens/{id}")).await?.good()?.json();
    assert!(shown["overlap_ends_at"].is_null(), "{shown}");

    let again = change(&ada, Method::POST, &reissue, json!({ "overlap_s": 3600 })).await?;
    let third = text(&again, "token");
    let asking = Asking::start(&ada, second, INDEX).await?;
    let ended = change(&ada, Method::DELETE, &format!("/api/v1/tokens/{id}/overlap"), json!(null)).await?;
    let asked = asking.returned().await?;
    assert!(asked.before.contains(&200) && asked.refused(401), "{:?}", asked.after);
    assert!(is_confirmed(&ended), "{ended}");
    assert_eq!(status(&ada, third, INDEX).await?, 200);
    cluster.stop().await
}

/// A client that asks all the time with the string it was last given; it notes which was answered, and how often.
async fn client(
    session: Session,
    mut given: watch::Receiver<String>,
    served: watch::Sender<(String, usize)>,
) -> anyhow::Result<Vec<u16>> {
    let mut refused = Vec::new();
    // Until nobody gives strings any more.
    while given.has_changed().is_ok() {
        let string = given.borrow_and_update().clone();
        let answer = session.with(&string).get(INDEX).await?;
        if answer.status != 200 {
            refused.push(answer.status);
        }
        served.send_modify(|(last, count)| {
            *last = string;
            *count += 1;
        });
    }
    Ok(refused)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_clients_are_rolled_over_without_one_refused_request() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = owner(&cluster).await?;
    let issued = issue(&ada, "farm", reads()).await?;
    let (id, old) = (text(&issued, "id"), text(&issued, "token").to_owned());
    let mut clients = JoinSet::new();
    let mut strings = Vec::new();
    let mut served = Vec::new();
    for _ in 0..CLIENTS {
        let (give, given) = watch::channel(old.clone());
        let (serve, seen) = watch::channel((String::new(), 0));
        clients.spawn(client(ada.nobody(), given, serve));
        strings.push(give);
        served.push(seen);
    }
    for seen in &mut served {
        seen.wait_for(|(string, _)| *string == old).await?;
    }

    let reissue = json!({ "overlap_s": 3600 });
    let reissued = change(&ada, Method::POST, &format!("/api/v1/tokens/{id}/reissue"), reissue).await?;
    let new = text(&reissued, "token");
    // Some at a time, as a rollout does; the rest go on with the older string meanwhile.
    for (strings, served) in strings.chunks(AT_ONCE).zip(served.chunks_mut(AT_ONCE)) {
        for give in strings {
            give.send_replace(new.to_owned());
        }
        for seen in served {
            seen.wait_for(|(string, _)| string == new).await?;
        }
    }
    change(&ada, Method::DELETE, &format!("/api/v1/tokens/{id}/overlap"), json!(null)).await?;
    for seen in &mut served {
        let before = seen.borrow().1;
        // The first of these may have been begun before the overlap's end, the second was not.
        seen.wait_for(|(_, count)| *count >= before + 2).await?;
    }
    assert_eq!(status(&ada, &old, INDEX).await?, 401, "the older string is dead");
    drop(strings);
    for refused in clients.join_all().await {
        assert_eq!(refused?, Vec::<u16>::new());
    }
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_string_is_told_which_token_it_was_and_since_when() -> anyhow::Result<()> {
    let (cluster, clock) = clocked().await?;
    let ada = owner(&cluster).await?;
    let at = |minutes| START + time::Duration::minutes(minutes);
    let mut short = reads();
    short["expires_at"] = json!(at(10).format(&Rfc3339)?);
    let expired = issue(&ada, "short", short).await?;
    let reissued = issue(&ada, "rotated", reads()).await?;
    let revoked = issue(&ada, "taken back", reads()).await?;
    clock.set(at(5));
    let again = format!("/api/v1/tokens/{}/reissue", text(&reissued, "id"));
    change(&ada, Method::POST, &again, json!({})).await?;
    clock.set(at(7));
    ada.delete(&format!("/api/v1/tokens/{}", text(&revoked, "id"))).await?.good()?;
    clock.set(at(20));

    for (token, word, since) in [
        (&expired, "expired", "2026-11-21T12:10:00Z"),
        (&reissued, "reissued", "2026-11-21T12:05:00Z"),
        (&revoked, "revoked", "2026-11-21T12:07:00Z"),
    ] {
        let string = text(token, "token");
        let conda = ada.with(string).get(INDEX).await?;
        let in_path = ada.nobody().get(&format!("/t/{string}{INDEX}")).await?;
        let api = ada.with(string).get("/api/v1/whoami").await?;
        for answer in [conda, in_path, api] {
            let words = words(&answer);
            for part in [text(token, "name"), text(token, "id"), word, since] {
                assert!(words.contains(part), "{part:?} is not in {words:?}");
            }
            assert!(!answer.text().contains(string), "the string is told to nobody");
        }
    }
    cluster.stop().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_string_dies_with_its_owners_right_and_a_service_accounts_goes_on() -> anyhow::Result<()> {
    let cluster = Cluster::start(Options::default()).await?;
    let ada = owner(&cluster).await?;
    let bob = cluster.create_person("bob").await?;
    let admin = cluster.admin();
    for (login, kind) in [("team", "organisation"), ("robot", "service_account")] {
        let account = json!({ "login": login, "kind": kind, "owners": ["ada", "bob"] });
        let made = change(admin, Method::POST, "/api/v1/accounts", account).await?;
        if kind == "organisation" {
            let tools = json!({ "name": "tools", "privacy": "private", "owner_id": text(&made, "id") });
            change(&ada, Method::POST, "/api/v1/channels", tools).await?;
        }
    }
    for (login, level) in [("bob", "write"), ("robot", "read")] {
        let grant = format!("/api/v1/channels/acme/grants/{login}");
        change(&ada, Method::PUT, &grant, json!({ "level": level })).await?;
    }
    let tools = "/tools/noarch/repodata.json";
    let mut of_robot = reads();
    of_robot["owner"] = json!("robot");
    let of_robot = issue(&bob, "robot's", of_robot).await?;
    let resource = issue(&bob, "resource", reads()).await?;
    let scoped = issue(&bob, "scoped", json!({ "scopes": ["repos", "conda:download"] })).await?;
    let of_team = json!({ "grants": [{ "channel": "tools", "level": "read" }] });
    let of_team = issue(&bob, "of-team", of_team).await?;
    for (token, path) in
        [(&of_robot, INDEX), (&resource, INDEX), (&scoped, INDEX), (&scoped, tools), (&of_team, tools)]
    {
        assert_eq!(status(&ada, text(token, "token"), path).await?, 200, "{token} {path}");
    }

    let robot = async || Asking::start(&ada, text(&of_robot, "token"), INDEX).await;
    let start = async |token: &Value, path: &str| Asking::start(&ada, text(token, "token"), path).await;

    // Leaves the organisation.
    let (one, two, machine) = (start(&of_team, tools).await?, start(&scoped, tools).await?, robot().await?);
    change(admin, Method::PUT, "/api/v1/accounts/team/owners", json!({ "owners": ["ada"] })).await?;
    let (one, two) = tokio::try_join!(one.returned(), two.returned())?;
    assert!(one.refused(403) && two.refused(403), "{:?} {:?}", one.after, two.after);
    assert!(machine.returned().await?.all_good());

    // Loses a grant.
    let (one, two, machine) = (start(&resource, INDEX).await?, start(&scoped, INDEX).await?, robot().await?);
    change(&ada, Method::DELETE, "/api/v1/channels/acme/grants/bob", json!(null)).await?;
    let (one, two) = tokio::try_join!(one.returned(), two.returned())?;
    assert!(one.refused(403) && two.refused(403), "{:?} {:?}", one.after, two.after);
    assert!(machine.returned().await?.all_good());

    // Is disabled.
    let whoami = "/api/v1/whoami";
    let (one, two, machine) =
        (start(&resource, whoami).await?, start(&scoped, whoami).await?, robot().await?);
    change(admin, Method::POST, "/api/v1/accounts/bob/disable", json!({})).await?;
    let (one, two) = tokio::try_join!(one.returned(), two.returned())?;
    assert!(one.refused(401) && two.refused(401), "{:?} {:?}", one.after, two.after);
    assert!(machine.returned().await?.all_good(), "a service account outlives each of its owners");
    cluster.stop().await
}
