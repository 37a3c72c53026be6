//! The use cases, one method each, in the words of the API: check the caller, make the command, execute, wait for the
//! receipt, return what was decided.

mod account;
mod authorize;
mod change;
mod default_channel;
mod explain;
mod leaked;
mod list;
mod lookup;
mod outcome;
mod owners;
mod role;
mod session;
mod show;
mod token;
mod uses;
mod warn;

use std::sync::Arc;

use access::{Action, Caller, Object, Verdict};
use async_trait::async_trait;
use eventlog::{Log, LogError, Meta, Rules, Stamps, Store, Stream, Voids};
use feed::client::AccessView;
use feed::lease::{Clocks, WANT_LIMIT};
use feed::server::Leased;
use proto::event::v1::Actor;
use proto::feed::v1::Receipt;
use readmodel::Reader;
use runtime::{Ambient, Failure};
use time::{Duration, OffsetDateTime};

use crate::call::Call;
use crate::domain::account as owner;
use crate::domain::{name, role as roles};
use crate::events;
use crate::lease::{clocks, lapsed};
use crate::password::Passwords;
use crate::personal::Keys;
use crate::receipt::{Change, Receipts};

pub use account::{Myself, NewAccount};
pub use authorize::{Authorize, Exchange, Program, challenge_of};
pub use change::{TokenEdit, TokenReissue};
pub use explain::{Answer, Question};
pub use list::{ListedTokens, TokenQuery};
pub use outcome::denied;
pub use role::{Holder, RoleChanges, ShownRole, Whom};
pub use session::SignIn;
pub use show::{ShownAccount, ShownGrant, ShownToken};
pub use token::{Issued, NewToken};
pub use uses::Uses;
pub use warn::Warnings;

/// How long a fold may take to reach what was just appended.
const FOLD_LIMIT: std::time::Duration = std::time::Duration::from_secs(5);
/// The system's own name, where no account decides.
const SYSTEM: &str = "auth";

/// Settings that are an operator's choice.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    pub session: Duration,
    /// Where none is asked for.
    pub token: Duration,
    /// The most that may be asked for.
    pub token_longest: Duration,
    /// How long before its end a token's owner is warned.
    pub warning: Duration,
}

/// Everything the use cases work on.
pub struct App {
    ambient: Ambient,
    view: AccessView,
    accounts: Store<owner::Account, owner::Event>,
    names: Store<name::Name, name::Event>,
    roles: Store<roles::Roles, roles::Event>,
    keys: Keys,
    passwords: Passwords,
    receipts: Receipts,
    clocks: Clocks,
    lifetimes: Lifetimes,
    /// Where last uses of tokens are; without it they are not known.
    reader: Option<Reader>,
}

/// What a change led to.
pub struct Changed<T> {
    pub seq: u64,
    pub receipt: Receipt,
    pub shown: T,
}

impl App {
    pub fn new(
        ambient: Ambient,
        log: Arc<dyn Log>,
        keys: Keys,
        view: AccessView,
        leased: Leased,
        lifetimes: Lifetimes,
    ) -> Self {
        let stamps = stamps(&ambient);
        let voids: Arc<dyn Voids> = Arc::new(Fold(view.clone()));
        let account =
            Rules { decode: events::owner::decode, encode: events::owner::encode, evolve: owner::evolve };
        let login =
            Rules { decode: events::login::decode, encode: events::login::encode, evolve: name::evolve };
        let role =
            Rules { decode: events::role::decode, encode: events::role::encode, evolve: roles::evolve };
        Self {
            accounts: Store::new(log.clone(), Stream::Authz, account, stamps.clone(), voids.clone()),
            names: Store::new(log.clone(), Stream::Authz, login, stamps.clone(), voids.clone()),
            roles: Store::new(log, Stream::Authz, role, stamps, voids),
            passwords: Passwords::new(&*ambient.ids),
            receipts: Receipts::new(view.clone(), leased),
            clocks: clocks(&ambient),
            ambient,
            view,
            keys,
            lifetimes,
            reader: None,
        }
    }

    /// The same, with the read models to ask for last uses of tokens.
    #[must_use]
    pub fn with_reader(self, reader: Option<Reader>) -> Self {
        Self { reader, ..self }
    }

    fn now(&self) -> OffsetDateTime {
        self.ambient.clock.now()
    }

    /// Sees to it that this process may decide, if that is possible in a bearable time.
    pub async fn until_leased(&self) {
        // Without a lease every check refuses, in better words than a wait that was in vain.
        self.view.lease().wait(&self.clocks, WANT_LIMIT).await;
    }

    /// The one check: whether the caller may do this, at this moment and on this state.
    pub fn allow(&self, call: &Call, action: Action, object: &Object<'_>) -> Result<Caller, Failure> {
        if !self.view.lease().holds(self.clocks.now()) {
            return Err(lapsed());
        }
        let now = self.now();
        self.view.read(|table| {
            let caller = table.caller(now, &call.credential);
            match table.decide(&caller, action, object) {
                Verdict::Allowed(_) => Ok(caller),
                Verdict::Refused(refusal) => Err(denied(table, &caller, &refusal, action, object)),
            }
        })
    }

    fn meta(&self, call: &Call, actor: Actor) -> Meta {
        let view = self.view.clone();
        Meta {
            actor,
            request_id: call.request_id.clone(),
            traceparent: call.traceparent.clone(),
            authz_seq: Arc::new(move || view.seq()),
        }
    }

    fn meta_of(&self, call: &Call, caller: &Caller) -> Meta {
        self.meta(call, actor(caller))
    }

    async fn settle<T>(&self, call: &Call, seq: u64, change: Change, shown: T) -> Changed<T> {
        let receipt = self.receipts.take(seq, change, call.limit).await;
        Changed { seq, receipt, shown }
    }
}

/// Where event ids and times come from.
pub fn stamps(ambient: &Ambient) -> Stamps {
    let (ids, clock) = (ambient.ids.clone(), ambient.clock.clone());
    Stamps::new(move || ids.uuid(), move || clock.now())
}

fn actor(caller: &Caller) -> Actor {
    match caller {
        Caller::Token { token, account }
        | Caller::Expired { token, account, .. }
        | Caller::Revoked { token, account, .. }
        | Caller::Disabled { token, account } => {
            Actor { account_id: account.to_bytes(), token_id: token.to_bytes(), system: String::new() }
        }
        Caller::Nobody | Caller::Unknown | Caller::Service(_) => system(),
    }
}

fn system() -> Actor {
    Actor { system: SYSTEM.into(), ..Actor::default() }
}

/// Answers from auth's own fold of AUTHZ which events are void.
struct Fold(AccessView);

#[async_trait]
impl Voids for Fold {
    async fn is_void(&self, seq: u64) -> Result<bool, LogError> {
        let reached = self.0.wait_for(seq, FOLD_LIMIT).await;
        reached.map_err(|behind| LogError::Unavailable(behind.into()))?;
        Ok(self.0.read(|table| table.is_void(seq)))
    }
}
