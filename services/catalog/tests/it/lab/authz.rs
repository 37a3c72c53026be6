//! The writing of auth's facts by hand, and the access feed over them.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use access::token_string::{self, Kind};
use access::{Action, By, Credential, Object, SecretHash, Service, Verdict};
use async_trait::async_trait;
use eventlog::{Log, Meta, Stamps, Stream, subject};
use feed::client::AccessView;
use feed::lease;
use feed::server::{Desk, FeedService, Holders, Leased, Snapshot, Source, Step};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use names::{AccountId, ChannelId, Level, Scope, TokenId};
use proto::event::v1::event::Event as Stored;
use proto::event::v1::{self as stored, Event};
use proto::feed::v1::{AccessEvent, feed_item::Item};
use runtime::{Ambient, Drain, GrpcServer};
use tokio::sync::watch;
use tonic::Status;
use tonic::metadata::MetadataMap;
use tonic::service::RoutesBuilder;
use uuid::Uuid;

use super::{LIMIT, Person};

/// 2100-01-01, microseconds.
const FAR_US: i64 = 4_102_444_800_000_000;

pub(crate) struct Authz {
    log: Arc<dyn Log>,
    stamps: Stamps,
    pub(crate) view: AccessView,
    pub(crate) leased: Leased,
    addr: SocketAddr,
    next: AtomicU8,
    _ready: watch::Sender<bool>,
}

impl Authz {
    pub(crate) async fn start(
        log: Arc<dyn Log>,
        stamps: Stamps,
        services: HashMap<SecretHash, Service>,
        ambient: Ambient,
    ) -> Self {
        let view = AccessView::new(services);
        view.open(&log.epoch(Stream::Authz)).unwrap();
        let holders = Holders::new(catalog::app::clocks(&ambient));
        let (folding, folded, mut records) = (view.clone(), holders.clone(), log.tail(Stream::Authz, 1));
        tokio::spawn(async move {
            while let Some(Ok(record)) = records.next().await {
                if let Some(lease) = &record.envelope.lease {
                    folded.fold(record.seq, lease);
                }
                folding.apply(record.seq, &record.envelope).unwrap();
            }
        });
        view.mark_ready();
        let desk = Desk::open(log.clone(), lease::LENGTH);
        let leased = Leased::new(holders, desk, lease::LENGTH, Arc::new(drop));
        let source = Arc::new(Feed { log: log.clone(), view: view.clone() });
        let (gate, drain) = (gate(view.clone(), ambient.clone()), Drain::new());
        let stop = || futures::future::pending().boxed();
        let mut services = RoutesBuilder::default();
        services.add_service(FeedService::new(source, leased.clone(), gate, stop).into_server());
        let (readiness, ready) = watch::channel(true);
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = GrpcServer { listen, descriptors: proto::DESCRIPTORS, ambient, drain, ready, tls: None };
        let addr = server.serve(services).await.unwrap().addr;
        Self { log, stamps, view, leased, addr, next: AtomicU8::new(10), _ready: readiness }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Appends a fact and returns when it is folded here, and by catalog if it follows.
    pub(crate) async fn fact(&self, subject: String, event: Stored) -> u64 {
        let meta = Meta {
            actor: stored::Actor { system: "lab".into(), ..stored::Actor::default() },
            request_id: String::new(),
            traceparent: String::new(),
            authz_seq: Arc::new(|| 0),
        };
        let records = self.log.read(Stream::Authz, &subject, 0, 0).await.unwrap();
        let expect = records.last().map_or(0, |record| record.seq);
        let events = vec![Event { event: Some(event) }];
        let parts = vec![(subject, expect, events)];
        let seq = eventlog::append_all(&*self.log, Stream::Authz, &self.stamps, &meta, parts).await.unwrap();
        self.view.wait_for(seq, LIMIT).await.unwrap();
        if self.leased.connected() > 0 {
            // Followers that a test keeps silent are not waited for.
            tokio::time::timeout(LIMIT, self.leased.holders().until_applied_by(1, seq)).await.unwrap();
        }
        seq
    }

    /// A person with a session; the first number is their account's.
    pub(crate) async fn person(&self, number: u128, admin: bool) -> Person {
        let account = AccountId(Uuid::from_u128(number));
        let created = stored::AccountCreated {
            account_id: account.to_bytes(),
            kind: stored::AccountKind::Person.into(),
            admin,
            ..stored::AccountCreated::default()
        };
        self.fact(subject::owner(account), Stored::AccountCreated(created)).await;
        let (token, session) = self.issue(account, stored::TokenKind::Session, Kind::Session, vec![]).await;
        Person { account, session, token }
    }

    pub(crate) async fn organisation(&self, number: u128, owners: &[AccountId]) -> AccountId {
        let account = AccountId(Uuid::from_u128(number));
        let created = stored::AccountCreated {
            account_id: account.to_bytes(),
            kind: stored::AccountKind::Organisation.into(),
            owner_ids: owners.iter().map(|owner| owner.to_bytes()).collect(),
            ..stored::AccountCreated::default()
        };
        self.fact(subject::owner(account), Stored::AccountCreated(created)).await;
        account
    }

    pub(crate) async fn resource(&self, owner: AccountId, channel: ChannelId, level: Level) -> String {
        let level = match level {
            Level::Read => stored::Level::Read,
            Level::Write => stored::Level::Write,
            Level::Manage => stored::Level::Manage,
        };
        let grant = stored::TokenGrant { channel_id: channel.to_bytes(), level: level.into() };
        self.issue(owner, stored::TokenKind::Resource, Kind::Resource, vec![grant]).await.1
    }

    pub(crate) async fn scoped(&self, owner: AccountId, scope: Scope) -> String {
        let kind = stored::TokenKind::Scoped;
        self.issue_with(owner, kind, Kind::Resource, vec![], vec![scope.to_string()]).await.1
    }

    pub(crate) async fn revoke(&self, person: &Person) -> u64 {
        let revoked = stored::TokenRevoked { token_id: person.token.to_bytes(), ..Default::default() };
        self.fact(subject::owner(person.account), Stored::TokenRevoked(revoked)).await
    }

    /// Reserves a name for an account, as its login.
    pub(crate) async fn login(&self, account: AccountId, login: &str) {
        let holder = stored::name_taken::Holder::AccountId(account.to_bytes());
        let taken = stored::NameTaken { holder: Some(holder) };
        self.fact(subject::name(login), Stored::NameTaken(taken)).await;
    }

    async fn issue(
        &self,
        owner: AccountId,
        kind: stored::TokenKind,
        letter: Kind,
        grants: Vec<stored::TokenGrant>,
    ) -> (TokenId, String) {
        self.issue_with(owner, kind, letter, grants, vec![]).await
    }

    async fn issue_with(
        &self,
        owner: AccountId,
        kind: stored::TokenKind,
        letter: Kind,
        grants: Vec<stored::TokenGrant>,
        scopes: Vec<String>,
    ) -> (TokenId, String) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        // A string is drawn from what is left of its bytes by 62.
        let mut random = [0; 32];
        random[..2].copy_from_slice(&[number / 62, number % 62]);
        let secret = token_string::mint(letter, random);
        let token = TokenId(Uuid::from_u128(u128::from(number) << 64));
        let sha256 = SecretHash::of(&secret).0.to_vec();
        let issued = stored::TokenIssued {
            token_id: token.to_bytes(),
            owner_id: owner.to_bytes(),
            kind: kind.into(),
            name: format!("token {number}"),
            expires_at_us: FAR_US,
            secrets: vec![stored::TokenSecret { sha256, ends_at_us: FAR_US }],
            grants,
            scopes,
            ..stored::TokenIssued::default()
        };
        self.fact(subject::owner(owner), Stored::TokenIssued(issued)).await;
        (token, secret)
    }
}

