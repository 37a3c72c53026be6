//! One auth on a nats-server of its own, and the callers of it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ::access::token_string::{self, Kind};
use ::access::{SecretHash, Service};
use eventlog::keys::{Keyring, Signer};
use eventlog::{JetStream, Log as _, Message, NatsConfig, Stream, subject};
use feed::client::{AccessView, Holder, Upstream};
use names::{AccountId, ChannelId};
use proto::auth::v1::auth_client::AuthClient;
use proto::auth::v1::{Grant, IssueTokenRequest, IssuedToken, SignInRequest, WhoAmIRequest};
use proto::event::v1::event::Event as Stored;
use proto::event::v1::{Actor, ChannelCreated, ChannelDeleted, Envelope, Event, Level, Privacy};
use proto::events::v1::events_client::EventsClient;
use proto::feed::v1::Receipt;
use proto::feed::v1::feed_client::FeedClient;
use runtime::{Ambient, Clock as _, Drain, RandomIds, SystemClock, TestClock};
use servers::{NatsOptions, NatsServer};
use tempfile::TempDir;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

pub(crate) const LOGIN: &str = "ann-canary-login";
pub(crate) const PASSWORD: &str = "correct horse canary battery";
/// Generous: a loaded machine is slow, not wrong.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

#[derive(Clone)]
pub(crate) struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(value) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

pub(crate) type Authorized = InterceptedService<Channel, Bearer>;
pub(crate) type Client = AuthClient<Authorized>;

pub(crate) struct Lab {
    pub(crate) dir: TempDir,
    pub(crate) nats: NatsServer,
    pub(crate) log: JetStream,
    pub(crate) ambient: Ambient,
    config: auth::Config,
    services: HashMap<&'static str, String>,
    running: Option<Running>,
}

