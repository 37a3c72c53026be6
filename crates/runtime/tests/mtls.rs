//! gRPC between services is for those whose certificates are believed, and new files count without a restart.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use runtime::grpc::{Tls, channel};
use runtime::{Ambient, Drain, GrpcServer};
use tokio::sync::watch;
use tonic::service::RoutesBuilder;
use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Somebody who signs certificates.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    /// A service's three files, believing `trusted`.
    fn files(&self, dir: &Path, trusted: &[&Authority]) -> Files {
        std::fs::create_dir_all(dir).unwrap();
        let files = Files { cert: dir.join("tls.crt"), key: dir.join("tls.key"), ca: dir.join("ca.crt") };
        self.write(&files, trusted);
        files
    }

    fn write(&self, files: &Files, trusted: &[&Authority]) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".into()]).unwrap();
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        std::fs::write(&files.cert, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        std::fs::write(&files.key, key.serialize_pem()).unwrap();
        let authorities: Vec<&str> = trusted.iter().map(|authority| authority.pem.as_str()).collect();
        std::fs::write(&files.ca, authorities.concat()).unwrap();
    }
}

struct Files {
    cert: PathBuf,
    key: PathBuf,
    ca: PathBuf,
}

impl Files {
    fn open(&self) -> Tls {
        Tls::open(&self.cert, &self.key, &self.ca).unwrap()
    }
}

/// A server that is asked whether it serves.
struct Server {
    url: String,
    drain: Drain,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
    _ready: watch::Sender<bool>,
}

impl Server {
    async fn start(tls: Tls) -> Self {
        let (ready, is_ready) = watch::channel(true);
        let drain = Drain::new();
        let server = GrpcServer {
            listen: ANY,
            descriptors: tonic_health::pb::FILE_DESCRIPTOR_SET,
            ambient: Ambient::system(),
            drain: drain.clone(),
            ready: is_ready,
            tls: Some(tls),
        };
        let served = server.serve(RoutesBuilder::default()).await.unwrap();
        let url = format!("https://localhost:{}", served.addr.port());
        Self { url, drain, task: served.task, _ready: ready }
    }

    /// Whether a new connection with these certificates is served.
    async fn serves(&self, tls: &Tls) -> bool {
        let channel = channel(&self.url, Some(tls), |endpoint| endpoint).unwrap();
        answers(channel).await
    }
}

async fn answers(channel: Channel) -> bool {
    HealthClient::new(channel).check(HealthCheckRequest::default()).await.is_ok()
}

#[tokio::test]
async fn only_callers_with_a_certificate_that_is_believed_are_served() {
    let dir = tempfile::tempdir().unwrap();
    let (ours, others) = (Authority::new(), Authority::new());
    let server = Server::start(ours.files(&dir.path().join("server"), &[&ours]).open()).await;
    let good = ours.files(&dir.path().join("good"), &[&ours]).open();
    assert!(server.serves(&good).await);

    let stranger = others.files(&dir.path().join("stranger"), &[&ours]).open();
    assert!(!server.serves(&stranger).await, "signed by somebody else");
    let plain = channel(&server.url.replace("https", "http"), None, |endpoint| endpoint).unwrap();
    assert!(!answers(plain).await, "without TLS");
    assert!(!without_certificate(&server, &ours).await, "without a certificate");
    let distrusting = ours.files(&dir.path().join("distrusting"), &[&others]).open();
    assert!(!server.serves(&distrusting).await, "a client does not believe a strange server either");
    assert!(channel(&server.url, None, |endpoint| endpoint).is_err(), "https:// needs certificates");

    assert!(server.serves(&good).await);
    server.drain.start();
    server.task.await.unwrap().unwrap();
}

/// TLS that believes the server and shows nothing of itself.
async fn without_certificate(server: &Server, authority: &Authority) -> bool {
    let ca = tonic::transport::Certificate::from_pem(&authority.pem);
    let tls = tonic::transport::ClientTlsConfig::new().ca_certificate(ca);
    let endpoint = Channel::from_shared(server.url.clone()).unwrap().tls_config(tls).unwrap();
    answers(endpoint.connect_lazy()).await
}

#[tokio::test]
async fn new_files_count_without_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (Authority::new(), Authority::new());
    let (server_files, client_files) =
        (old.files(&dir.path().join("server"), &[&old]), old.files(&dir.path().join("client"), &[&old]));
    let (server, client) = (Server::start(server_files.open()).await, client_files.open());
    let newcomer = new.files(&dir.path().join("newcomer"), &[&old, &new]).open();
    assert!(server.serves(&client).await);
    assert!(!server.serves(&newcomer).await);

    // As it is done: both are believed, then the certificates change, then the old authority goes.
    old.write(&server_files, &[&old, &new]);
    assert!(server.serves(&newcomer).await && server.serves(&client).await);
    old.write(&client_files, &[&old, &new]);
    new.write(&server_files, &[&old, &new]);
    assert!(server.serves(&newcomer).await && server.serves(&client).await);
    new.write(&server_files, &[&new]);
    assert!(server.serves(&newcomer).await);
    assert!(!server.serves(&client).await, "the old authority is believed no more");

    // Files that are torn change nothing.
    std::fs::write(&server_files.cert, "torn").unwrap();
    assert!(server.serves(&newcomer).await);
}
