//! How a service reaches another: plainly at `http://`, with its certificate at `https://`.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
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

use super::stay::Stay;
use super::tls::Tls;

const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// How long one replica may take before the next is tried.
const DIAL_LIMIT: Duration = Duration::from_secs(1);

/// Where one or more replicas of a service are. Clones are the same.
#[derive(Debug, Clone)]
pub struct Replicas {
    uris: Arc<[Uri]>,
    tls: Option<Tls>,
    stay: Stay,
}

impl Replicas {
    /// `urls` are separated by commas, all at `http://` or all at `https://`, which needs certificates.
    pub fn parse(urls: &str, tls: Option<&Tls>) -> anyhow::Result<Self> {
        let urls: Vec<&str> = urls.split(',').map(str::trim).collect();
        let secure = urls.iter().all(|url| url.starts_with("https://"));
        anyhow::ensure!(
            secure || urls.iter().all(|url| url.starts_with("http://")),
            "expected http://host:port or https://host:port"
        );
        let needed = "https:// needs GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE and GRPC_TLS_CA_FILE";
        let tls = if secure { Some(tls.context(needed)?.clone()) } else { None };
        // The channel must not see that it is TLS: it would want to bring its own, which reads no files again.
        let plain = |url: &str| url.replacen("https://", "http://", 1).parse::<Uri>();
        let uris = urls.into_iter().map(plain).collect::<Result<Arc<[Uri]>, _>>();
        let uris = uris.context("expected http://host:port or https://host:port")?;
        Ok(Self { uris, tls, stay: Stay::default() })
    }

    /// Breaks the connections that channels to any of them have now, so that each goes on with the next replica: for one
    /// that answers, and can do nothing.
    pub fn leave(&self) {
        self.stay.leave();
    }

    /// A channel with the settings that `tuned` gives it. It connects at the first call.
    ///
    /// One replica is used until it is lost; then the next is tried, and a name that stands for several is one of them
    /// after the other.
    pub fn any(&self, tuned: impl FnOnce(Endpoint) -> Endpoint) -> Channel {
        let Self { uris, tls, stay } = self.clone();
        // Processes that start together should not all take the same one.
        let turn = Arc::new(AtomicUsize::new(usize::from(RandomState::new().hash_one(()).to_le_bytes()[0])));
        let named = Endpoint::from(uris[0].clone());
        let dial = tower::service_fn(move |_: Uri| {
            let (replicas, tls, turn) = (uris.clone(), tls.clone(), turn.clone());
            let visit = stay.begin();
            async move {
                let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
                for _ in 0..replicas.len() {
                    let turn = turn.fetch_add(1, Ordering::Relaxed);
                    let replica = &replicas[turn % replicas.len()];
                    match timeout(DIAL_LIMIT, connect(replica, tls.as_ref(), turn / replicas.len())).await {
                        Ok(Ok(io)) => {
                            return Ok(TokioIo::new(visit.over(io)));
                        }
                        Ok(Err(error)) => last = error,
                        Err(late) => last = late.into(),
                    }
                }
                Err(last)
            }
        });
        tuned(named).connect_with_connector_lazy(dial)
    }

    /// A channel to each of them, as their names stand for them now: for what is asked of everybody. A name that cannot be
    /// resolved stands for nobody.
    pub async fn each(&self, tuned: impl Fn(Endpoint) -> Endpoint) -> Vec<Channel> {
        let mut channels = Vec::new();
        for uri in self.uris.iter() {
            let Ok(addresses) = addresses(uri, self.tls.as_ref()).await else { continue };
            for address in addresses {
                let (host, tls) = (host(uri).to_owned(), self.tls.clone());
                let dial = tower::service_fn(move |_: Uri| {
                    let (host, tls) = (host.clone(), tls.clone());
                    async move {
                        timeout(DIAL_LIMIT, reach(&[address], &host, tls.as_ref())).await?.map(TokioIo::new)
                    }
                });
                channels.push(tuned(Endpoint::from(uri.clone())).connect_with_connector_lazy(dial));
            }
        }
        channels
    }
}

/// As [`Replicas::any`] of one or more addresses.
pub fn channel(
    urls: &str,
    tls: Option<&Tls>,
    tuned: impl FnOnce(Endpoint) -> Endpoint,
) -> anyhow::Result<Channel> {
    Ok(Replicas::parse(urls, tls)?.any(tuned))
}

/// Bytes to and fro, in the clear or not.
trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_matches(['[', ']'])
}

/// What a name stands for now.
async fn addresses(uri: &Uri, tls: Option<&Tls>) -> io::Result<Vec<SocketAddr>> {
    let port = uri.port_u16().unwrap_or(if tls.is_some() { HTTPS_PORT } else { HTTP_PORT });
    let mut addresses: Vec<_> = tokio::net::lookup_host((host(uri), port)).await?.collect();
    addresses.sort_unstable();
    addresses.dedup();
    Ok(addresses)
}

async fn connect(to: &Uri, tls: Option<&Tls>, turn: usize) -> io::Result<Box<dyn Io>> {
    let mut addresses = addresses(to, tls).await?;
    let first = turn.checked_rem(addresses.len()).unwrap_or_default();
    addresses.rotate_left(first);
    reach(&addresses, host(to), tls).await
}

/// The first of these that takes the connection; with TLS, it must be who it is taken for.
async fn reach(addresses: &[SocketAddr], host: &str, tls: Option<&Tls>) -> io::Result<Box<dyn Io>> {
    let stream = TcpStream::connect(addresses).await?;
    stream.set_nodelay(true)?;
    let Some(tls) = tls else { return Ok(Box::new(stream)) };
    // The certificate must be believed and name the host.
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    Ok(Box::new(TlsConnector::from(tls.client()).connect(name, stream).await?))
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// If this fails: whoever is connected to a replica that has lost the log stays with it until it ends.
    #[tokio::test]
    async fn whoever_leaves_a_replica_goes_on_with_the_next() {
        let one = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let two = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = |of: &TcpListener| format!("http://{}", of.local_addr().unwrap());
        let replicas = Replicas::parse(&format!("{},{}", url(&one), url(&two)), None).unwrap();
        let channel = replicas.any(|endpoint| endpoint);
        let calling = tokio::spawn(async move {
            let mut client = tonic_health::pb::health_client::HealthClient::new(channel);
            loop {
                // Nobody there answers: each call ends with its connection, and the next one dials.
                drop(client.check(tonic_health::pb::HealthCheckRequest::default()).await);
                tokio::task::yield_now().await;
            }
        });
        let (first, held) = tokio::select! {
            accepted = one.accept() => (1, accepted.unwrap()),
            accepted = two.accept() => (2, accepted.unwrap()),
        };
        replicas.leave();
        let next = if first == 1 { &two } else { &one };
        drop(next.accept().await.unwrap());
        drop(held);
        calling.abort();
    }
}
