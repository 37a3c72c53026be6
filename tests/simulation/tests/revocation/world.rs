//! What is true in one simulation, beside what its processes know: which tokens there are, whose Revoke has returned, and
//! what gateways answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use access::token_string::{Kind, mint};
use access::{Caller, Credential, SecretHash};
use eventlog::{Log as _, Memory, MemoryOptions, Message, Replicas, Stamps, Stream, subject};
use feed::client::AccessView;
use feed::lease::{Clocks, Moment};
use names::{AccountId, TokenId};
use proto::event::v1::event::Event as Stored;
use proto::event::v1::{
    AccountCreated, AccountKind, Actor, Envelope, Event, TokenIssued, TokenKind, TokenSecret,
};
use proto::feed::v1::Receipt;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use uuid::Uuid;

use crate::line::Line;
use crate::seed::Seed;

pub(crate) const REPLICAS: usize = 2;
pub(crate) const GATEWAYS: usize = 3;
pub(crate) const TOKENS: usize = 48;
/// Clocks are wrong by at most so much.
const MAX_DRIFT_PPM: i64 = 1_000;
const NOW: OffsetDateTime = time::macros::datetime!(2026-11-25 01:00 UTC);
const FAR_US: i64 = 4_000_000_000_000_000;

/// A token and its life.
pub(crate) struct Token {
    pub(crate) id: TokenId,
    pub(crate) subject: String,
    pub(crate) issued_at: u64,
    credential: Credential,
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    /// Requests let in before their token's Revoke had returned.
    pub(crate) let_in_before: u64,
    /// Requests let in that began after it.
    pub(crate) let_in_after: u64,
    /// Requests that found no lease.
    pub(crate) lapsed: u64,
    /// Requests refused because the token was revoked.
    pub(crate) refused: u64,
    /// Revokes that returned because all had reported.
    pub(crate) by_reports: u64,
    /// And because leases had ended.
    pub(crate) by_lapse: u64,
    /// Faults of each simulation together.
    pub(crate) faults: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: &Self) {
        self.let_in_before += other.let_in_before;
        self.let_in_after += other.let_in_after;
        self.lapsed += other.lapsed;
        self.refused += other.refused;
        self.by_reports += other.by_reports;
        self.by_lapse += other.by_lapse;
        self.faults += other.faults;
    }
}

/// One simulation's facts.
pub(crate) struct World {
    pub(crate) log: Memory,
    pub(crate) tokens: Vec<Token>,
    pub(crate) cuts: Vec<watch::Sender<bool>>,
    /// What each replica is asked to revoke; a replica that was restarted goes on with it.
    pub(crate) orders: Vec<mpsc::UnboundedSender<usize>>,
    pub(crate) taken: Vec<tokio::sync::Mutex<mpsc::UnboundedReceiver<usize>>>,
    seed: u64,
    facts: Mutex<Facts>,
}

