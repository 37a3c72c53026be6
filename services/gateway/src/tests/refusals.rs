//! Every route with every kind of caller, from the one table.

use axum::body::Body;
use axum::response::Response;
use futures::future::join_all;
use http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Request, StatusCode};
use hyper::ext::ReasonPhrase;

use super::table::{Caller, Carrier, Expect, Room, TABLE, address, expected, rooms};
use super::{Gateway, LEASE, facts, text};
use crate::address::Peer;
use crate::refuse::TOKEN_WARNING;
use crate::{Needs, Route, routes_table};

fn name(room: Room) -> &'static str {
    match room {
        Room::Public => "public",
        Room::Authenticated => "members",
        Room::Private => "private",
        Room::Missing => "missing",
    }
}

fn request(route: &Route, caller: Caller, room: Room, carrier: Carrier) -> Request<Body> {
    let path = address(route, name(room));
    let request = Request::builder().method(route.method.clone());
    let request = match (facts::string(caller), carrier) {
        (None, _) => request.uri(path),
        (Some(token), Carrier::Path) => request.uri(format!("/t/{token}{path}")),
        (Some(token), Carrier::Header) => request.uri(path).header(AUTHORIZATION, format!("Bearer {token}")),
    };
    let mut request = request.body(Body::empty()).unwrap();
    // From this machine, so that the walk itself is not put off.
    request.extensions_mut().insert(Peer("127.0.0.1:1".parse().unwrap()));
    request
}

fn check(response: &Response, expect: Expect, what: &str) {
    let status = response.status();
    let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
    match expect {
        Expect::Pass | Expect::Warned => {
            assert!(!refused, "{what}: {status}");
            let warned = response.headers().contains_key(TOKEN_WARNING);
            assert_eq!(warned, expect == Expect::Warned, "{what}: {status}");
        }
        Expect::Asked => {
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}");
            assert_eq!(response.headers()[WWW_AUTHENTICATE], "Basic realm=\"latchkey\"", "{what}");
        }
        Expect::Forbidden => {
            assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
            assert!(!response.headers().contains_key(WWW_AUTHENTICATE), "{what}");
        }
    }
    assert_eq!(refused, response.extensions().get::<ReasonPhrase>().is_some() && refused, "{what}");
}

#[tokio::test]
async fn every_route_answers_every_kind_of_caller_as_the_table_says() {
    let gateway = Gateway::new().await;
    let mut asked = Vec::new();
    for route in routes_table() {
        for (caller, _) in TABLE {
            for room in rooms(&route) {
                for carrier in [Carrier::Path, Carrier::Header] {
                    asked.push((route.clone(), caller, *room, carrier));
                }
            }
        }
    }
    let answers = asked.iter().map(|(route, caller, room, carrier)| {
        let request = request(route, *caller, *room, *carrier);
        gateway.send(request)
    });
    for (response, (route, caller, room, carrier)) in join_all(answers).await.iter().zip(&asked) {
        let what = format!("{} {} in {room:?} by {caller:?} in the {carrier:?}", route.method, route.pattern);
        check(response, expected(*caller, route, *room, *carrier), &what);
    }
    // Most of them are refused somewhere, so a walk over nothing would be noticed.
    assert!(asked.len() > 4000, "{}", asked.len());
}

