//! Who is let in, and to what: the one place where the gateway asks the authoriser.

use std::borrow::Cow;
use std::sync::Arc;

use access::{Action, Caller, Channel, Object, Table, Verdict, View};
use http::{HeaderValue, StatusCode};
use names::{ChannelId, Level, PackageId, PackageKind, Privacy};
use time::OffsetDateTime;

use super::named::{Named, UNSPEAKABLE};
use super::{Door, Gate};
use crate::caller::{Carrier, Presented};
use crate::problem::Problem;
use crate::refuse;
use crate::state::App;

/// A request that may go on.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub(crate) presented: Presented,
    pub(crate) caller: Caller,
    /// Which of its token's strings was shown.
    pub(super) string_no: Option<u32>,
    /// When.
    pub(super) at: OffsetDateTime,
    /// What it was let in for; nothing where nothing was asked.
    action: Option<Action>,
    room: Option<Room>,
    /// What it is told beside a good answer.
    pub(super) warning: Option<HeaderValue>,
}

/// The channel it may go on in.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    pub(crate) id: ChannelId,
    pub(crate) name: Arc<str>,
    /// Anyone may read it.
    public: bool,
    /// What the caller sees of it.
    view: View,
}

impl Admitted {
    /// As if a request to download from this channel had been let in.
    #[cfg(test)]
    pub(crate) fn for_test(app: &App, presented: Presented, channel: &str) -> Self {
        let action = Some(Action::CondaDownload);
        app.view.read(|table| {
            let at = app.ambient.clock.now();
            let caller = table.caller(at, &presented.credential());
            let channel = table.channel_named(channel).expect("the test has made it");
            let room = Some(room(table, &caller, action, channel));
            Self { presented, caller, string_no: None, at, action, room, warning: None }
        })
    }

    /// The channel of the address.
    pub(crate) fn room(&self) -> &Room {
        self.room.as_ref().expect("the route's gate names a channel")
    }

    /// What the caller sees of the channel of the address.
    pub(crate) fn view(&self) -> &View {
        &self.room().view
    }

    /// Whether shared caches may keep the answer: nobody showed anything, and anyone may read it.
    pub(crate) fn cacheable_by_all(&self) -> bool {
        self.presented.carrier() == Carrier::None && self.room.as_ref().is_some_and(|room| room.public)
    }

    /// Whether the same request would still be let in now, and see what it is being sent.
    pub(crate) fn still(&self, app: &App, sent: &Sent<'_>) -> bool {
        let Some(action) = self.action else { return true };
        let nameless = self.presented.carrier() == Carrier::None;
        let may_decide = app.leased() || nameless && app.shows_public();
        if !may_decide {
            return false;
        }
        app.view.read(|table| {
            let caller = table.caller(app.ambient.clock.now(), &self.presented.credential());
            let object =
                self.room.as_ref().map_or_else(|| own_account(&caller), |room| Object::Channel(room.id));
            matches!(table.decide(&caller, action, &object), Verdict::Allowed(_))
                && self.room.as_ref().is_none_or(|room| room.still(table, &caller, action, sent))
        })
    }
}

/// What is being sent.
#[derive(Debug, Clone)]
pub(crate) enum Sent<'a> {
    /// What was cut for the caller's view.
    Document,
    /// A file of this package.
    Package(PackageKind, Cow<'a, str>, PackageId),
}

impl Sent<'_> {
    /// The same for as long as it takes.
    pub(crate) fn into_owned(self) -> Sent<'static> {
        match self {
            Self::Document => Sent::Document,
            Self::Package(kind, name, id) => Sent::Package(kind, Cow::Owned(name.into_owned()), id),
        }
    }
}

impl Room {
    /// What stands before the first slash in it is the channel's own name; a subchannel's follows.
    pub(crate) fn below(&self) -> Option<&str> {
        self.name.split_once('/').map(|(_, below)| below)
    }

    fn still(&self, table: &Table, caller: &Caller, action: Action, sent: &Sent<'_>) -> bool {
        let now = table.view(caller, reading(Some(action)), self.id);
        match sent {
            Sent::Document => now.sight() == self.view.sight(),
            Sent::Package(kind, name, id) => table.shown(&now).has(*kind, name, *id),
        }
    }
}

/// The action by which something is seen on a route: its own, or the one of listings where its own changes something.
fn reading(action: Option<Action>) -> Action {
    action.filter(|action| action.level() == Some(Level::Read)).unwrap_or(Action::ArtifactView)
}

/// A request that may not go on.
pub(crate) struct Refused {
    pub(crate) problem: Problem,
    /// It showed a credential that opens nothing.
    pub(crate) dead: bool,
    /// Only for want of a lease.
    pub(crate) lapsed: bool,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, dead: false, lapsed: false }
    }
}

