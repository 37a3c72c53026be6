//! One request at the door: let in, and seen out with the answer, or turned away.
//!
//! What is decided is decided before there is a future, but for want of a lease: a future that holds less is moved
//! faster, and each is moved several times.

use std::future::{Future, ready};
use std::net::IpAddr;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use futures::future::Either;
use http::{HeaderMap, HeaderValue, StatusCode};

use super::admit::{Admitted, Refused, admit};
use super::named::Named;
use super::{Door, Gate, discard, dressed, family_word};
use crate::address::{self, Peer};
use crate::caller::{Carrier, Presented};
use crate::problem::Problem;
use crate::refuse::TOKEN_WARNING;
use crate::usage::Shown;
use crate::wait::{self, Wait};

/// Who asks, before the table is asked who that is.
pub(crate) struct Asker<'a> {
    pub(crate) presented: &'a Presented,
    pub(crate) peer: Option<Peer>,
}

/// Lets a request on to the work that answers it, or refuses it. `find` finds what the address names.
pub(crate) fn pass<'a, F: Future<Output = Response>>(
    door: &'a Door,
    find: impl Fn(&str) -> Option<&'a str>,
    Asker { presented, peer }: Asker<'a>,
    request: Request,
    work: impl FnOnce(Request, Admitted) -> F,
) -> impl Future<Output = Response> {
    let (carrier, named) = (presented.carrier(), Named::of(find, door.family));
    let client = address::of(peer, request.headers(), &door.app.trusted_proxies);
    let visit = Visit { door, presented, named, client };
    visit.begin(request, work).map(move |response| dressed(response, carrier))
}

struct Visit<'a> {
    door: &'a Door,
    presented: &'a Presented,
    named: Option<Named<'a>>,
    client: Option<IpAddr>,
}

impl<'a> Visit<'a> {
    fn begin<F: Future<Output = Response>>(
        self,
        request: Request,
        work: impl FnOnce(Request, Admitted) -> F,
    ) -> impl Future<Output = Response> {
        let wait = match self.tried(request.headers()) {
            Ok(wait) => wait,
            Err(problem) => return Either::Left(ready(turned_away(request, problem))),
        };
        Either::Right(match admit(self.door, self.presented, self.named) {
            Err(Refused { lapsed: true, .. }) => Either::Left(Box::pin(self.late(wait, request, work))),
            admitted => Either::Right(self.go_on(admitted, wait, request, work)),
        })
    }

    /// How far its effects are to have come when it is answered, if it may try at all.
    fn tried(&self, headers: &HeaderMap) -> Result<Wait, Problem> {
        let tries = self.presented.carrier() != Carrier::None || self.door.gate == Gate::SignIn;
        let wait_s = self.door.app.failures.wait_s(address::counted(self.client));
        if let Some(wait_s) = wait_s.filter(|_| tries) {
            return Err(Problem::too_many("too many refused credentials came from this address", wait_s));
        }
        wait::of(headers).map_err(|unknown| Problem::invalid(unknown.to_string()))
    }

    /// The same once there is a lease, or none for too long.
    async fn late<F: Future<Output = Response>>(
        self,
        wait: Wait,
        request: Request,
        work: impl FnOnce(Request, Admitted) -> F,
    ) -> Response {
        self.door.app.until_leased().await;
        let admitted = admit(self.door, self.presented, self.named);
        self.go_on(admitted, wait, request, work).await
    }

    fn go_on<F: Future<Output = Response>>(
        self,
        admitted: Result<Admitted, Refused>,
        wait: Wait,
        request: Request,
        work: impl FnOnce(Request, Admitted) -> F,
    ) -> impl Future<Output = Response> {
        let (door, client) = (self.door, self.client);
        match admitted {
            Ok(admitted) => {
                let shown =
                    Shown::of(&admitted.caller, admitted.string_no, admitted.at, client, request.headers());
                let leaving = Leaving { door, client, shown, warning: admitted.warning.clone() };
                let work = wait::asked(wait, work(request, admitted));
                let answered = address::known_as(client, work);
                Either::Left(answered.map(move |response| leaving.with(response)))
            }
            Err(refused) => Either::Right(ready(self.refuse(refused, request))),
        }
    }

    fn refuse(&self, Refused { problem, dead, lapsed }: Refused, request: Request) -> Response {
        let door = self.door;
        if lapsed {
            metrics::counter!("gateway_lapsed_total").increment(1);
        }
        metrics::counter!("gateway_refusals_total", "family" => family_word(door.family)).increment(1);
        let shown = self.shown(request.headers());
        let put_off = dead.then(|| self.failed(shown.as_ref())).flatten();
        let answered = turned_away(request, put_off.unwrap_or(problem));
        if let Some(shown) = shown {
            shown.tell(&door.app, door.family, answered.status());
        }
        answered
    }

    /// The token that a refused request shows where it matters whose it is.
    fn shown(&self, headers: &HeaderMap) -> Option<Shown> {
        let Self { door, presented, client, .. } = self;
        match door.gate {
            Gate::Open | Gate::SignIn => None,
            Gate::Listed | Gate::Channel(_) | Gate::Keyed(_) | Gate::Server(_) | Gate::Account(_) => {
                let (now, credential) = (door.app.ambient.clock.now(), presented.credential());
                let (caller, string_no) = door.app.view.read(|table| {
                    let (caller, string) = table.identify(now, &credential);
                    (caller, string.and_then(|string| string.no()))
                });
                Shown::of(&caller, string_no, now, *client, headers)
            }
        }
    }

    /// Counts a credential that opens nothing. One of a token that was shown too often is answered with this instead of
    /// with what is the matter with it.
    fn failed(&self, shown: Option<&Shown>) -> Option<Problem> {
        let Self { door, client, .. } = self;
        door.app.failures.note(address::counted(*client));
        // As with addresses, no limit protects a machine from itself.
        let here = client.is_some_and(|client| client.is_loopback());
        let token = shown.filter(|_| !here).map(|shown| shown.token);
        match door.app.token_failures.wait_s(token) {
            Some(wait_s) => {
                let words = "this token's dead strings are shown too often: take them out of whatever still uses them";
                Some(Problem::too_many(words, wait_s))
            }
            None => {
                door.app.token_failures.note(token);
                None
            }
        }
    }
}

/// What is left to do when the answer of a request that was let in is there.
struct Leaving<'a> {
    door: &'a Door,
    client: Option<IpAddr>,
    shown: Option<Shown>,
    warning: Option<HeaderValue>,
}

impl Leaving<'_> {
    fn with(self, mut response: Response) -> Response {
        let Self { door, client, shown, warning } = self;
        if let Some(warning) = warning {
            response.headers_mut().insert(TOKEN_WARNING, warning);
        }
        if door.gate == Gate::SignIn && response.status() == StatusCode::UNAUTHORIZED {
            door.app.failures.note(address::counted(client));
        }
        if let Some(shown) = shown {
            shown.tell(&door.app, door.family, response.status());
        }
        response
    }
}

fn turned_away(request: Request, problem: Problem) -> Response {
    discard(request);
    problem.into_response()
}
