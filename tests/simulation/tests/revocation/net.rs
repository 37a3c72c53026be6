//! gRPC over the simulated network.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use feed::client::Upstream;
use futures::Stream;
use hyper_util::rt::TokioIo;
use runtime::grpc::Stay;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;
use tonic::transport::{Channel, Endpoint, Uri};
use turmoil::net::{TcpListener, TcpStream};

/// Where every replica listens.
pub(crate) const PORT: u16 = 7401;

/// A channel to the replicas, beginning with one: each connection is to the next of them, and ends when its replica is left.
pub(crate) fn channel(replicas: usize, first: usize, stay: Stay) -> Channel {
    let turn = Arc::new(AtomicUsize::new(first));
    let dial = tower::service_fn(move |_: Uri| {
        let (host, visit) =
            (format!("auth-{}", turn.fetch_add(1, Ordering::Relaxed) % replicas), stay.begin());
        async move { TcpStream::connect((host, PORT)).await.map(|stream| TokioIo::new(visit.over(stream))) }
    });
    Upstream::tuned(Endpoint::from_static("http://auth")).connect_with_connector_lazy(dial)
}

/// What a server accepts.
pub(crate) fn incoming(listener: TcpListener) -> impl Stream<Item = io::Result<Accepted>> {
    futures::stream::unfold(listener, |listener| async move {
        let accepted = listener.accept().await.map(|(stream, _)| Accepted(stream));
        Some((accepted, listener))
    })
}

/// One connection of a server.
#[derive(Debug)]
pub(crate) struct Accepted(TcpStream);

impl Connected for Accepted {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
