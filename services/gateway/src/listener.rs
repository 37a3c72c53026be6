//! The listening socket: HTTP/1.1 and HTTP/2 on one port, with TLS or without, limits on what is read before a request
//! is known, drain.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use futures::FutureExt;
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use runtime::Drain;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::address::Peer;
use crate::front::Front;
use crate::limits::{DRAIN_LIMIT, HANDSHAKE_LIMIT, HEADER_LIMIT, MAX_HEADER_BYTES};

/// After an accept that failed: out of file handles, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// HTTP/2 streams of one connection.
const MAX_STREAMS: u32 = 256;

/// Serves until the drain, then lets requests in hand finish within a limit.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    front: Front,
    drain: Drain,
) -> anyhow::Result<()> {
    let _guard = drain.guard();
    let (builder, connections) = (builder(), GracefulShutdown::new());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = drain.requested() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // A small answer should not wait for the next; where it cannot be set, it waits.
        stream.set_nodelay(true).ok();
        let front = front.clone();
        let (builder, watcher, tls) = (builder.clone(), connections.watcher(), tls.clone());
        tokio::spawn(async move {
            let service = service_fn(move |request: http::Request<Incoming>| {
                front.answer(Some(Peer(peer)), request.map(body)).map(Ok::<_, Infallible>)
            });
            let ended = match tls {
                None => {
                    let connection = builder.serve_connection(TokioIo::new(stream), service);
                    watcher.watch(connection.into_owned()).await
                }
                Some(tls) => {
                    let Some(stream) = shaken(&tls, stream).await else { return };
                    let connection = builder.serve_connection(TokioIo::new(stream), service);
                    watcher.watch(connection.into_owned()).await
                }
            };
            if let Err(error) = ended {
                tracing::debug!(error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if tokio::time::timeout(DRAIN_LIMIT, connections.shutdown()).await.is_err() {
        tracing::warn!(limit_s = DRAIN_LIMIT.as_secs(), "requests in hand were left behind");
    }
    Ok(())
}

/// The connection after its handshake; nothing if the client gave up, was too slow, or speaks no TLS.
async fn shaken(tls: &TlsAcceptor, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
    match tokio::time::timeout(HANDSHAKE_LIMIT, tls.accept(stream)).await {
        Ok(Ok(stream)) => return Some(stream),
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_elapsed) => tracing::debug!("a TLS handshake took too long"),
    }
    None
}

fn builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_LIMIT).max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_STREAMS);
    builder
}

/// Mostly there is none.
fn body(incoming: Incoming) -> Body {
    if incoming.is_end_stream() { Body::empty() } else { Body::new(incoming) }
}
