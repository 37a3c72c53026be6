//! A follower with a million tokens: from the first call to being ready, what that costs in memory, how fast it applies what
//! comes afterwards, and what the check of its lease adds to a decision. Server and follower are in this process, over a
//! real connection.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use access::{Action, Credential, Object, SecretHash, Service, Verdict, token_string};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use feed::client::{AccessView, Upstream};
use feed::lease::{Clocks, Moment};
use feed::server::{FeedService, Followers, Snapshot, Snapshots, Source, Step};
use futures::stream::BoxStream;
use futures::{StreamExt as _, stream};
use names::{AccountId, ChannelId, TokenId};
use proto::event::v1::{
    AccountCreated, AccountKind, ChannelCreated, Envelope, Event, Level, Privacy, TokenGrant, TokenIssued,
    TokenKind, TokenSecret, event,
};
use proto::feed::v1::{AccessEvent, feed_item::Item};
use runtime::{Clock as _, SystemClock};
use tokio::runtime::Runtime;
use tokio::time::Instant;
use tonic::Status;
use tonic::transport::{Server, server::TcpIncoming};
use uuid::Uuid;

/// As in the services: most of the work is making room for rows.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const TOKENS: u64 = 1_000_000;
const OWNERS: u64 = 1_000;
const CHANNELS: u64 = 1_000;
/// Events that the follower applies after it is ready.
const EVENTS: u64 = 100_000;

fn envelope(event: event::Event) -> Envelope {
    Envelope { events: vec![Event { event: Some(event) }], time_us: 1, ..Envelope::default() }
}

fn owner(n: u64) -> Vec<u8> {
    AccountId(Uuid::from_u64_pair(1, n % OWNERS)).to_bytes()
}

fn channel(n: u64) -> Vec<u8> {
    ChannelId(Uuid::from_u64_pair(2, n % CHANNELS)).to_bytes()
}

fn string(n: u64) -> String {
    token_string::mint(token_string::Kind::Resource, SecretHash::of(&n.to_string()).0)
}

fn account(n: u64) -> Envelope {
    let kind = AccountKind::Person.into();
    envelope(event::Event::AccountCreated(AccountCreated {
        account_id: owner(n),
        kind,
        ..AccountCreated::default()
    }))
}

fn made(n: u64) -> Envelope {
    envelope(event::Event::ChannelCreated(ChannelCreated {
        channel_id: channel(n),
        name: format!("channel-{n}"),
        owner_id: owner(n),
        privacy: Privacy::Private.into(),
        ..ChannelCreated::default()
    }))
}

fn issued(n: u64) -> Envelope {
    envelope(event::Event::TokenIssued(TokenIssued {
        token_id: TokenId(Uuid::from_u64_pair(3, n)).to_bytes(),
        owner_id: owner(n),
        kind: TokenKind::Resource.into(),
        name: format!("ci-{n}"),
        expires_at_us: i64::MAX,
        secrets: vec![TokenSecret { sha256: SecretHash::of(&string(n)).0.to_vec(), ends_at_us: i64::MAX }],
        grants: vec![TokenGrant { channel_id: channel(n), level: Level::Read.into() }],
        ..TokenIssued::default()
    }))
}

/// A log whose first part everybody gets as a snapshot.
struct Full {
    view: AccessView,
    snapshots: Snapshots,
    events: Arc<Vec<Envelope>>,
}

#[tonic::async_trait]
impl Source for Full {
    fn epoch(&self) -> String {
        "bench".into()
    }

    async fn snapshot(&self, at_least: u64) -> Result<Arc<Snapshot>, Status> {
        self.snapshots.of(&self.view, at_least).await
    }

    fn tail(&self, from: u64) -> BoxStream<'static, Result<Step, Status>> {
        let (events, first) = (self.events.clone(), self.view.seq() + 1);
        let steps = (from..first + EVENTS).map(move |seq| {
            let index = usize::try_from(seq - first).expect("it is small");
            let envelope = Some(events[index].clone());
            Ok(Step { seq, items: vec![Item::AccessEvent(AccessEvent { seq, envelope })], anew: false })
        });
        stream::iter(steps).chain(stream::pending()).boxed()
    }

    async fn reach(&self, seq: u64, _limit: Duration) -> bool {
        seq <= self.view.seq() + EVENTS
    }
}