/// Decides on a request, whose address may name a channel. Without a lease what the table calls public is shown to whoever
/// shows no credential, and nothing else: the public part of an index that has more for this caller would be a lie.
pub(super) fn admit(
    door: &Door,
    presented: &Presented,
    named: Option<Named<'_>>,
) -> Result<Admitted, Refused> {
    if presented.astray() {
        let words = "a token stands in the wrong place: put /t/<token>/ first in the address";
        return Err(Problem::invalid(words).into());
    }
    let at = door.app.ambient.clock.now();
    if matches!(door.gate, Gate::Open | Gate::SignIn) {
        let (presented, caller) = (presented.clone(), Caller::Nobody);
        let (string_no, action, room, warning) = (None, None, None, None);
        return Ok(Admitted { presented, caller, string_no, at, action, room, warning });
    }
    // No channel is called like a mount: it is an address below that mount which does not exist.
    if named.is_some_and(|named| named.is_reserved()) {
        return Err(no_address().into());
    }
    if !door.app.view.ready() {
        return Err(Problem::unavailable("access is not known yet; try again in a moment").into());
    }
    let leased = door.app.leased();
    if !leased && (presented.carrier() != Carrier::None || !door.app.shows_public()) {
        return Err(lapsed());
    }
    door.app.view.read(|table| {
        let (caller, string) = table.identify(at, &presented.credential());
        let (name, channel) = meant(table, &caller, door.gate, named);
        let named = Object::ChannelNamed(&name);
        let refused = |action, object: &Object<'_>| {
            // It need not be found by its name twice.
            let found = channel.filter(|_| *object == named).map(|channel| Object::Channel(channel.id));
            match table.decide(&caller, action, found.as_ref().unwrap_or(object)) {
                Verdict::Allowed(_) => None,
                Verdict::Refused(refusal) => {
                    let words = table.refusal_words(&caller, &refusal, action, object);
                    Some(refuse::answer(door.family, presented.carrier(), &refusal, words))
                }
            }
        };
        let problem = match door.gate {
            Gate::Open | Gate::SignIn => None,
            Gate::Listed if caller == Caller::Nobody => None,
            Gate::Listed => refused(Action::WhoAmI, &Object::Server),
            Gate::Channel(action) => refused(action, &named),
            // Whoever asks knows two answers only: the token is good here, or it is not.
            Gate::Keyed(action) => refused(Action::WhoAmI, &Object::Server)
                .or_else(|| refused(action, &named))
                .map(|problem| problem.with_status(StatusCode::UNAUTHORIZED)),
            Gate::Server(action) => refused(action, &Object::Server),
            Gate::Account(action) => refused(action, &own_account(&caller)),
        };
        if problem.is_some() && !leased {
            return Err(lapsed());
        }
        if let Some(problem) = problem {
            return Err(Refused { problem, dead: refuse::warning(&caller).is_some(), lapsed: false });
        }
        let room = match door.gate {
            Gate::Channel(_) | Gate::Keyed(_) => {
                let channel = channel.expect("nobody is let into a channel that is not there");
                Some(room(table, &caller, door.gate.action(), channel))
            }
            Gate::Open | Gate::SignIn | Gate::Listed | Gate::Server(_) | Gate::Account(_) => None,
        };
        let action = door.gate.action().filter(|_| caller != Caller::Nobody || room.is_some());
        let warning =
            refuse::warning(&caller).or_else(|| string.and_then(|string| refuse::ending(at, string)));
        let string_no = string.and_then(|string| string.no());
        Ok(Admitted { presented: presented.clone(), caller, string_no, at, action, room, warning })
    })
}

/// What is true now may have been taken back already.
fn lapsed() -> Refused {
    let words =
        "this gateway has lost touch with the server that knows who may do what; try again in a moment";
    Refused { problem: Problem::unavailable(words), dead: false, lapsed: true }
}

/// The same for every address that is none.
pub(crate) fn no_address() -> Problem {
    Problem::not_found("there is no such address on this server")
}

/// The channel that the address means to this caller: what it is called, and it, if it is there.
fn meant<'a, 't>(
    table: &'t Table,
    caller: &Caller,
    gate: Gate,
    named: Option<Named<'a>>,
) -> (Cow<'a, str>, Option<&'t Channel>) {
    let Some(named) = named else { return (Cow::Borrowed(UNSPEAKABLE), None) };
    let below = named.perhaps().filter(|below| {
        let allowed = |action| table.decide(caller, action, &Object::ChannelNamed(below));
        gate.action().is_some_and(|action| matches!(allowed(action), Verdict::Allowed(_)))
    });
    let name = below.map_or_else(|| named.whole(), Cow::Owned);
    match table.channel_named(&name) {
        Some(channel) => (name, Some(channel)),
        None => (named.spoken(), None),
    }
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

fn room(table: &Table, caller: &Caller, action: Option<Action>, channel: &Channel) -> Room {
    let public = channel.privacy == Privacy::Public;
    let view = table.view(caller, reading(action), channel.id);
    Room { id: channel.id, name: channel.name.clone(), public, view }
}
