//! A call that no server has begun is made again: a replica that is stopping turns away what comes while its goodbye is on
//! the way, and the connection that follows is to another one.
//!
//! Whatever a server may have begun is never made again here: that is for whoever knows what it does.

use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use tonic::body::Body;
use tonic::transport::Channel;
use tower::Service;

/// Tries of one call, the first included: there may be as many replicas on their way out.
const TRIES: u32 = 4;

/// A channel for calls that send one message. Clones share its connections.
#[derive(Debug, Clone)]
pub struct Again(Channel);

impl Again {
    /// Over this channel.
    pub fn over(channel: Channel) -> Self {
        Self(channel)
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

impl Service<Request<Body>> for Again {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Each try waits for its own turn.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let channel = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let message = body.collect().await?.to_bytes();
            let mut tries = 1;
            loop {
                let body = Body::new(Full::new(message.clone()));
                match send(channel.clone(), Request::from_parts(parts.clone(), body)).await {
                    Err(error) if tries < TRIES && is_unbegun(&error) => tries += 1,
                    ended => return Ok(ended?),
                }
            }
        })
    }
}

async fn send(
    mut channel: Channel,
    request: Request<Body>,
) -> Result<Response<Body>, tonic::transport::Error> {
    poll_fn(|cx| channel.poll_ready(cx)).await?;
    channel.call(request).await
}

/// Whether it is certain that no server has seen the call, or that it has said so.
fn is_unbegun(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        // It was still waiting for its connection.
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_canceled) {
            return true;
        }
        // RFC 9113, sections 6.8 and 8.7: GOAWAY names the last stream that is looked at, and this one is behind it.
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let goodbye =
                error.is_go_away() && error.is_remote() && error.reason() == Some(h2::Reason::NO_ERROR);
            return goodbye || error.reason() == Some(h2::Reason::REFUSED_STREAM);
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use axum::body::Bytes;
    use http::{HeaderMap, HeaderValue};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;
    use tonic::transport::Endpoint;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_client::HealthClient;

    use super::*;

    /// Resets the first calls of one connection, and answers the next: how many there were is told when the connection ends.
    async fn server(resets: usize, reason: h2::Reason) -> (Channel, JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let mut connection = h2::server::handshake(listener.accept().await.unwrap().0).await.unwrap();
            let mut calls = 0;
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                calls += 1;
                if calls <= resets {
                    respond.send_reset(reason);
                    continue;
                }
                let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
                let mut body = respond.send_response(head, false).unwrap();
                // SERVING, behind the prefix of a message.
                body.send_data(Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1]), false).unwrap();
                body.send_trailers(HeaderMap::from_iter([(
                    "grpc-status".parse().unwrap(),
                    HeaderValue::from_static("0"),
                )]))
                .unwrap();
            }
            calls
        });
        (Endpoint::from_shared(url).unwrap().connect_lazy(), serving)
    }

    async fn ask(resets: u32, reason: h2::Reason) -> (bool, usize) {
        let (channel, serving) = server(resets.try_into().unwrap(), reason).await;
        let mut client = HealthClient::new(Again::over(channel));
        let answered = client.check(HealthCheckRequest::default()).await.is_ok();
        drop(client);
        (answered, serving.await.unwrap())
    }

    #[tokio::test]
    async fn what_no_server_has_begun_is_asked_again_at_a_limit() {
        assert_eq!(ask(TRIES - 1, h2::Reason::REFUSED_STREAM).await, (true, TRIES as usize));
        assert_eq!(ask(TRIES, h2::Reason::REFUSED_STREAM).await, (false, TRIES as usize));
    }

    #[tokio::test]
    async fn what_a_server_may_have_begun_is_not() {
        assert_eq!(ask(1, h2::Reason::INTERNAL_ERROR).await, (false, 1));
    }
}
