//! Requests in work are counted, and beyond a limit answered with 503 instead of letting the queue grow.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use tokio::sync::OwnedSemaphorePermit;

use crate::gate::discard;
use crate::problem::Problem;
use crate::state::App;

/// Does the work that answers a request, which counts until the last byte is sent.
pub(crate) async fn make_room<F>(app: &App, request: Request, work: impl FnOnce(Request) -> F) -> Response
where
    F: Future<Output = Response>,
{
    // Whoever restarts processes that do not answer must not be turned away by load.
    if ["/healthz", "/readyz"].contains(&request.uri().path()) {
        return work(request).await;
    }
    let Ok(place) = app.requests.clone().try_acquire_owned() else {
        discard(request);
        return Problem::unavailable("too many requests are in work; try again in a moment").into_response();
    };
    work(request).await.map(|body| Body::new(Counted { body, _place: place }))
}

/// A body that holds its request's place.
struct Counted {
    body: Body,
    _place: OwnedSemaphorePermit,
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Semaphore;

    #[tokio::test]
    async fn a_place_is_held_until_the_body_is_gone() {
        let places = Arc::new(Semaphore::new(1));
        let place = places.clone().try_acquire_owned().unwrap();
        let body = Body::new(Counted { body: Body::from("four"), _place: place });
        assert_eq!(body.size_hint().exact(), Some(4));
        assert!(places.try_acquire().is_err());
        assert_eq!(axum::body::to_bytes(body, 10).await.unwrap(), "four");
        assert!(places.try_acquire().is_ok());
    }
}
