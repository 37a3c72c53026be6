//! Servers with streams, and a connection as one user that hears what it is refused.

use std::time::Duration;

use async_nats::{ConnectOptions, Event, jetstream};
use eventlog::{
    JetStream, NatsConfig, Stamps,
    keys::{self, Signer},
};
use servers::{NatsCluster, NatsOptions, NatsServer, NatsUser};
use tempfile::TempDir;
use tokio::sync::mpsc;
use uuid::Uuid;

/// Nothing in these tests may hang.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

/// One server or three, with everything that set-up makes.
pub(crate) struct Servers {
    below: Below,
    _dir: TempDir,
}

enum Below {
    One(Box<NatsServer>),
    Three(NatsCluster),
}

impl Servers {
    pub(crate) async fn one() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = NatsServer::start(dir.path(), NatsOptions::default()).await.unwrap();
        let below = Below::One(Box::new(server));
        Self { below, _dir: dir }.made(1).await
    }

    pub(crate) async fn three() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let below = Below::Three(NatsCluster::start(dir.path(), 3, NatsOptions::default()).await.unwrap());
        Self { below, _dir: dir }.made(3).await
    }

    /// The streams, made with the rights of set-up alone.
    async fn made(self, replicas: usize) -> Self {
        let key = keys::generate();
        let signer = Signer::parse(&key.private_pem).unwrap();
        let stamps = Stamps::new(|| Uuid::from_u128(7 << 76 | 8 << 60), || time::OffsetDateTime::UNIX_EPOCH);
        let room = 8 << 20;
        let config = NatsConfig {
            replicas,
            authz_max_bytes: room,
            catalog_max_bytes: room,
            ..NatsConfig::new(self.url(NatsUser::Setup), "set-up")
        };
        JetStream::connect(config, stamps, Some(signer), key.keyring).await.unwrap();
        // The log knows nothing of this one.
        let usage = jetstream::stream::Config {
            name: "USAGE".into(),
            subjects: vec!["use.>".into()],
            num_replicas: replicas,
            ..Default::default()
        };
        self.operator().await.create_stream(usage).await.unwrap();
        self
    }

    fn url(&self, user: NatsUser) -> String {
        match &self.below {
            Below::One(server) => server.url_of(user),
            Below::Three(cluster) => cluster.url_of(user),
        }
    }

    pub(crate) async fn sign_in(&self, user: NatsUser) -> Wire {
        let url = self.url(user);
        let (sender, refusals) = mpsc::unbounded_channel();
        let password = url.split([':', '@']).nth(2).unwrap().to_owned();
        let options = ConnectOptions::with_user_and_password(user.as_str().into(), password)
            .request_timeout(Some(LIMIT))
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    drop(sender.send(error.to_string()));
                }
                std::future::ready(())
            });
        let servers: Vec<async_nats::ServerAddr> = url.split(',').map(|one| one.parse().unwrap()).collect();
        Wire { client: options.connect(servers).await.unwrap(), refusals }
    }

    /// JetStream for whom nothing is forbidden.
    pub(crate) async fn operator(&self) -> jetstream::Context {
        jetstream::new(self.sign_in(NatsUser::Operator).await.client)
    }
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    /// The server says that this user may not.
    Refused,
    /// There is nothing under this name for this user.
    Nowhere,
}

/// A connection as one user.
pub(crate) struct Wire {
    pub(crate) client: async_nats::Client,
    refusals: mpsc::UnboundedReceiver<String>,
}

impl Wire {
    pub(crate) async fn publish(&mut self, subject: &str) -> Fate {
        let asked = self.client.request(subject.to_owned(), "{}".into());
        tokio::select! {
            answer = asked => match answer {
                Ok(_) => Fate::Answered,
                Err(error) if error.kind() == async_nats::client::RequestErrorKind::NoResponders => Fate::Nowhere,
                Err(error) => panic!("{subject}: {error}"),
            },
            said = self.refusals.recv() => {
                let said = said.unwrap();
                assert!(said.contains("ermissions violation for publish") || said.contains("ermissions Violation for Publish"), "{said}");
                Fate::Refused
            }
        }
    }

    /// Whether the server refuses a subscription; `marker` is one that it refuses for certain, and comes after.
    pub(crate) async fn is_subscription_refused(&mut self, subject: &str) -> bool {
        let _subscription = self.client.subscribe(subject.to_owned()).await.unwrap();
        let _certain = self.client.subscribe("certainly.refused").await.unwrap();
        let said = tokio::time::timeout(LIMIT, self.refusals.recv()).await.unwrap().unwrap();
        if said.contains("certainly.refused") {
            return false;
        }
        assert!(said.contains(subject), "{said}");
        let marker = tokio::time::timeout(LIMIT, self.refusals.recv()).await.unwrap().unwrap();
        assert!(marker.contains("certainly.refused"), "{marker}");
        true
    }
}
