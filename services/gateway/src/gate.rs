//! The door: every request passes here after routing and before its handler, and before any of its body is read.

use access::{Action, Caller, Object, Table, Verdict};
use axum::body::HttpBody;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use http::header::{EXPECT, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderName, HeaderValue};
use names::{ChannelId, ChannelName, Level, Privacy};

use crate::caller::{Carrier, Presented};
use crate::limits::{LEFTOVER_BYTES, LEFTOVER_LIMIT};
use crate::problem::Problem;
use crate::refuse::{self, Family, TOKEN_WARNING};
use crate::state::App;

/// Everything in a request that an answer can depend on.
const VARIES: &str = "Accept, Accept-Encoding, Authorization, X-Auth, X-API-Key";

const X_ROBOTS_TAG: HeaderName = HeaderName::from_static("x-robots-tag");

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Gate {
    /// Nothing, not even that the gateway is ready.
    Open,
    /// Nothing, but a credential that opens nothing is refused: the answer depends on the caller.
    Listed,
    /// This, on the channel that the address names.
    Channel(Action),
    /// This, on the server.
    Server(Action),
    /// This, on the caller's own account.
    Account(Action),
}

impl Gate {
    /// The action it asks the authoriser for, if any.
    pub fn action(self) -> Option<Action> {
        match self {
            Self::Open => None,
            Self::Listed => Some(Action::WhoAmI),
            Self::Channel(action) | Self::Server(action) | Self::Account(action) => Some(action),
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
            Self::Open => Needs::Nothing,
            Self::Listed => Needs::Listing,
            Self::Channel(action) => match action.level() {
                None | Some(Level::Read) => Needs::Read,
                Some(Level::Write) => Needs::Write,
                Some(Level::Manage) => Needs::Manage,
            },
            Self::Server(Action::WhoAmI) => Needs::LiveToken,
            Self::Server(_) => Needs::Administrator,
            Self::Account(_) => Needs::OwnAccount,
        }
    }
}

/// A request that may go on.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub(crate) presented: Presented,
    pub(crate) caller: Caller,
    /// What it was let in for; nothing where nothing was asked.
    action: Option<Action>,
    room: Option<Room>,
}

/// The channel it may go on in.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) id: ChannelId,
    pub(crate) name: Box<str>,
    /// Anyone may read it.
    public: bool,
}

impl Admitted {
    /// The channel of the address.
    pub(crate) fn room(&self) -> &Room {
        self.room.as_ref().expect("the route's gate names a channel")
    }

    /// Whether shared caches may keep the answer: nobody showed anything, and anyone may read it.
    pub(crate) fn cacheable_by_all(&self) -> bool {
        self.presented.carrier() == Carrier::None && self.room.as_ref().is_some_and(|room| room.public)
    }

    /// Whether the same request would still be let in now.
    pub(crate) fn still(&self, app: &App) -> bool {
        let Some(action) = self.action else { return true };
        app.view.read(|table| {
            let caller = table.caller(app.ambient.clock.now(), &self.presented.credential());
            let object =
                self.room.as_ref().map_or_else(|| own_account(&caller), |room| Object::Channel(room.id));
            matches!(table.decide(&caller, action, &object), Verdict::Allowed(_))
        })
    }
}

/// What [`enter`] needs to know of a route.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) app: App,
    pub(crate) gate: Gate,
    pub(crate) family: Family,
}

/// The layer in front of every handler.
pub(crate) async fn enter(
    State(door): State<Door>,
    params: RawPathParams,
    mut request: Request,
    next: Next,
) -> Response {
    let presented = request.extensions().get::<Presented>().cloned().unwrap_or_else(Presented::nothing);
    let channel = params.iter().find(|(key, _)| *key == "channel").map(|(_, value)| value);
    let carrier = presented.carrier();
    let mut response = match admit(&door, presented, channel) {
        Ok(admitted) => {
            let warning = refuse::warning(&admitted.caller);
            request.extensions_mut().insert(admitted);
            let mut response = next.run(request).await;
            if let Some(warning) = warning {
                response.headers_mut().insert(TOKEN_WARNING, warning);
            }
            response
        }
        Err(problem) => {
            metrics::counter!("gateway_refusals_total", "family" => family_word(door.family)).increment(1);
            discard(request);
            problem.into_response()
        }
    };
    dress(&mut response, carrier);
    response
}

