//! Every scope and every level on every route: allowed exactly where the documents say, refused with what is missing.

mod deed;
mod table;
mod world;

use std::collections::BTreeSet;

use axum::body::Body;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, on};
use futures::StreamExt;
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use names::{Level, Scope};
use tower::ServiceExt;

use super::table::{ABOVE, address};
use super::{Gateway, text};
use crate::caller;
use crate::gate::{self, Door};
use crate::{Route, routes_table};
use deed::{Deed, Opens, SCOPES, opens};
use table::{Asks, ROUTES};
use world::{Holder, Holds, ROOMS, Room};

/// The rooms to ask a route about.
fn rooms(asks: Asks) -> &'static [Room] {
    match asks {
        Asks::Channel(..) | Asks::Keyed(..) => &ROOMS,
        Asks::Nothing | Asks::LiveToken | Asks::Own(_) | Asks::Server(_) => &ROOMS[..1],
    }
}

/// The one row that a route stands in.
fn asks(route: &Route) -> Asks {
    let stands = |row: &&table::Row| {
        row.mounts.iter().any(|mount| {
            let tail = route.pattern.strip_prefix(mount);
            row.tails.iter().any(|(method, known)| route.method == *method && tail == Some(known))
        })
    };
    let rows: Vec<_> = ROUTES.iter().filter(stands).collect();
    let [row] = rows[..] else {
        panic!(
            "{} {} has {} rows: say in tests/scopes/table.rs who may",
            route.method,
            route.pattern,
            rows.len()
        )
    };
    row.asks
}

/// What is to come back.
#[derive(Debug, PartialEq, Eq)]
enum Expect {
    Pass,
    /// No scope for it.
    Scope(Deed),
    /// The level on the channel is lacking.
    Level(Level),
    /// Something that no channel's level gives.
    SignIn,
    /// Not an administrator.
    Right,
}

fn expected(holder: &Holder, asks: Asks, room: &Room, below: bool) -> Expect {
    let deed_here = |deed: Deed| if below { deed.below() } else { deed };
    let lacks = |deed| matches!(holder.holds, Holds::Scope(scope) if !opens(scope.as_str(), deed));
    let limited = matches!(holder.holds, Holds::Resource(_));
    match asks {
        Asks::Nothing | Asks::LiveToken => Expect::Pass,
        Asks::Channel(level, deed) | Asks::Keyed(level, deed) => {
            let deed = deed_here(deed);
            let held = match holder.holds {
                // A token names the channels above; from there, manage alone reaches down.
                Holds::Resource(most) if room.below && most < Level::Manage => None,
                Holds::Resource(most) => room.held.map(|owner| owner.min(most)),
                Holds::Session | Holds::Scope(_) => room.held,
            };
            if room.public && level == Level::Read {
                Expect::Pass
            } else if lacks(deed) {
                Expect::Scope(deed)
            } else if held >= Some(level) {
                Expect::Pass
            } else {
                Expect::Level(level)
            }
        }
        Asks::Own(_) | Asks::Server(_) if limited => Expect::SignIn,
        Asks::Own(deed) | Asks::Server(deed) if lacks(deed) => Expect::Scope(deed),
        Asks::Server(_) if !holder.admin => Expect::Right,
        Asks::Own(_) | Asks::Server(_) => Expect::Pass,
    }
}

/// The scopes that a refusal names, and what it says of the token's own.
fn named(detail: &str) -> Option<(BTreeSet<&str>, &str)> {
    let (_, list) = detail.split_once("it needs one of ")?;
    let (wanted, held) = list.split_once(", and has ")?;
    Some((wanted.split(", ").collect(), held))
}

fn check(status: StatusCode, body: &str, expect: &Expect, cell: (&Holder, Asks, &Room, bool), what: &str) {
    let (holder, asks, room, below) = cell;
    if *expect == Expect::Pass {
        assert_eq!(status, StatusCode::OK, "{what}: {body}");
        return;
    }
    let refused =
        if matches!(asks, Asks::Keyed(..)) { StatusCode::UNAUTHORIZED } else { StatusCode::FORBIDDEN };
    assert_eq!(status, refused, "{what}: {expect:?} {body}");
    let document: serde_json::Value = serde_json::from_str(body).unwrap();
    let detail = document["detail"].as_str().unwrap();
    assert!(detail.starts_with(&holder.title()), "{what}: {detail}");
    assert!(!detail.contains(&holder.string()), "{what}: {detail}");
    let about_channel = matches!(asks, Asks::Channel(..) | Asks::Keyed(..));
    let names = [room.said(), format!("{ABOVE}/{}", room.name)];
    let says = names.iter().any(|name| detail.contains(&format!("channel {name}")));
    assert!(!about_channel || says, "{what}: {detail}");
    match (expect, holder.holds) {
        (Expect::Scope(deed), Holds::Scope(own)) => {
            let wanted = SCOPES.iter().map(|(word, _)| *word).filter(|word| opens(word, *deed)).collect();
            assert_eq!(named(detail), Some((wanted, own.as_str())), "{what}: {detail}");
        }
        (Expect::Level(level), _) => {
            assert!(detail.contains(&format!("lacks the level {level} ")), "{what}: {detail}");
            assert_eq!(
                detail.contains("may read"),
                room.held.is_some() && reads(holder, room, below),
                "{what}: {detail}"
            );
        }
        (Expect::SignIn, _) => assert!(detail.contains("sign in"), "{what}: {detail}"),
        (Expect::Right, _) => assert!(detail.contains("lacks the right"), "{what}: {detail}"),
        (Expect::Pass | Expect::Scope(_), _) => panic!("{what}: {expect:?}"),
    }
    assert_eq!(named(detail).is_some(), matches!(expect, Expect::Scope(_)), "{what}: {detail}");
}

