//! The door: every request passes here after routing and before its handler, and before any of its body is read.

mod admit;
mod leftover;
mod named;

pub(crate) use admit::{Admitted, Sent, no_address};
pub(crate) use leftover::discard;

use std::future::Future;
use std::net::IpAddr;

use access::Action;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use names::Level;

use crate::address::{self, Peer};
use crate::caller::{Carrier, Presented};
use crate::problem::Problem;
use crate::refuse::{Family, TOKEN_WARNING};
use crate::state::App;
use crate::usage::Shown;
use crate::wait;
use admit::Refused;
use named::Named;

/// Everything in a request that an answer can depend on.
const VARIES: &str = "Accept, Accept-Encoding, Authorization, X-Auth, X-API-Key";

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gate {
    /// Nothing, not even that the gateway is ready.
    Open,
    /// Nothing, but whoever fails too often is put off.
    SignIn,
    /// Nothing, but a credential that opens nothing is refused: the answer depends on the caller.
    Listed,
    /// This, on the channel that the address names.
    Channel(Action),
    /// The same, with a token even where anyone may: whoever asks here asks whether the token is good.
    Keyed(Action),
    /// This, on the server.
    Server(Action),
    /// This, on the caller's own account.
    Account(Action),
}

impl Gate {
    /// The action it asks the authoriser for, if any.
    pub fn action(self) -> Option<Action> {
        match self {
            Self::Open | Self::SignIn => None,
            Self::Listed => Some(Action::WhoAmI),
            Self::Channel(action) | Self::Keyed(action) | Self::Server(action) | Self::Account(action) => {
                Some(action)
            }
        }
    }
}

/// What a gate comes down to: the columns of the refusals table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Needs {
    /// Nothing at all.
    Nothing,
    /// No dead credential.
    Listing,
    /// Read on the channel of the address.
    Read,
    /// The same, by a token.
    KeyedRead,
    /// Write on it.
    Write,
    /// Manage on it.
    Manage,
    /// A session, for its own account.
    OwnAccount,
    /// Any live token.
    LiveToken,
    /// An administrator's session.
    Administrator,
}

impl Gate {
    /// Which column of the table it is.
    pub fn needs(self) -> Needs {
        match self {
            Self::Open | Self::SignIn => Needs::Nothing,
            Self::Listed => Needs::Listing,
            Self::Channel(action) => match action.level() {
                None | Some(Level::Read) => Needs::Read,
                Some(Level::Write) => Needs::Write,
                Some(Level::Manage) => Needs::Manage,
            },
            Self::Keyed(_) => Needs::KeyedRead,
            Self::Server(Action::WhoAmI) => Needs::LiveToken,
            Self::Server(_) => Needs::Administrator,
            Self::Account(_) => Needs::OwnAccount,
        }
    }
}

/// What [`pass`] needs to know of a route.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) app: App,
    pub(crate) gate: Gate,
    pub(crate) family: Family,
}

/// The layer in front of every handler of the router.
pub(crate) async fn enter(
    State(door): State<Door>,
    params: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
    next: Next,
) -> Response {
    let extensions = request.extensions();
    let presented = extensions.get::<Presented>().cloned().unwrap_or_else(Presented::nothing);
    let asker = Asker { presented, peer: extensions.get::<Peer>().copied() };
    let Ok(params) = params else {
        let words = "the address is not readable: it should be UTF-8, percent-encoded";
        return dressed(Problem::invalid(words).into_response(), asker.presented.carrier());
    };
    let find = |name: &str| params.iter().find(|(found, _)| *found == name).map(|(_, value)| value);
    pass(&door, find, asker, request, |mut request, admitted| {
        request.extensions_mut().insert(admitted);
        next.run(request)
    })
    .await
}

/// Who asks, before the table is asked who that is.
pub(crate) struct Asker {
    pub(crate) presented: Presented,
    pub(crate) peer: Option<Peer>,
}

/// Lets a request on to the work that answers it, or refuses it. `find` finds what the address names.
pub(crate) async fn pass<'a, F: Future<Output = Response>>(
    door: &Door,
    find: impl Fn(&str) -> Option<&'a str>,
    asker: Asker,
    request: Request,
    work: impl FnOnce(Request, Admitted) -> F,
) -> Response {
    let carrier = asker.presented.carrier();
    let named = Named::of(find, door.family);
    dressed(answer(door, named, asker, request, work).await, carrier)
}

