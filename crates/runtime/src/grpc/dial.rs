//! How a service reaches another: plainly at `http://`, with its certificate at `https://`.

use std::io;

use anyhow::Context as _;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::transport::{Channel, Endpoint, Uri};

use super::tls::Tls;

const HTTPS_PORT: u16 = 443;

/// A channel to an address, with the settings that `tuned` gives it. It connects at the first call.
///
/// An address of `https://` needs certificates.
pub fn channel(
    url: &str,
    tls: Option<&Tls>,
    tuned: impl FnOnce(Endpoint) -> Endpoint,
) -> anyhow::Result<Channel> {
    let Some(rest) = url.strip_prefix("https://") else {
        let endpoint = Endpoint::from_shared(url.to_owned());
        return Ok(tuned(endpoint.context("expected http://host:port or https://host:port")?).connect_lazy());
    };
    let needed = "https:// needs GRPC_TLS_CERT_FILE, GRPC_TLS_KEY_FILE and GRPC_TLS_CA_FILE";
    let tls = tls.context(needed)?.clone();
    // The channel must not see that it is TLS: it would want to bring its own, which reads no files again.
    let endpoint = Endpoint::from_shared(format!("http://{rest}")).context("expected https://host:port")?;
    let dial = tower::service_fn(move |to: Uri| {
        let tls = tls.clone();
        async move { tls.connect(&to).await.map(TokioIo::new) }
    });
    Ok(tuned(endpoint).connect_with_connector_lazy(dial))
}

impl Tls {
    /// A connection to a service whose certificate is believed and names the host.
    async fn connect(&self, to: &Uri) -> io::Result<TlsStream<TcpStream>> {
        let host = to.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let stream = TcpStream::connect((host.as_str(), to.port_u16().unwrap_or(HTTPS_PORT))).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(host).map_err(io::Error::other)?;
        TlsConnector::from(self.client()).connect(name, stream).await
    }
}
