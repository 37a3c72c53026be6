//! Who is let in, and to what: the one place where the gateway asks the authoriser.

use access::{Action, Caller, Object, Table, Verdict};
use http::{HeaderValue, StatusCode};
use names::{ChannelId, ChannelName, Privacy};

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
    pub(crate) name: Box<str>,
    /// Anyone may read it.
    public: bool,
}

impl Admitted {
    /// As if a request to download from this channel had been let in.
    #[cfg(test)]
    pub(crate) fn for_test(app: &App, presented: Presented, channel: &str) -> Self {
        let action = Some(Action::CondaDownload);
        app.view.read(|table| {
            let caller = table.caller(app.ambient.clock.now(), &presented.credential());
            Self { presented, caller, action, room: Some(room(table, channel)), warning: None }
        })
    }

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

/// A request that may not go on.
pub(crate) struct Refused {
    pub(crate) problem: Problem,
    /// It showed a credential that opens nothing.
    pub(crate) dead: bool,
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, dead: false }
    }
}

/// Decides on a request, whose address may name a channel.
pub(super) fn admit(door: &Door, presented: Presented, channel: Option<&str>) -> Result<Admitted, Refused> {
    if presented.astray() {
        let words = "a token stands in the wrong place: put /t/<token>/ first in the address";
        return Err(Problem::invalid(words).into());
    }
    if matches!(door.gate, Gate::Open | Gate::SignIn) {
        return Ok(Admitted { presented, caller: Caller::Nobody, action: None, room: None, warning: None });
    }
    // No channel is called like a mount: it is an address below that mount which does not exist.
    if channel.is_some_and(names::is_reserved) {
        return Err(no_address().into());
    }
    if !door.app.view.ready() {
        return Err(Problem::unavailable("access is not known yet; try again in a moment").into());
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
        let named = Object::ChannelNamed(spoken(channel));
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
        if let Some(problem) = problem {
            return Err(Refused { problem, dead: refuse::warning(&caller).is_some() });
        }
        let room = match door.gate {
            Gate::Channel(_) | Gate::Keyed(_) => Some(room(table, spoken(channel))),
            Gate::Open | Gate::SignIn | Gate::Listed | Gate::Server(_) | Gate::Account(_) => None,
        };
        let action = door.gate.action().filter(|_| caller != Caller::Nobody || room.is_some());
        let warning = refuse::warning(&caller).or_else(|| refuse::ending(table, now, &caller, &presented));
        Ok(Admitted { caller, presented: presented.clone(), action, room, warning })
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