async fn serve(source: Arc<Full>) -> String {
    let started = Instant::now();
    let followers = Followers::new(move || started.elapsed());
    let gate: feed::server::Gate = Arc::new(|_, _| Ok(Service::Gateway));
    let service = FeedService::new(source, followers, gate, || Box::pin(std::future::pending()));
    let incoming =
        TcpIncoming::bind("127.0.0.1:0".parse().expect("it is an address")).expect("a port is free");
    let addr = incoming.local_addr().expect("it listens");
    tokio::spawn(Server::builder().add_service(service.into_server()).serve_with_incoming(incoming));
    format!("http://{addr}")
}

/// A new process's view, ready.
async fn follow(url: &str) -> (AccessView, tokio::task::JoinHandle<()>) {
    let view = AccessView::new(HashMap::new());
    let channel = Upstream::channel(url).expect("it is an address");
    let upstream = Upstream::new(channel, "bench", "gateway", Uuid::from_u128(1));
    let following = view.clone();
    let task = tokio::spawn(async move {
        drop(following.follow(upstream, std::future::pending()).await);
    });
    view.until_ready().await;
    (view, task)
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse().ok()).unwrap_or_default()
}

fn ready(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime starts");
    let view = AccessView::new(HashMap::new());
    view.open("bench").expect("it is the first log");
    let start = (0..OWNERS).map(account).chain((0..CHANNELS).map(made)).chain((0..TOKENS).map(issued));
    for (seq, envelope) in (1..).zip(start) {
        view.apply(seq, &envelope).expect("it is a good event");
    }
    let events = Arc::new((TOKENS..TOKENS + EVENTS).map(issued).collect::<Vec<_>>());
    let snapshots = Snapshots::default();
    let source = Arc::new(Full { view: view.clone(), snapshots, events });
    let url = runtime.block_on(serve(source));

    let before = resident_kib();
    let first = Instant::now();
    let (follower, task) = runtime.block_on(follow(&url));
    eprintln!("ready/first follower: {:?}, the snapshot encoded for it", first.elapsed());
    let last = view.seq() + EVENTS;
    let applying = Instant::now();
    runtime.block_on(follower.wait_for(last, Duration::from_secs(600))).expect("it applies all of it");
    eprintln!("ready/apply rate: {:.0} events a second", EVENTS as f64 / applying.elapsed().as_secs_f64());
    task.abort();
    eprintln!(
        "ready/memory: {} MiB more with a second table and the encoded snapshot",
        resident_kib().saturating_sub(before) / 1024
    );
    drop(follower);

    let mut group = c.benchmark_group("a million tokens");
    group.sample_size(10).throughput(Throughput::Elements(TOKENS));
    group.bench_function("ready", |b| {
        b.iter_custom(|rounds| {
            let mut total = Duration::ZERO;
            for _ in 0..rounds {
                let started = Instant::now();
                let (_view, task) = runtime.block_on(follow(&url));
                total += started.elapsed();
                task.abort();
            }
            total
        });
    });
    group.finish();
    decide(c, &view);
}

/// One decision of a request: with the lease, by both of the machine's clocks, and without.
fn decide(c: &mut Criterion, view: &AccessView) {
    let clocks = Clocks::new(|| {
        let wall_us = SystemClock.now().unix_timestamp_nanos() / 1_000;
        Moment { boot: SystemClock.boot(), wall_us: i64::try_from(wall_us).unwrap_or(i64::MAX) }
    });
    view.lease().hold_for(Duration::from_secs(86_400), clocks.now());
    let now = SystemClock.now();
    let strings: Vec<String> = (0..TOKENS).step_by(97).map(string).collect();
    let names: Vec<String> = (0..CHANNELS).map(|n| format!("channel-{n}")).collect();
    let mut group = c.benchmark_group("decide, a random one of a million tokens, hashing included");
    for leased in [false, true] {
        let mut turn = 0;
        group.bench_function(if leased { "under a lease" } else { "without a look at the lease" }, |b| {
            b.iter(|| {
                turn = (turn + 7919) % strings.len();
                assert!(!leased || view.lease().holds(clocks.now()));
                view.read(|table| {
                    let caller = table.caller(now, &Credential::of(black_box(&strings[turn])));
                    let object = Object::ChannelNamed(&names[turn * 97 % names.len()]);
                    let verdict = table.decide(&caller, Action::CondaDownload, &object);
                    assert!(matches!(verdict, Verdict::Allowed(_)));
                });
            });
        });
    }
    group.finish();
}

criterion_group!(benches, ready);
criterion_main!(benches);