/// Whether it reads anything of the channel; then it is told so.
fn reads(holder: &Holder, room: &Room, below: bool) -> bool {
    const READS: [Deed; 4] = [Deed::SeeChannels, Deed::ListFiles, Deed::ReadConda, Deed::ReadPython];
    let here = |deed: Deed| if below { deed.below() } else { deed };
    room.public
        || match holder.holds {
            Holds::Session => true,
            Holds::Resource(most) => !room.below || most == Level::Manage,
            Holds::Scope(scope) => READS.into_iter().any(|deed| opens(scope.as_str(), here(deed))),
        }
}

/// Every route behind its own gate, and nothing behind that.
fn gates(gateway: &Gateway) -> axum::Router {
    routes_table().into_iter().fold(axum::Router::new(), |router, route| {
        let door = Door { app: gateway.app.clone(), gate: route.gate, family: route.family };
        let filter = MethodFilter::try_from(route.method).unwrap();
        let handler = on(filter, async || StatusCode::OK);
        router.route(&route.pattern, handler.route_layer(from_fn_with_state(door, gate::enter)))
    })
}

#[tokio::test]
async fn every_scope_and_level_opens_what_the_documents_say_and_nothing_else() {
    let gateway = Gateway::filled(world::fill).await;
    let service = gates(&gateway);
    let holders = world::holders();
    let mut cells = Vec::new();
    for route in routes_table() {
        let asks = asks(&route);
        // What an administrator may do in channels is in the table of refusals.
        let in_a_channel = matches!(asks, Asks::Channel(..) | Asks::Keyed(..));
        for holder in holders.iter().filter(|holder| !(in_a_channel && holder.admin)) {
            // Where the address names the subchannel, each channel's name stands for one.
            let twice = route.pattern.contains("{subchannel}");
            let rooms = rooms(asks).iter().filter(|room| !(twice && room.below));
            cells.extend(rooms.map(|room| (route.clone(), asks, holder, room)));
        }
    }
    let answers = futures::stream::iter(&cells).then(|(route, _, holder, room)| {
        let request = Request::builder().method(route.method.clone()).uri(address(route, room.name));
        let request = request.header(AUTHORIZATION, format!("Bearer {}", holder.string()));
        let service = service.clone();
        async move {
            let mut request = request.body(Body::empty()).unwrap();
            caller::take(&mut request).leave(&mut request);
            let response = service.oneshot(request).await.unwrap();
            (response.status(), text(response).await)
        }
    });
    let answers: Vec<_> = answers.collect().await;
    let mut seen = [0; 5];
    for ((status, body), (route, asks, holder, room)) in answers.iter().zip(&cells) {
        let what = format!("{} {} in {} by {holder:?}", route.method, route.pattern, room.name);
        // The address names a subchannel, in one segment or in two.
        let below = room.below || route.pattern.contains("{subchannel}");
        let expect = expected(holder, *asks, room, below);
        seen[match expect {
            Expect::Pass => 0,
            Expect::Scope(_) => 1,
            Expect::Level(_) => 2,
            Expect::SignIn => 3,
            Expect::Right => 4,
        }] += 1;
        check(*status, body, &expect, (holder, *asks, room, below), &what);
    }
    assert!(cells.len() > 30_000 && !seen.contains(&0), "{} {seen:?}", cells.len());
}

#[test]
fn every_row_is_of_a_route() {
    let routes = routes_table();
    for row in &ROUTES {
        for (mount, (method, tail)) in
            row.mounts.iter().flat_map(|mount| row.tails.iter().map(move |tail| (mount, tail)))
        {
            let pattern = format!("{mount}{tail}");
            let known = routes.iter().any(|route| route.method == *method && route.pattern == pattern);
            assert!(known, "{method} {pattern} is in the table and is no route");
        }
    }
}

#[test]
fn every_scope_is_listed_and_those_without_a_route_say_so() {
    let listed: BTreeSet<&str> = SCOPES.iter().map(|(word, _)| *word).collect();
    assert_eq!(listed, Scope::ALL.iter().map(|scope| scope.as_str()).collect());
    let without = SCOPES.iter().filter(|(_, opens)| *opens == Opens::NoRouteYet).count();
    assert_eq!(without, 10);
    for (word, opens) in SCOPES {
        let scope: Scope = word.parse().unwrap();
        let says = scope.opens() == "no route yet";
        assert_eq!(says, opens == Opens::NoRouteYet, "{word}: {}", scope.opens());
        // A route that opens for one of them has appeared, and the table does not know.
        let unlisted = routes_table().into_iter().find(|route| {
            route.gate.action().is_some_and(|action| {
                [false, true].into_iter().any(|below| action.on(below).scopes().contains(&scope))
            })
        });
        let expected = matches!(opens, Opens::Everything | Opens::These(_));
        assert_eq!(unlisted.is_some(), expected, "{word}: {unlisted:?}");
    }
}

#[test]
fn every_scope_that_is_issued_is_explained() {
    let view = feed::client::AccessView::new(Default::default());
    world::fill(&view);
    for holder in world::holders() {
        let Holds::Scope(scope) = holder.holds else { continue };
        let words = view.read(|table| {
            let caller = table.caller(super::facts::NOW, &access::Credential::of(&holder.string()));
            table
                .explain(&caller, access::Action::ChannelEdit, &access::Object::ChannelNamed("nothing"))
                .words
        });
        assert!(words.starts_with(&holder.title()), "{words}");
        let has = format!("has {scope}");
        assert_eq!(words.ends_with(&has), !opens(scope.as_str(), Deed::EditChannels), "{words}");
    }
}
