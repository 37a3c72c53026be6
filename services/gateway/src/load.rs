//! Requests in work are counted, and beyond a limit answered with 503 instead of letting the queue grow.

use std::future::ready;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use futures::future::Either;
use tokio::sync::OwnedSemaphorePermit;

use crate::gate::discard;
use crate::problem::Problem;
use crate::state::App;

/// Does the work that answers a request, which counts until the last byte is sent.
pub(crate) fn make_room<F>(
    app: &App,
    request: Request,
    work: impl FnOnce(Request) -> F,
) -> impl Future<Output = Response<Counted>>
where
    F: Future<Output = Response>,
{
    // Whoever restarts processes that do not answer must not be turned away by load.
    let exempt = ["/healthz", "/readyz"].contains(&request.uri().path());
    let place = match app.requests.clone().try_acquire_owned() {
        _ if exempt => None,
        Ok(place) => Some(place),
        Err(_none_left) => {
            discard(request);
            let problem = Problem::unavailable("too many requests are in work; try again in a moment");
            return Either::Right(ready(problem.into_response().map(Counted::not)));
        }
    };
    let counted = |response: Response| response.map(|body| Counted { body, _place: place });
    Either::Left(work(request).map(counted))
}

/// A body that holds its request's place.
pub(crate) struct Counted {
    body: Body,
    _place: Option<OwnedSemaphorePermit>,
}

impl Counted {
    /// One whose request has none.
    pub(crate) fn not(body: Body) -> Self {
        Self { body, _place: None }
    }
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
        let body = Body::new(Counted { body: Body::from("four"), _place: Some(place) });
        assert_eq!(body.size_hint().exact(), Some(4));
        assert!(places.try_acquire().is_err());
        assert_eq!(axum::body::to_bytes(body, 10).await.unwrap(), "four");
        assert!(places.try_acquire().is_ok());
    }
}
