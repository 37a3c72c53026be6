//! TLS between services, both sides with a certificate, from files that are read again when they change.
//!
//! A new connection always begins with what the files hold by then; one that stands is not cut.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;

/// Handshakes at a time; more wait to be accepted.
const HANDSHAKES_MAX: usize = 64;
/// How long one may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(5);
/// After an error of the listener itself, such as too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// gRPC is HTTP/2.
const ALPN: &[u8] = b"h2";

/// Where a service's own certificate is, and whom it believes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TlsArgs {
    /// This service's certificate and those above it, as PEM: gRPC is served, and called at https://, by TLS
    #[arg(long, env = "GRPC_TLS_CERT_FILE", requires_all = ["grpc_tls_key_file", "grpc_tls_ca_file"])]
    pub grpc_tls_cert_file: Option<PathBuf>,
    /// The key of that certificate, as PEM
    #[arg(long, env = "GRPC_TLS_KEY_FILE", requires = "grpc_tls_cert_file")]
    pub grpc_tls_key_file: Option<PathBuf>,
    /// The certificates of who may sign those of the other services, as PEM
    #[arg(long, env = "GRPC_TLS_CA_FILE", requires = "grpc_tls_cert_file")]
    pub grpc_tls_ca_file: Option<PathBuf>,
}

impl TlsArgs {
    /// Reads the files, if any are named.
    pub fn open(&self) -> anyhow::Result<Option<Tls>> {
        let Self { grpc_tls_cert_file: cert, grpc_tls_key_file: key, grpc_tls_ca_file: ca } = self;
        match (cert, key, ca) {
            (Some(cert), Some(key), Some(ca)) => Tls::open(cert, key, ca).map(Some),
            (None, None, None) => Ok(None),
            (..) => anyhow::bail!("GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE and GRPC_TLS_CA_FILE go together"),
        }
    }
}

/// A service's certificate and whom it believes, as the files hold them now. Clones are the same.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    files: [PathBuf; 3],
    loaded: Mutex<Loaded>,
}

#[derive(Clone)]
struct Loaded {
    digests: [Digest; 3],
    server: Arc<ServerConfig>,
    client: Arc<ClientConfig>,
}

/// The SHA-256 of what a file holds; nothing if it cannot be read.
type Digest = Option<Vec<u8>>;

impl Tls {
    /// Reads certificate, key and authorities; an error names the file.
    pub fn open(cert: &Path, key: &Path, ca: &Path) -> anyhow::Result<Self> {
        let files = [cert, key, ca].map(Path::to_owned);
        let loaded = Mutex::new(load(&files)?);
        Ok(Self(Arc::new(Inner { files, loaded })))
    }

    /// What the files hold. Files that cannot be used, as when only one of them is written yet, change nothing.
    fn current(&self) -> Loaded {
        let mut loaded = self.0.loaded.lock().expect("no holder of this lock panics");
        if digests(&self.0.files) != loaded.digests {
            match load(&self.0.files) {
                Ok(fresh) => {
                    tracing::info!("the certificates between services were read again");
                    *loaded = fresh;
                }
                Err(error) => {
                    tracing::warn!(
                        error = format!("{error:#}"),
                        "new certificates cannot be used, the old ones stay"
                    );
                }
            }
        }
        loaded.clone()
    }

    /// Connections of callers whose certificates are believed.
    pub(crate) fn incoming(&self, listener: TcpListener) -> ReceiverStream<io::Result<TlsStream<TcpStream>>> {
        let (sender, streams) = mpsc::channel(HANDSHAKES_MAX);
        tokio::spawn(accept(self.clone(), listener, sender));
        ReceiverStream::new(streams)
    }

    /// What a client begins a connection with.
    pub(super) fn client(&self) -> Arc<ClientConfig> {
        self.current().client
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls({:?})", self.0.files)
    }
}

/// Each handshake is made beside the others, so that a caller who says nothing holds up nobody.
async fn accept(tls: Tls, listener: TcpListener, sender: mpsc::Sender<io::Result<TlsStream<TcpStream>>>) {
    let places = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let place = places.clone().acquire_owned().await.expect("the places are never closed");
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = sender.closed() => return,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (acceptor, sender) = (TlsAcceptor::from(tls.current().server), sender.clone());
        tokio::spawn(async move {
            let _place = place;
            match shake(acceptor, stream).await {
                // Nobody takes it any more when the server drains.
                Ok(stream) => drop(sender.send(Ok(stream)).await),
                Err(error) => {
                    metrics::counter!("grpc_tls_refused_total").increment(1);
                    tracing::warn!(%from, %error, "a caller without a certificate that is believed was refused");
                }
            }
        });
    }
}

async fn shake(acceptor: TlsAcceptor, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    stream.set_nodelay(true)?;
    tokio::time::timeout(HANDSHAKE_LIMIT, acceptor.accept(stream)).await?
}

fn digests(files: &[PathBuf; 3]) -> [Digest; 3] {
    let digest = |text: Vec<u8>| ring::digest::digest(&ring::digest::SHA256, &text).as_ref().to_vec();
    files.each_ref().map(|file| fs::read(file).ok().map(digest))
}

fn load(files: &[PathBuf; 3]) -> anyhow::Result<Loaded> {
    // Taken first: what changes while the files are read is read once more.
    let digests = digests(files);
    let [cert, key, ca] = files;
    let chain = certificates(cert)?;
    let private = PrivateKeyDer::from_pem_file(key).with_context(|| key.display().to_string())?;
    let mut roots = RootCertStore::empty();
    for authority in certificates(ca)? {
        roots.add(authority).with_context(|| ca.display().to_string())?;
    }
    let (provider, roots) = (Arc::new(rustls::crypto::ring::default_provider()), Arc::new(roots));
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider.clone())
        .build()
        .with_context(|| ca.display().to_string())?;
    let pair = || format!("{} with {}", cert.display(), key.display());
    let mut server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain.clone(), private.clone_key())
        .with_context(pair)?;
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, private)
        .with_context(pair)?;
    server.alpn_protocols = vec![ALPN.to_vec()];
    client.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Loaded { digests, server: Arc::new(server), client: Arc::new(client) })
}

fn certificates(file: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.with_context(|| file.display().to_string())?;
    anyhow::ensure!(!found.is_empty(), "{} holds no certificate", file.display());
    Ok(found)
}
