//! The door: every request passes here after routing and before its handler, and before any of its body is read.

mod admit;
mod leftover;
mod named;
mod visit;

pub(crate) use admit::{Admitted, Sent, no_address};
pub(crate) use leftover::discard;
pub(crate) use visit::{Asker, pass};

use access::Action;
use axum::extract::rejection::RawPathParamsRejection;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};
use names::Level;

use crate::address::Peer;
use crate::caller::{Carrier, Presented};
use crate::problem::Problem;
use crate::refuse::Family;
use crate::state::App;

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
    let asker = Asker { presented: &presented, peer: extensions.get::<Peer>().copied() };
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
