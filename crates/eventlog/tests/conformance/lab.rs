//! What a promise is tried on: the memory log, one real server, or three.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use eventlog::{
    JetStream, Log, LogError, Memory, MemoryOptions, Message, NatsConfig, Replicas, Stamps, Stream,
    keys::{self, Generated, Signer},
};
use proto::event::v1::{ChannelDescribed, Envelope, Event, TokenRevoked, event};
use servers::{NatsCluster, NatsOptions, NatsServer, NatsUser};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const STREAM: Stream = Stream::Catalog;
/// Small enough to be filled by a test.
pub(crate) const MAX_BYTES: u64 = 8 << 20;

static NEXT: AtomicU64 = AtomicU64::new(1);

pub(crate) fn unique() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(crate) fn stamps() -> Stamps {
    Stamps::new(
        || Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | unique()),
        || time::OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1_700_000_000),
    )
}

/// A subject that no other case uses.
pub(crate) fn subject() -> String {
    format!("evt.catalog.case.conda.p{}", unique())
}

pub(crate) fn described(text: &str) -> Event {
    let event = ChannelDescribed { channel_id: vec![1; 16], description: text.into() };
    Event { event: Some(event::Event::ChannelDescribed(event)) }
}

pub(crate) fn revoked() -> Event {
    Event {
        event: Some(event::Event::TokenRevoked(TokenRevoked {
            token_id: vec![1; 16],
            reason: "lost".into(),
            ..TokenRevoked::default()
        })),
    }
}

pub(crate) fn envelope(event: Event) -> Envelope {
    let id = Uuid::from_u64_pair(0x0190_0000_0000_7000, 0x8000_0000_0000_0000 | unique());
    Envelope { event_id: id.as_bytes().to_vec(), time_us: 1, events: vec![event], ..Envelope::default() }
}

pub(crate) fn message(subject: &str, expect: u64, text: &str) -> Message {
    Message { subject: subject.into(), expect, envelope: envelope(described(text)) }
}

/// The texts of what a read or a tail gave, barriers left out.
pub(crate) fn texts<'a>(records: impl IntoIterator<Item = &'a eventlog::Record>) -> Vec<String> {
    let described = |event: &Event| match &event.event {
        Some(event::Event::ChannelDescribed(event)) => Some(event.description.clone()),
        Some(_) | None => None,
    };
    records.into_iter().flat_map(|record| record.envelope.events.iter().filter_map(described)).collect()
}

pub(crate) enum Below {
    Memory(Memory),
    One(Box<NatsServer>),
    Three(NatsCluster),
}

pub(crate) struct Lab {
    pub(crate) below: Below,
    pub(crate) keys: Generated,
    _dir: TempDir,
}

impl Lab {
    fn on(below: Below, dir: TempDir) -> Self {
        Self { below, keys: keys::generate(), _dir: dir }
    }

    pub(crate) fn memory(replicas: Replicas) -> Self {
        let options = MemoryOptions { replicas, max_bytes: MAX_BYTES, ..MemoryOptions::default() };
        let memory = Memory::new(stamps(), options);
        Self::on(Below::Memory(memory), tempfile::tempdir().expect("a folder can be made"))
    }

    pub(crate) async fn one() -> Self {
        Self::one_with(NatsOptions::default()).await
    }

    pub(crate) async fn one_with(options: NatsOptions) -> Self {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let server = NatsServer::start(dir.path(), options).await.expect("nats-server starts");
        Self::on(Below::One(Box::new(server)), dir)
    }

    pub(crate) async fn three() -> Self {
        Self::three_with(NatsOptions::default()).await
    }

    pub(crate) async fn three_with(options: NatsOptions) -> Self {
        let dir = tempfile::tempdir().expect("a folder can be made");
        let cluster = NatsCluster::start(dir.path(), 3, options).await.expect("the cluster starts");
        Self::on(Below::Three(cluster), dir)
    }

    pub(crate) fn url(&self) -> String {
        self.url_of(NatsUser::Operator)
    }

    fn url_of(&self, user: NatsUser) -> String {
        match &self.below {
            Below::Memory(_) => panic!("the memory log has no address"),
            Below::One(server) => server.url_of(user),
            Below::Three(cluster) => cluster.url_of(user),
        }
    }

    pub(crate) fn config(&self, url: &str) -> NatsConfig {
        let replicas = if matches!(self.below, Below::Three(_)) { 3 } else { 1 };
        let sizes = NatsConfig::new(url, "conformance");
        NatsConfig { replicas, authz_max_bytes: MAX_BYTES, catalog_max_bytes: MAX_BYTES, ..sizes }
    }

    pub(crate) async fn connect(&self, url: &str) -> Result<JetStream, LogError> {
        self.connect_to(self.config(url)).await
    }

    pub(crate) async fn connect_to(&self, config: NatsConfig) -> Result<JetStream, LogError> {
        let signer = Signer::parse(&self.keys.private_pem).expect("a generated key is in its own format");
        JetStream::connect(config, stamps(), Some(signer), self.keys.keyring.clone()).await
    }

    /// Stores bytes as they are, as an intruder with the server's password would.
    pub(crate) async fn publish_raw(&self, subject: &str, raw: bytes::Bytes) -> u64 {
        if let Below::Memory(memory) = &self.below {
            return memory.store_raw(STREAM, subject, raw);
        }
        let client = self.connect(&self.url()).await.expect("it connects").client();
        let context = async_nats::jetstream::new(client);
        let publish = context.publish(subject.to_owned(), raw);
        publish.await.expect("it is sent").await.expect("it is stored").sequence
    }

    /// The log over a connection of its own, with the rights of the service that writes the stream.
    pub(crate) async fn open(&self) -> Arc<dyn Log> {
        self.open_as(NatsUser::Catalog).await
    }

    /// The same with the rights of another user.
    pub(crate) async fn open_as(&self, user: NatsUser) -> Arc<dyn Log> {
        if let Below::Memory(memory) = &self.below {
            return Arc::new(memory.clone());
        }
        drop(self.connect(&self.url()).await.expect("the streams are made"));
        let config = NatsConfig { create: false, ..self.config(&self.url_of(user)) };
        Arc::new(self.connect_to(config).await.expect("it connects"))
    }
}

/// Nothing in these tests may hang.
pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(Duration::from_secs(60), work).await {
        Ok(done) => done,
        Err(_) => panic!("{what} takes more than a minute"),
    }
}