fn admit(door: &Door, presented: Presented, channel: Option<&str>) -> Result<Admitted, Problem> {
    if presented.astray() {
        return Err(Problem::invalid(
            "a token stands in the wrong place: put /t/<token>/ first in the address",
        ));
    }
    if door.gate == Gate::Open {
        return Ok(Admitted { presented, caller: Caller::Nobody, action: None, room: None });
    }
    // No channel is called like a mount: it is an address below that mount which does not exist.
    if channel.is_some_and(names::is_reserved) {
        return Err(no_address());
    }
    if !door.app.view.ready() {
        return Err(Problem::unavailable("access is not known yet; try again in a moment"));
    }
    let now = door.app.ambient.clock.now();
    door.app.view.read(|table| {
        let caller = table.caller(now, &presented.credential());
        let refused = |action, object: &Object<'_>| match table.decide(&caller, action, object) {
            Verdict::Allowed(_) => None,
            Verdict::Refused(refusal) => {
                let words = table.refusal_words(&caller, &refusal, action, object);
                Some(refuse::answer(door.family, presented.carrier(), &refusal, words))
            }
        };
        let problem = match door.gate {
            Gate::Open => None,
            Gate::Listed if caller == Caller::Nobody => None,
            Gate::Listed => refused(Action::WhoAmI, &Object::Server),
            Gate::Channel(action) => refused(action, &Object::ChannelNamed(spoken(channel))),
            Gate::Server(action) => refused(action, &Object::Server),
            Gate::Account(action) => refused(action, &own_account(&caller)),
        };
        problem.map_or(Ok(()), Err)?;
        let room = match door.gate {
            Gate::Channel(_) => Some(room(table, spoken(channel))),
            Gate::Open | Gate::Listed | Gate::Server(_) | Gate::Account(_) => None,
        };
        let action = door.gate.action().filter(|_| caller != Caller::Nobody || room.is_some());
        Ok(Admitted { caller, presented: presented.clone(), action, room })
    })
}

/// The same for every address that is none.
pub(crate) fn no_address() -> Problem {
    Problem::not_found("there is no such address on this server")
}

/// A name that can be repeated in an answer: what is no channel's name is not echoed.
fn spoken(channel: Option<&str>) -> &str {
    channel.filter(|name| ChannelName::parse(name).is_ok()).unwrap_or("of that name")
}

fn own_account(caller: &Caller) -> Object<'static> {
    match caller {
        Caller::Token { account, .. } => Object::Account(*account),
        Caller::Nobody
        | Caller::Unknown
        | Caller::Expired { .. }
        | Caller::Revoked { .. }
        | Caller::Disabled { .. }
        | Caller::Service(_) => Object::Server,
    }
}

fn room(table: &Table, name: &str) -> Room {
    let channel = table.channel_named(name).expect("nobody is let into a channel that is not there");
    let public = channel.privacy == Privacy::Public;
    Room { id: channel.id, name: channel.name.clone(), public }
}

/// Headers that go with every answer.
fn dress(response: &mut Response, carrier: Carrier) {
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static(VARIES));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if carrier == Carrier::Path {
        headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
        headers.insert(X_ROBOTS_TAG, HeaderValue::from_static("noindex"));
    }
}

/// Reads what a refused client is sending anyway, within limits, while the refusal is on its way.
pub(crate) fn discard(request: Request) {
    // Whoever asked first is waiting for the answer and sends nothing once it is a refusal.
    if request.headers().contains_key(EXPECT) {
        return;
    }
    let body = request.into_body();
    if body.is_end_stream() {
        return;
    }
    tokio::spawn(tokio::time::timeout(LEFTOVER_LIMIT, async move {
        let (mut left, mut chunks) = (LEFTOVER_BYTES, body.into_data_stream());
        while let Some(Ok(chunk)) = chunks.next().await {
            match left.checked_sub(chunk.len()) {
                Some(less) => left = less,
                None => return,
            }
        }
    }));
}

fn family_word(family: Family) -> &'static str {
    match family {
        Family::Conda => "conda",
        Family::Python => "python",
        Family::Api => "api",
        Family::Page => "page",
    }
}