fn gate(view: AccessView, ambient: Ambient) -> feed::server::Gate {
    Arc::new(move |metadata: &MetadataMap, action: Action| {
        let secret =
            metadata.get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let credential = secret.map_or(Credential::None, Credential::of);
        view.read(|table| {
            let caller = table.caller(ambient.clock.now(), &credential);
            match table.decide(&caller, action, &Object::Server) {
                Verdict::Allowed(By::Service(service)) => Ok(service),
                Verdict::Allowed(_) | Verdict::Refused(_) => Err(Status::permission_denied("not a service")),
            }
        })
    })
}

struct Feed {
    log: Arc<dyn Log>,
    view: AccessView,
}

#[async_trait]
impl Source for Feed {
    fn epoch(&self) -> String {
        self.log.epoch(Stream::Authz)
    }

    async fn snapshot(&self, _at_least: u64) -> Result<Arc<Snapshot>, Status> {
        Ok(Arc::new(self.view.read(|table| Snapshot::encode(table.seq(), table.entries()))))
    }

    fn tail(&self, from: u64) -> BoxStream<'static, Result<Step, Status>> {
        let steps = self.log.tail(Stream::Authz, from).map(|record| {
            let record = record.map_err(|error| Status::unavailable(error.to_string()))?;
            let seq = record.seq;
            let envelope = Some(record.envelope);
            let item = Item::AccessEvent(AccessEvent { seq, envelope });
            Ok(Step { seq, items: vec![item], anew: false })
        });
        steps.boxed()
    }

    async fn reach(&self, seq: u64, limit: Duration) -> bool {
        self.view.wait_for(seq, limit).await.is_ok()
    }
}