async fn answer<F: Future<Output = Response>>(
    door: &Door,
    named: Option<Named<'_>>,
    Asker { presented, peer }: Asker,
    request: Request,
    work: impl FnOnce(Request, Admitted) -> F,
) -> Response {
    let client = address::of(peer, request.headers(), &door.app.trusted_proxies);
    let address = address::counted(client);
    let tries = presented.carrier() != Carrier::None || door.gate == Gate::SignIn;
    if let Some(wait_s) = door.app.failures.wait_s(address).filter(|_| tries) {
        discard(request);
        return Problem::too_many("too many refused credentials came from this address", wait_s)
            .into_response();
    }
    let wait = match wait::of(request.headers()) {
        Ok(wait) => wait,
        Err(unknown) => {
            discard(request);
            return Problem::invalid(unknown.to_string()).into_response();
        }
    };
    let mut admitted = admit::admit(door, &presented, named);
    if admitted.as_ref().is_err_and(|refused| refused.lapsed) && door.app.until_leased().await {
        admitted = admit::admit(door, &presented, named);
    }
    match admitted {
        Ok(admitted) => {
            let shown = Shown::of(&admitted.caller, admitted.string_no, client, request.headers());
            let warning = admitted.warning.clone();
            let work = wait::asked(wait, work(request, admitted));
            let mut response = address::known_as(client, work).await;
            if let Some(warning) = warning {
                response.headers_mut().insert(TOKEN_WARNING, warning);
            }
            if door.gate == Gate::SignIn && response.status() == StatusCode::UNAUTHORIZED {
                door.app.failures.note(address);
            }
            if let Some(shown) = shown {
                shown.tell(&door.app, door.family, response.status());
            }
            response
        }
        Err(Refused { problem, dead, lapsed }) => {
            if lapsed {
                metrics::counter!("gateway_lapsed_total").increment(1);
            }
            metrics::counter!("gateway_refusals_total", "family" => family_word(door.family)).increment(1);
            let shown = shown(door, &presented, client, request.headers());
            let put_off = dead.then(|| failed(door, client, shown.as_ref())).flatten();
            let problem = put_off.unwrap_or(problem);
            discard(request);
            let response = problem.into_response();
            if let Some(shown) = shown {
                shown.tell(&door.app, door.family, response.status());
            }
            response
        }
    }
}

/// The token that a refused request shows where it matters whose it is.
fn shown(door: &Door, presented: &Presented, client: Option<IpAddr>, headers: &HeaderMap) -> Option<Shown> {
    match door.gate {
        Gate::Open | Gate::SignIn => None,
        Gate::Listed | Gate::Channel(_) | Gate::Keyed(_) | Gate::Server(_) | Gate::Account(_) => {
            let (now, credential) = (door.app.ambient.clock.now(), presented.credential());
            let (caller, string_no) =
                door.app.view.read(|table| (table.caller(now, &credential), table.string_no(&credential)));
            Shown::of(&caller, string_no, client, headers)
        }
    }
}

/// Counts a credential that opens nothing. One of a token that was shown too often is answered with this instead of
/// with what is the matter with it.
fn failed(door: &Door, client: Option<IpAddr>, shown: Option<&Shown>) -> Option<Problem> {
    door.app.failures.note(address::counted(client));
    // As with addresses, no limit protects a machine from itself.
    let here = client.is_some_and(|client| client.is_loopback());
    let token = shown.filter(|_| !here).map(|shown| shown.token);
    match door.app.token_failures.wait_s(token) {
        Some(wait_s) => {
            let words =
                "this token's dead strings are shown too often: take them out of whatever still uses them";
            Some(Problem::too_many(words, wait_s))
        }
        None => {
            door.app.token_failures.note(token);
            None
        }
    }
}

/// The answer with the headers that go with every one.
fn dressed(mut response: Response, carrier: Carrier) -> Response {
    let headers = response.headers_mut();
    // What says nothing about caches is nothing for them: tokens, redirects below a token, answers of the moment.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static(VARIES));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if carrier == Carrier::Path {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    }
    response
}

fn family_word(family: Family) -> &'static str {
    match family {
        Family::Conda => "conda",
        Family::Python => "python",
        Family::Api => "api",
        Family::Page => "page",
    }
}
