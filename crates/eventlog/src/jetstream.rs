//! The log on NATS JetStream.

mod bucket;
mod config;
mod connection;
mod gauge;
mod position;
mod read;
pub(crate) mod tail;
mod wire;

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_nats::jetstream;
use async_trait::async_trait;
use futures::stream::BoxStream;
use proto::event::v1::Lease;
use time::OffsetDateTime;

pub use bucket::ACCOUNT_KEYS;
pub use config::NatsConfig;
use connection::Connection;
use gauge::Gauge;

use crate::{
    AppendError, Log, LogError, Message, Notes, Record, Stamps, Stream, Writer,
    append::{self, Gate, Passing},
    keys::{Keyring, Signer},
};

/// Between two looks for servers that are away, growing.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The log on NATS JetStream. Clones share one connection.
#[derive(Clone)]
pub struct JetStream(Arc<Inner>);

struct Inner {
    connection: Connection,
    context: jetstream::Context,
    signer: Option<Arc<Signer>>,
    keyring: Keyring,
    stamps: Stamps,
    streams: HashMap<Stream, One>,
}

struct One {
    epoch: String,
    gate: Gate,
    gauge: Gauge,
}

/// Servers that were found fit.
struct Reached {
    connection: Connection,
    context: jetstream::Context,
    streams: HashMap<Stream, One>,
}

impl Reached {
    async fn reach(config: &NatsConfig, stamps: &Stamps) -> Result<Self, LogError> {
        let connection = Box::pin(Connection::open(config)).await?;
        let context = connection.context();
        let mut streams = HashMap::new();
        for stream in Stream::ALL {
            let info = Box::pin(config::ensure(&context, config, stream, stamps)).await?;
            let epoch = config::epoch_of(stream, &info.config)?;
            let gauge = Gauge::new(info.config.max_bytes, info.state.bytes);
            streams.insert(stream, One { epoch, gate: Gate::new(), gauge });
        }
        if config.create {
            bucket::ensure(&context, config.replicas).await?;
        }
        Ok(Self { connection, context, streams })
    }
}

impl JetStream {
    /// Connects, refuses a server that cannot keep the log's promises, and creates the streams where
    /// the configuration says so.
    ///
    /// Without a signer the log is for reading only.
    pub async fn connect(
        config: NatsConfig,
        stamps: Stamps,
        signer: Option<Signer>,
        keyring: Keyring,
    ) -> Result<Self, LogError> {
        let reached = Reached::reach(&config, &stamps).await?;
        Ok(Self::of(reached, stamps, signer, keyring))
    }

    /// The same, waiting for servers that are away: what is started first need not be NATS.
    pub async fn wait_and_connect(
        config: NatsConfig,
        stamps: Stamps,
        signer: Option<Signer>,
        keyring: Keyring,
    ) -> Result<Self, LogError> {
        let mut pause = FIRST_PAUSE;
        loop {
            match Reached::reach(&config, &stamps).await {
                Ok(reached) => return Ok(Self::of(reached, stamps, signer, keyring)),
                Err(LogError::Unavailable(error)) => {
                    tracing::warn!(error, "the event log is away, waiting for it");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn of(reached: Reached, stamps: Stamps, signer: Option<Signer>, keyring: Keyring) -> Self {
        let Reached { connection, context, streams } = reached;
        let signer = signer.map(Arc::new);
        Self(Arc::new(Inner { connection, context, signer, keyring, stamps, streams }))
    }

    /// The client below, for what is not the log.
    pub fn client(&self) -> async_nats::Client {
        self.0.context.client()
    }

    /// What this writer's replicas tell each other on a subject; needs a signer.
    pub fn notes(&self, writer: Writer, subject: &'static str) -> Result<Notes, LogError> {
        let (client, signer) = (self.client(), self.0.signer.clone().ok_or(LogError::ReadOnly)?);
        Ok(Notes { client, signer, keyring: self.0.keyring.clone(), writer, subject })
    }

    /// JetStream as this user is offered it, for the bucket of account keys.
    pub fn context(&self) -> jetstream::Context {
        self.0.context.clone()
    }

    /// True while there is a connection.
    pub fn is_connected(&self) -> bool {
        self.0.connection.is_up()
    }
}

impl Inner {
    fn one(&self, stream: Stream) -> &One {
        self.streams.get(&stream).expect("connect has made every stream")
    }
}

#[async_trait]
impl Log for JetStream {
    async fn append(&self, stream: Stream, messages: Vec<Message>) -> Result<u64, AppendError> {
        let signer =
            self.0.signer.as_ref().ok_or_else(|| AppendError::Unavailable(Box::new(LogError::ReadOnly)))?;
        append::append(&*self.0, &self.0.one(stream).gate, signer, stream, &messages).await
    }

    async fn read(
        &self,
        stream: Stream,
        subject: &str,
        after: u64,
        at_least: u64,
    ) -> Result<Vec<Record>, LogError> {
        read::read(&self.0, stream, subject, after, at_least).await
    }

    fn tail(&self, stream: Stream, from: u64) -> BoxStream<'static, Result<Record, LogError>> {
        tail::tail(self.0.clone(), stream, from)
    }

    async fn barrier(&self, stream: Stream) -> Result<u64, LogError> {
        let signer = self.0.signer.as_ref().ok_or(LogError::ReadOnly)?;
        let (inner, barrier) = (&*self.0, Passing::barrier());
        Ok(append::passing(inner, &inner.one(stream).gate, signer, &inner.stamps, stream, barrier).await?)
    }

    async fn lease(&self, lease: Lease, ttl: Duration) -> Result<u64, AppendError> {
        let signer =
            self.0.signer.as_ref().ok_or_else(|| AppendError::Unavailable(Box::new(LogError::ReadOnly)))?;
        let (inner, lease) = (&*self.0, Passing { lease: Some(lease), ttl });
        let gate = &inner.one(Stream::Authz).gate;
        append::passing(inner, gate, signer, &inner.stamps, Stream::Authz, lease).await
    }

    async fn end(&self, stream: Stream) -> Result<u64, LogError> {
        position::end(&self.0, stream).await
    }

    async fn since(&self, stream: Stream, time: OffsetDateTime) -> Result<u64, LogError> {
        position::since(&self.0, stream, time).await
    }

    async fn count(&self, stream: Stream, from: u64) -> Result<u64, LogError> {
        position::count(&self.0, stream, from).await
    }

    fn epoch(&self, stream: Stream) -> String {
        self.0.one(stream).epoch.clone()
    }
}
