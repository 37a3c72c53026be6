//! Catalog as it runs, on a nats-server of its own. In auth's place stands the feed it would serve, over the same log.

mod authz;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access::Service;
use access::token_string::{self, Kind};
use blobs::Blobs;
use bytes::Bytes;
use catalog::{Config, Files, Started};
use eventlog::keys::{self, Signer};
use eventlog::{JetStream, Log, NatsConfig, Stamps, Stream};
use feed::client::{AccessView, ContentFollower, Holder, Upstream};
use futures::StreamExt;
use names::{AccountId, ChannelId, Level, TokenId};
use proto::catalog::v1 as api;
use proto::catalog::v1::catalog_client::CatalogClient;
use proto::event::v1 as stored;
use runtime::{Ambient, Drain};
use servers::{NatsOptions, NatsServer};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};
use uuid::Uuid;

pub(crate) use authz::Authz;

/// Longer than anything here may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

type Bearer = Box<dyn FnMut(Request<()>) -> Result<Request<()>, Status> + Send>;
pub(crate) type Client = CatalogClient<InterceptedService<Channel, Bearer>>;

/// Everything that a test needs, in one folder that goes with it.
pub(crate) struct Lab {
    pub(crate) nats: NatsServer,
    pub(crate) log: Arc<dyn Log>,
    pub(crate) authz: Authz,
    pub(crate) blobs: Blobs,
    pub(crate) gateway_secret: String,
    config: Config,
    catalog: Option<(Started, Drain)>,
    _folder: TempDir,
}