#[derive(Default)]
struct Facts {
    returned: Vec<usize>,
    counts: Counts,
    lives: u128,
    choices: Option<Seed>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Arc<Self> {
        let ids = Mutex::new(Seed(seed ^ 0x1d5));
        let stamps = Stamps::new(
            move || Uuid::from_u64_pair(1, ids.lock().expect("nobody panics with it").next()),
            || NOW,
        );
        let replicas = if seed.is_multiple_of(2) { Replicas::One } else { Replicas::Three };
        let log = Memory::new(stamps, MemoryOptions { replicas, ..MemoryOptions::default() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let tokens = runtime.expect("a runtime can be built").block_on(issue(&log));
        let (orders, taken) =
            (0..REPLICAS).map(|_| mpsc::unbounded_channel()).unzip::<_, _, Vec<_>, Vec<_>>();
        Arc::new(Self {
            log,
            tokens,
            cuts: (0..REPLICAS).map(|_| watch::Sender::new(false)).collect(),
            orders,
            taken: taken.into_iter().map(tokio::sync::Mutex::new).collect(),
            seed,
            facts: Mutex::new(Facts { choices: Some(Seed(seed ^ 0xa5)), ..Facts::default() }),
        })
    }

    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().expect("nobody panics with it")
    }

    /// A machine's clocks: right but for a drift that stays the same.
    pub(crate) fn clocks(&self, machine: u64) -> Clocks {
        let span = MAX_DRIFT_PPM.unsigned_abs() * 2 + 1;
        let drift_ppm = Seed(self.seed ^ (machine << 32)).below(span);
        let last_us = AtomicU64::new(0);
        Clocks::new(move || {
            // A process that is being killed is outside of time.
            let now_us = turmoil::sim_elapsed().map(|passed| passed.as_micros());
            let now_us = now_us.map(|us| u64::try_from(us).expect("it is short"));
            let passed_us = last_us.fetch_max(now_us.unwrap_or_default(), Ordering::Relaxed);
            let passed_us = passed_us.max(now_us.unwrap_or_default());
            let ppm = 1_000_000 - MAX_DRIFT_PPM.unsigned_abs() + drift_ppm;
            let by_this_us = passed_us * ppm / 1_000_000;
            let boot = Duration::from_secs(1_000 * (machine + 1)) + Duration::from_micros(by_this_us);
            Moment { boot, wall_us: i64::try_from(boot.as_micros()).expect("it is short") }
        })
    }

    pub(crate) fn line(&self, replica: usize) -> Line {
        let seed = Seed(self.seed ^ replica as u64).next();
        Line { log: self.log.clone(), cut: self.cuts[replica].subscribe(), seed }
    }

    /// The id of a process that starts now.
    pub(crate) fn incarnation(&self) -> Uuid {
        let mut facts = self.facts();
        facts.lives += 1;
        Uuid::from_u128((u128::from(self.seed) << 64) + facts.lives)
    }

    /// A Revoke has returned and says that it holds everywhere.
    pub(crate) fn returned(&self, token: usize, receipt: &Receipt) {
        let mut facts = self.facts();
        facts.returned.push(token);
        if receipt.lapsed.is_empty() {
            facts.counts.by_reports += 1;
        } else {
            facts.counts.by_lapse += 1;
        }
    }

    /// A request begins at this gateway now and is decided: with the token revoked last, and with any.
    pub(crate) fn ask(&self, view: &AccessView, clocks: &Clocks) {
        let mut facts = self.facts();
        let any = facts.choices.as_mut().expect("it is there from the beginning").index(TOKENS);
        let newest = facts.returned.last().copied();
        for token in [Some(any), newest].into_iter().flatten() {
            let returned = facts.returned.contains(&token);
            if !view.lease().holds(clocks.now()) {
                facts.counts.lapsed += 1;
                continue;
            }
            match view.read(|table| table.caller(NOW, &self.tokens[token].credential)) {
                Caller::Token { .. } if returned => facts.counts.let_in_after += 1,
                Caller::Token { .. } => facts.counts.let_in_before += 1,
                Caller::Revoked { .. } => facts.counts.refused += 1,
                Caller::Nobody
                | Caller::Unknown
                | Caller::Expired { .. }
                | Caller::Disabled { .. }
                | Caller::Service(_) => panic!("the token is in every snapshot"),
            }
        }
    }

    pub(crate) fn fault(&self) {
        self.facts().counts.faults += 1;
    }

    pub(crate) fn counts(&self) -> Counts {
        self.facts().counts.clone()
    }
}

/// An envelope of auth's own.
pub(crate) fn envelope(event_id: Uuid, event: Stored) -> Envelope {
    Envelope {
        event_id: event_id.as_bytes().to_vec(),
        actor: Some(Actor { system: "auth".into(), ..Actor::default() }),
        events: vec![Event { event: Some(event) }],
        ..Envelope::default()
    }
}

/// Every token has an owner of its own, so that no two revocations wait for each other.
async fn issue(log: &Memory) -> Vec<Token> {
    let mut tokens = Vec::new();
    for number in 0..TOKENS as u64 {
        let account = AccountId(Uuid::from_u64_pair(2, number));
        let id = TokenId(Uuid::from_u64_pair(3, number));
        let subject = subject::owner(account);
        let mut random = [0; access::token_string::RANDOM_BYTES];
        random[..8].copy_from_slice(&number.to_be_bytes());
        let string = mint(Kind::Resource, random);
        let created = Stored::AccountCreated(AccountCreated {
            account_id: account.to_bytes(),
            kind: AccountKind::Person.into(),
            ..AccountCreated::default()
        });
        let issued = Stored::TokenIssued(TokenIssued {
            token_id: id.to_bytes(),
            owner_id: account.to_bytes(),
            kind: TokenKind::Session.into(),
            name: "simulated".into(),
            expires_at_us: FAR_US,
            secrets: vec![TokenSecret { sha256: SecretHash::of(&string).0.to_vec(), ends_at_us: FAR_US }],
            ..TokenIssued::default()
        });
        let mut expect = 0;
        for (half, event) in [created, issued].into_iter().enumerate() {
            let envelope = envelope(Uuid::from_u64_pair(4 + half as u64, number), event);
            let message = Message { subject: subject.clone(), expect, envelope };
            expect = log.append(Stream::Authz, vec![message]).await.expect("nothing befalls it yet");
        }
        let credential = Credential::of(&string);
        tokens.push(Token { id, subject, issued_at: expect, credential });
    }
    tokens
}
