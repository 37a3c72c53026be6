//! What every request meets first, in this order: its credential is taken out, its route is looked up, it is traced, a
//! place is found for it, and a panic of what follows costs it alone.
//!
//! What is asked most is answered from here, past the same gate and by the same code as through the router, without the
//! router's detours.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::header::CONNECTION;
use http::{HeaderValue, Method, Version};
use matchit::Params;
use runtime::Failure;
use runtime::trace::{HttpTrace, NO_ROUTE};
use tower::ServiceExt;

use crate::address::Peer;
use crate::caller::{self, Taken};
use crate::gate::{self, Asker, Door};
use crate::load;
use crate::problem::Problem;
use crate::router::{Serve, all, router};
use crate::routes::given::Given;
use crate::routes::quick::Quick;
use crate::state::App;

/// Answers requests. Clones are the same.
#[derive(Clone)]
pub(crate) struct Front(Arc<Inner>);

struct Inner {
    app: App,
    places: matchit::Router<Place>,
    router: Router,
    trace: HttpTrace,
}

/// One pattern of addresses, whatever the method.
struct Place {
    pattern: String,
    quick: Option<(Door, Quick)>,
}

impl Front {
    pub(crate) fn new(app: App) -> Self {
        let trace = HttpTrace::new(app.ambient.clone());
        Self(Arc::new(Inner { places: places(&app), router: router(app.clone()), trace, app }))
    }

    /// Answers a request from this end of a connection.
    pub(crate) async fn answer(&self, peer: Option<Peer>, mut request: Request) -> Response {
        let Inner { app, places, trace, .. } = &*self.0;
        let version = request.version();
        let taken = caller::take(&mut request);
        let uri = request.uri().clone();
        let found = places.at(uri.path()).ok();
        let route = found.as_ref().map_or(NO_ROUTE, |found| found.value.pattern.as_str());
        // The router reads what is escaped.
        let plain = *request.method() == Method::GET && !uri.path().contains('%');
        let quick = found.as_ref().filter(|_| plain).and_then(|found| {
            let (door, quick) = found.value.quick.as_ref()?;
            Some((door, *quick, &found.params))
        });
        let work = async |request| match quick {
            Some((door, quick, params)) => quickly(door, quick, params, (taken, peer), request).await,
            None => Box::pin(self.routed((taken, peer), request)).await,
        };
        let work = |request| caught(load::make_room(app, request, work));
        let mut response = trace.answer(route, request, work).await;
        // The next request of this client finds another gateway. HTTP/2 has words of its own for it.
        if app.drain.is_requested() && version < Version::HTTP_2 {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn routed(&self, (taken, peer): (Taken, Option<Peer>), mut request: Request) -> Response {
        taken.leave(request.extensions_mut());
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        self.0.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
    }
}

async fn quickly(
    door: &Door,
    quick: Quick,
    params: &Params<'_, '_>,
    (taken, peer): (Taken, Option<Peer>),
    request: Request,
) -> Response {
    let asker = Asker { presented: taken.presented, peer };
    let find = |name: &str| params.get(name);
    gate::pass(door, find, asker, request, |request, admitted| {
        let (parts, _body) = request.into_parts();
        let (app, method, uri, headers) = (door.app.clone(), parts.method, parts.uri, parts.headers);
        // Around a future stand others, each of which would hold it twice.
        Box::pin(quick.answer(Given { app, admitted, path: (), method, uri, headers }, find))
    })
    .await
}

/// A bug in one handler is one failed request.
fn caught(work: impl Future<Output = Response>) -> impl Future<Output = Response> {
    let panicked = |_| Problem::from(Failure::internal("a handler panicked")).into_response();
    AssertUnwindSafe(work).catch_unwind().map(move |answer| answer.unwrap_or_else(panicked))
}

fn places(app: &App) -> matchit::Router<Place> {
    let mut found: HashMap<String, Option<(Door, Quick)>> = HashMap::new();
    for (route, serve) in all() {
        let quick = found.entry(route.pattern).or_default();
        if let Serve::Quick(what) = serve {
            *quick = Some((Door { app: app.clone(), gate: route.gate, family: route.family }, what));
        }
    }
    let mut places = matchit::Router::new();
    for (pattern, quick) in found {
        let place = Place { pattern: pattern.clone(), quick };
        places.insert(pattern, place).expect("the router takes the same patterns");
    }
    places
}