struct Running {
    addr: SocketAddr,
    drain: Drain,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        Self::start_with(Ambient::system()).await
    }

    pub(crate) async fn start_with(ambient: Ambient) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let nats = NatsServer::start(dir.path().join("nats"), NatsOptions::default()).await.unwrap();
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let generated = eventlog::keys::generate();
        let services = HashMap::from([
            ("gateway", token_string::mint(Kind::Service, [1; 32])),
            ("catalog", token_string::mint(Kind::Service, [2; 32])),
        ]);
        let hashes: HashMap<_, _> =
            services.iter().map(|(name, secret)| (name, hex::encode(SecretHash::of(secret).0))).collect();
        let key = file("key.pem", &generated.private_pem);
        let ring = file("ring.json", &generated.keyring.to_json());
        let credentials = file("services.json", &serde_json::to_string(&hashes).unwrap());
        let config = auth::Config {
            bootstrap_login: Some(LOGIN.into()),
            bootstrap_password_file: Some(file("password", PASSWORD)),
            expiry_check_s: 1,
            ..auth::Config::new(&nats.url(), &key, &ring, &credentials)
        };
        let log = JetStream::connect(
            NatsConfig::new(nats.url(), "test"),
            auth::app::stamps(&ambient),
            Some(Signer::parse(&generated.private_pem).unwrap()),
            Keyring::parse(&generated.keyring.to_json()).unwrap(),
        );
        let log = log.await.unwrap();
        let mut lab = Self { dir, nats, log, ambient, config, services, running: None };
        lab.start_auth().await;
        lab
    }

    pub(crate) async fn start_auth(&mut self) {
        let drain = Drain::new();
        let started = auth::start(self.config.clone(), self.ambient.clone(), drain.clone()).await.unwrap();
        self.config.listen = started.addr;
        self.running = Some(Running { addr: started.addr, drain, task: started.task });
    }

    /// Another replica on the same log; where it listens. It lives as long as the test.
    pub(crate) async fn another_auth(&self) -> SocketAddr {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        let config = auth::Config { listen, ..self.config.clone() };
        auth::start(config, self.ambient.clone(), Drain::new()).await.unwrap().addr
    }

    pub(crate) async fn stop_auth(&mut self) {
        let running = self.running.take().unwrap();
        running.drain.start();
        running.task.await.unwrap().unwrap();
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.running.as_ref().unwrap().addr
    }

    pub(crate) fn channel(&self) -> Channel {
        Upstream::channel(&format!("http://{}", self.addr())).unwrap()
    }

    fn bearer(secret: &str) -> Bearer {
        Bearer((!secret.is_empty()).then(|| format!("Bearer {secret}").parse().unwrap()))
    }

    pub(crate) fn client(&self, secret: &str) -> Client {
        Self::client_of(self.addr(), secret)
    }

    pub(crate) fn client_of(addr: SocketAddr, secret: &str) -> Client {
        let channel = Upstream::channel(&format!("http://{addr}")).unwrap();
        AuthClient::with_interceptor(channel, Self::bearer(secret))
    }

    pub(crate) fn events(&self, secret: &str) -> EventsClient<Authorized> {
        EventsClient::with_interceptor(self.channel(), Self::bearer(secret))
    }

    pub(crate) fn feed(&self, secret: &str) -> FeedClient<Authorized> {
        FeedClient::with_interceptor(self.channel(), Self::bearer(secret))
    }

    pub(crate) fn service(&self, name: &str) -> &str {
        &self.services[name]
    }

    /// With a clock that only the test moves.
    pub(crate) async fn with_clock() -> (Self, Arc<TestClock>) {
        let clock = Arc::new(TestClock::at(SystemClock.now()));
        let ambient = Ambient { clock: clock.clone(), ids: Arc::new(RandomIds::new(clock.clone())) };
        (Self::start_with(ambient).await, clock)
    }

    /// A session of the first administrator.
    pub(crate) async fn admin(&self) -> String {
        self.sign_in(LOGIN, PASSWORD).await.unwrap().secret
    }

    pub(crate) async fn sign_in(&self, login: &str, password: &str) -> Result<IssuedToken, Status> {
        let request = SignInRequest { login: login.into(), password: password.into(), note: "lab".into() };
        Ok(self.client("").sign_in(request).await?.into_inner())
    }

    pub(crate) async fn account_id(&self, session: &str) -> AccountId {
        let me = self.client(session).who_am_i(WhoAmIRequest {}).await.unwrap().into_inner();
        me.account.unwrap().id.parse().unwrap()
    }

    /// Makes a channel as catalog does.
    pub(crate) async fn make_channel(&self, name: &str, owner: AccountId, privacy: Privacy) -> ChannelId {
        let id = ChannelId(self.ambient.ids.uuid());
        let created = Stored::ChannelCreated(ChannelCreated {
            channel_id: id.to_bytes(),
            name: name.into(),
            owner_id: owner.to_bytes(),
            privacy: privacy.into(),
            description: String::new(),
            ..Default::default()
        });
        self.append(subject::channel(id), 0, system(), vec![created]).await;
        id
    }

    /// Deletes a channel that was made here, as catalog does.
    pub(crate) async fn delete_channel(&self, id: ChannelId) {
        let subject = subject::channel(id);
        let end = self.log.barrier(Stream::Authz).await.unwrap();
        let made = self.log.read(Stream::Authz, &subject, 0, end).await.unwrap();
        let made = made.last().expect("it was made").seq;
        let deleted = Stored::ChannelDeleted(ChannelDeleted { channel_id: id.to_bytes() });
        self.append(subject, made, system(), vec![deleted]).await;
    }

    /// Appends past every service, as a writer would whose check came too early.
    pub(crate) async fn append(
        &self,
        subject: String,
        expect: u64,
        actor: Actor,
        events: Vec<Stored>,
    ) -> u64 {
        let envelope = Envelope {
            event_id: self.ambient.ids.uuid().as_bytes().to_vec(),
            time_us: 1_700_000_000_000_000,
            actor: Some(actor),
            events: events.into_iter().map(|event| Event { event: Some(event) }).collect(),
            ..Envelope::default()
        };
        self.log.append(Stream::Authz, vec![Message { subject, expect, envelope }]).await.unwrap()
    }

    /// A real follower, as a gateway has one, ready.
    pub(crate) async fn follower(&self, name: &str) -> Follower {
        self.follower_through(name, self.addr()).await
    }

    pub(crate) async fn follower_through(&self, name: &str, addr: SocketAddr) -> Follower {
        let view = AccessView::new(HashMap::<SecretHash, Service>::new());
        let channel = Upstream::channel(&format!("http://{addr}")).unwrap();
        let incarnation = self.ambient.ids.uuid();
        let upstream = Upstream::new(channel, self.service("gateway"), name, incarnation);
        let drain = Drain::new();
        let holder = Holder { name: name.into(), incarnation, public: Duration::ZERO };
        let (grantor, clocks) = (upstream.clone(), auth::lease::clocks(&self.ambient));
        let (held, until, times) = (view.clone(), drain.requested(), clocks.clone());
        tokio::spawn(async move {
            held.until_ready().await;
            held.lease().keep(&holder, &times, &grantor, until).await;
        });
        let (following, stop) = (view.clone(), drain.requested());
        let task = tokio::spawn(async move { following.follow(upstream, stop).await });
        tokio::time::timeout(LIMIT, view.until_ready()).await.expect("the follower is ready in time");
        assert!(view.lease().wait(&clocks, LIMIT).await, "the follower has its lease in time");
        Follower { view, drain, task }
    }
}

/// Who confirmed, besides auth itself.
pub(crate) fn gateways(receipt: Option<Receipt>) -> Vec<String> {
    let receipt = receipt.expect("a restricting change has a receipt");
    assert_eq!((receipt.silent.len(), receipt.lapsed.len()), (0, 0), "{receipt:?}");
    let mut names: Vec<_> = receipt.confirmed.into_iter().map(|one| one.follower).collect();
    names.retain(|name| name != "auth");
    names.sort();
    names
}

pub(crate) struct Follower {
    pub(crate) view: AccessView,
    pub(crate) drain: Drain,
    pub(crate) task: tokio::task::JoinHandle<Result<(), feed::client::FollowError>>,
}

impl Follower {
    pub(crate) async fn leave(self) {
        self.drain.start();
        self.task.await.unwrap().unwrap();
    }
}

pub(crate) fn system() -> Actor {
    Actor { system: "catalog".into(), ..Actor::default() }
}

pub(crate) fn reader(name: &str, channel: &str) -> IssueTokenRequest {
    let level = Level::Read.into();
    let grant = Grant { channel: channel.into(), level, channel_id: String::new() };
    IssueTokenRequest { name: name.into(), grants: vec![grant], ..IssueTokenRequest::default() }
}

pub(crate) fn scoped(name: &str, scopes: &[&str]) -> IssueTokenRequest {
    let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
    IssueTokenRequest { name: name.into(), scopes, ..IssueTokenRequest::default() }
}

pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T, Status>) -> tonic::Code {
    answer.expect_err("it should be refused").code()
}