impl Lab {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let nats = NatsServer::start(path("nats"), NatsOptions::default()).await.unwrap();
        let generated = keys::generate();
        let signer = Signer::parse(&generated.private_pem).unwrap();
        let secret = |service: u8| token_string::mint(Kind::Service, [service; 32]);
        let services = [("auth", secret(1)), ("catalog", secret(2)), ("gateway", secret(3))];
        let hashes: serde_json::Map<_, _> = services
            .iter()
            .map(|(name, secret)| {
                let hash = hex::encode(access::SecretHash::of(secret).0);
                ((*name).to_owned(), hash.into())
            })
            .collect();
        std::fs::write(path("key.pem"), &generated.private_pem).unwrap();
        std::fs::write(path("keyring.json"), generated.keyring.to_json()).unwrap();
        std::fs::write(path("services.json"), serde_json::to_vec(&hashes).unwrap()).unwrap();
        std::fs::write(path("secret"), &services[1].1).unwrap();
        let ambient = Ambient::system();
        let stamps = catalog::app::stamps(&ambient);
        let log = connect(&nats, stamps.clone(), signer, generated.keyring).await;
        let known = services
            .iter()
            .map(|(name, secret)| (access::SecretHash::of(secret), name.parse::<Service>().unwrap()));
        let authz = Authz::start(log.clone(), stamps, known.collect(), ambient).await;
        let blobs = path("blobs").display().to_string();
        let files = Files {
            service_secret: &path("secret"),
            signing_key: &path("key.pem"),
            keyring: &path("keyring.json"),
            services: &path("services.json"),
        };
        let config = Config::new(&nats.url(), &authz.url(), &blobs, files);
        let blobs = Blobs::open(&blobs).unwrap();
        let gateway_secret = services[2].1.clone();
        let mut lab =
            Self { nats, log, authz, blobs, gateway_secret, config, catalog: None, _folder: folder };
        lab.start_catalog().await;
        lab
    }

    pub(crate) async fn start_catalog(&mut self) {
        let drain = Drain::new();
        let started = catalog::start(self.config.clone(), Ambient::system(), drain.clone()).await.unwrap();
        self.catalog = Some((started, drain));
    }

    /// Another replica beside the first: where it answers, and what ends it.
    pub(crate) async fn another_catalog(&self) -> (String, Drain) {
        let (config, drain) = (Config { name: "catalog-2".into(), ..self.config.clone() }, Drain::new());
        let started = catalog::start(config, Ambient::system(), drain.clone()).await.unwrap();
        (format!("http://{}", started.addr), drain)
    }

    pub(crate) async fn stop_catalog(&mut self) {
        let (started, drain) = self.catalog.take().unwrap();
        drain.start();
        tokio::time::timeout(LIMIT, started.task).await.unwrap().unwrap().unwrap();
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.catalog.as_ref().unwrap().0.addr)
    }

    /// A caller with this credential; an empty one is nobody.
    pub(crate) fn client(&self, secret: &str) -> Client {
        let bearer: Option<MetadataValue<Ascii>> =
            (!secret.is_empty()).then(|| format!("Bearer {secret}").parse().unwrap());
        let add: Bearer = Box::new(move |mut request| {
            if let Some(bearer) = &bearer {
                request.metadata_mut().insert("authorization", bearer.clone());
            }
            Ok(request)
        });
        CatalogClient::with_interceptor(Upstream::channel(&self.url()).unwrap(), add)
    }

    /// Puts bytes under a temporary key, as a gateway does.
    pub(crate) async fn upload(&self, bytes: &[u8]) -> String {
        let stream = futures::stream::iter([Ok::<_, std::io::Error>(Bytes::copy_from_slice(bytes))]);
        self.blobs.put_stream(stream, u64::MAX).await.unwrap().key
    }

    /// A request to publish these bytes.
    pub(crate) async fn publication(
        &self,
        channel: &str,
        filename: &str,
        bytes: &[u8],
    ) -> api::PublishRequest {
        let is_conda = filename.ends_with(".conda") || filename.ends_with(".tar.bz2");
        let kind = if is_conda { stored::PackageKind::Conda } else { stored::PackageKind::Pypi };
        api::PublishRequest {
            channel: channel.into(),
            kind: kind.into(),
            upload: self.upload(bytes).await,
            filename: filename.into(),
            ..api::PublishRequest::default()
        }
    }

    /// What stands in a stream, barriers left out.
    pub(crate) async fn events(&self, stream: Stream) -> Vec<eventlog::Record> {
        let end = self.log.barrier(stream).await.unwrap();
        let records = self.log.tail(stream, 1).map(Result::unwrap);
        let records = records.take_while(|record| std::future::ready(record.seq < end));
        records.filter(|record| std::future::ready(!record.is_barrier())).collect().await
    }

    /// A gateway that follows the access feed.
    pub(crate) async fn gateway(&self) -> (AccessView, JoinHandle<()>) {
        let view = AccessView::new(std::collections::HashMap::new());
        let upstream = self.gateway_upstream(&self.authz.url());
        let (following, seen) = (view.clone(), view.clone());
        let holder = Holder {
            name: "gateway".into(),
            incarnation: self.gateway_incarnation(),
            public: Duration::ZERO,
        };
        let clocks = catalog::app::clocks(&Ambient::system());
        let (grantor, times) = (upstream.clone(), clocks.clone());
        let task = tokio::spawn(async move {
            let lease = following.lease().clone();
            let keeping = lease.keep(&holder, &times, &grantor, std::future::pending());
            tokio::select! {
                ended = following.follow(upstream, std::future::pending()) => ended.unwrap(),
                () = keeping => {}
            }
        });
        tokio::time::timeout(LIMIT, seen.until_ready()).await.unwrap();
        assert!(seen.lease().wait(&clocks, LIMIT).await, "the gateway has its lease in time");
        (view, task)
    }

    /// The same gateway's ear for contents.
    pub(crate) async fn listener(
        &self,
        view: &AccessView,
        heard: impl Fn(proto::feed::v1::ContentChange) + Send + Sync + 'static,
    ) -> (ContentFollower, JoinHandle<()>) {
        self.listener_of(&self.url(), view, heard).await
    }

    /// The same at the replica that answers there.
    pub(crate) async fn listener_of(
        &self,
        url: &str,
        view: &AccessView,
        heard: impl Fn(proto::feed::v1::ContentChange) + Send + Sync + 'static,
    ) -> (ContentFollower, JoinHandle<()>) {
        let follower = ContentFollower::new(view.clone());
        let upstream = self.gateway_upstream(url);
        let following = follower.clone();
        let task = tokio::spawn(async move {
            following.follow(upstream, heard, std::future::pending()).await.unwrap();
        });
        tokio::time::timeout(LIMIT, follower.until_ready()).await.unwrap();
        (follower, task)
    }

    fn gateway_upstream(&self, url: &str) -> Upstream {
        let channel = Upstream::channel(url).unwrap();
        Upstream::new(channel, &self.gateway_secret, "gateway", self.gateway_incarnation())
    }

    fn gateway_incarnation(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.nats.pid()) + 1)
    }
}

async fn connect(nats: &NatsServer, stamps: Stamps, signer: Signer, keyring: keys::Keyring) -> Arc<dyn Log> {
    let config = NatsConfig::new(nats.url(), "lab");
    Arc::new(JetStream::connect(config, stamps, Some(signer), keyring).await.unwrap())
}

/// Whether a folder of the blob store holds anything.
pub(crate) fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}

impl Lab {
    pub(crate) fn blob_folder(&self) -> std::path::PathBuf {
        self.config.blobs.clone().into()
    }
}

/// A person who is signed in.
pub(crate) struct Person {
    pub(crate) account: AccountId,
    pub(crate) session: String,
    pub(crate) token: TokenId,
}

/// A channel that a test has made.
pub(crate) struct Made {
    pub(crate) id: ChannelId,
    pub(crate) authz_seq: u64,
}

impl Lab {
    pub(crate) async fn channel(&self, person: &Person, name: &str, privacy: stored::Privacy) -> Made {
        let request =
            api::CreateChannelRequest { name: name.into(), privacy: privacy.into(), ..Default::default() };
        let reply = self.client(&person.session).create_channel(request).await.unwrap().into_inner();
        Made { id: reply.channel.unwrap().id.parse().unwrap(), authz_seq: reply.authz_seq }
    }

    /// A resource token of this person.
    pub(crate) async fn token(&self, person: &Person, channel: ChannelId, level: Level) -> String {
        self.authz.resource(person.account, channel, level).await
    }
}
