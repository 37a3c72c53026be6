//! How a service reaches another: plainly at `http://`, with its certificate at `https://`.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Context as _;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint, Uri};

use super::tls::Tls;

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// How long one replica may take before the next is tried.
const DIAL_LIMIT: Duration = Duration::from_secs(1);

/// A channel with the settings that `tuned` gives it. It connects at the first call.
///
/// `urls` are one or more replicas, separated by commas, all at `http://` or all at `https://`, which needs certificates.
/// One of them is used until it is lost; then the next is tried, and a name that stands for several is one of them after
/// the other.
pub fn channel(
    urls: &str,
    tls: Option<&Tls>,
    tuned: impl FnOnce(Endpoint) -> Endpoint,
) -> anyhow::Result<Channel> {
    let urls: Vec<&str> = urls.split(',').map(str::trim).collect();
    let secure = urls.iter().all(|url| url.starts_with("https://"));
    anyhow::ensure!(
        secure || urls.iter().all(|url| url.starts_with("http://")),
        "expected http://host:port or https://host:port"
    );
    let needed = "https:// needs GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE and GRPC_TLS_CA_FILE";
    let tls = if secure { Some(tls.context(needed)?.clone()) } else { None };
    // The channel must not see that it is TLS: it would want to bring its own, which reads no files again.
    let plain = |url: &str| Endpoint::from_shared(url.replacen("https://", "http://", 1));
    let endpoints: Result<Vec<Endpoint>, _> = urls.into_iter().map(plain).collect();
    let endpoints = endpoints.context("expected http://host:port or https://host:port")?;
    let replicas: Arc<[Uri]> = endpoints.iter().map(|endpoint| endpoint.uri().clone()).collect();
    let named = endpoints.into_iter().next().context("no address is given")?;
    // Processes that start together should not all take the same one.
    let turn = Arc::new(AtomicUsize::new(usize::from(RandomState::new().hash_one(()).to_le_bytes()[0])));
    let dial = tower::service_fn(move |_: Uri| {
        let (replicas, tls, turn) = (replicas.clone(), tls.clone(), turn.clone());
        async move {
            let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
            for _ in 0..replicas.len() {
                let turn = turn.fetch_add(1, Ordering::Relaxed);
                let replica = &replicas[turn % replicas.len()];
                match timeout(DIAL_LIMIT, connect(replica, tls.as_ref(), turn / replicas.len())).await {
                    Ok(Ok(io)) => return Ok(io),
                    Ok(Err(error)) => last = error,
                    Err(late) => last = late.into(),
                }
            }
            Err(last)
        }
    });
    Ok(tuned(named).connect_with_connector_lazy(dial))
}

/// Bytes to and fro, in the clear or not.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

async fn connect(to: &Uri, tls: Option<&Tls>, turn: usize) -> io::Result<TokioIo<Box<dyn Io>>> {
    let host = to.host().unwrap_or_default().trim_matches(['[', ']']);
    let port = to.port_u16().unwrap_or(if tls.is_some() { HTTPS_PORT } else { HTTP_PORT });
    let mut addresses: Vec<_> = tokio::net::lookup_host((host, port)).await?.collect();
    addresses.sort_unstable();
    let first = turn.checked_rem(addresses.len()).unwrap_or_default();
    addresses.rotate_left(first);
    let stream = TcpStream::connect(addresses.as_slice()).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(TokioIo::new(Box::new(stream))) };
    // The certificate must be believed and name the host.
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(TokioIo::new(Box::new(TlsConnector::from(tls.client()).connect(name, stream).await?)))
}