/// Whether a gateway without a lease may answer: nothing was asked for, or what is public and nobody showed a credential.
fn answers_without_lease(caller: Caller, route: &Route, room: Room) -> bool {
    match route.gate.needs() {
        Needs::Nothing => true,
        Needs::Listing => caller == Caller::Nobody,
        Needs::Read => caller == Caller::Nobody && room == Room::Public,
        Needs::KeyedRead
        | Needs::Write
        | Needs::Manage
        | Needs::OwnAccount
        | Needs::LiveToken
        | Needs::Administrator => false,
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_lease_every_route_shows_what_is_public_to_nobody_in_particular_and_else_503() {
    let gateway = Gateway::new().await;
    gateway.lapse();
    let mut asked = Vec::new();
    for route in routes_table() {
        for (caller, _) in TABLE {
            for room in rooms(&route).iter().filter(|room| !answers_without_lease(caller, &route, **room)) {
                for carrier in [Carrier::Path, Carrier::Header] {
                    asked.push((route.clone(), caller, *room, carrier));
                }
            }
        }
    }
    let answers = asked
        .iter()
        .map(|(route, caller, room, carrier)| gateway.send(request(route, *caller, *room, *carrier)));
    for (response, (route, caller, room, _)) in join_all(answers).await.iter().zip(&asked) {
        let what = format!("{} {} in {room:?} by {caller:?}", route.method, route.pattern);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{what}");
        assert!(response.headers().contains_key(RETRY_AFTER), "{what}");
    }
    assert!(asked.len() > 4000, "{}", asked.len());
}

#[tokio::test(start_paused = true)]
async fn what_is_public_is_shown_without_a_lease_for_a_while() {
    let gateway = Gateway::new().await;
    let route = routes_table().into_iter().find(|route| route.pattern == "/{channel}/{subdir}/repodata.json");
    let route = route.expect("conda's index is a route");
    let ask = async || {
        let answer = gateway.send(request(&route, Caller::Nobody, Room::Public, Carrier::Header)).await;
        text(answer).await
    };
    gateway.lapse();
    let lapsed = "lost touch with the server that knows who may do what";
    assert!(!ask().await.contains(lapsed));
    // It counts from the ask, as the lease does.
    gateway.clock.advance(gateway.app.public - LEASE);
    assert!(ask().await.contains(lapsed));
}

/// A body without what differs between any two requests.
async fn body(response: Response) -> String {
    let mut document: serde_json::Value = serde_json::from_str(&text(response).await).unwrap();
    assert!(document["request_id"].take().is_string());
    document.to_string()
}

#[tokio::test]
async fn nothing_in_a_refusal_says_whether_a_channel_is_there() {
    let gateway = Gateway::new().await;
    for route in routes_table().iter().filter(|route| route.pattern.contains("{channel}")) {
        for caller in [Caller::Nobody, Caller::Unknown, Caller::Revoked, Caller::Outsider] {
            let ask = async |room| gateway.send(request(route, caller, room, Carrier::Header)).await;
            let (private, missing) = (ask(Room::Private).await, ask(Room::Missing).await);
            assert_eq!(private.status(), missing.status());
            let without_id = |response: &Response| {
                let mut headers = response.headers().clone();
                headers.remove("x-request-id");
                headers
            };
            assert_eq!(without_id(&private), without_id(&missing));
            let (private, missing) = (body(private).await, body(missing).await);
            assert_eq!(private, missing.replace("missing", "private"), "{} {caller:?}", route.pattern);
        }
    }
}

#[tokio::test]
async fn nobody_gets_one_body_for_every_name() {
    let gateway = Gateway::new().await;
    let mut bodies = std::collections::HashSet::new();
    for name in ["private", "missing", "members", "Not%20a%20name", "%F0%9F%94%91"] {
        bodies.insert(body(gateway.get(&format!("/{name}/noarch/repodata.json")).await).await);
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn a_403_names_the_level_that_is_missing() {
    let gateway = Gateway::new().await;
    let token = facts::string(Caller::Reader).unwrap();
    let request = Request::put(format!("/t/{token}/private/noarch/x-1-0.conda")).body(Body::empty()).unwrap();
    let words = text(gateway.send(request).await).await;
    assert!(words.contains("write") && words.contains("channel private"), "{words}");
    let token = facts::string(Caller::Outsider).unwrap();
    let words = text(gateway.get(&format!("/t/{token}/private/noarch/repodata.json")).await).await;
    assert!(words.contains("read") && words.contains("channel private"), "{words}");
    assert!(!words.contains(&token));
}
