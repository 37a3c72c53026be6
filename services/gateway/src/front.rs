//! What every request meets first, in this order: its credential is taken out, its route is looked up, it is traced, a
//! place is found for it, and a panic of what follows costs it alone.
//!
//! What is asked most is answered from here, past the same gate and by the same code as through the router, without the
//! router's detours.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::header::CONNECTION;
use http::{HeaderValue, Method, Version};
use matchit::Params;
use runtime::Failure;
use runtime::trace::{HttpTrace, NO_ROUTE, Route};
use tower::ServiceExt;

use crate::address::Peer;
use crate::caller::{self, Taken};
use crate::gate::{self, Asker, Door};
use crate::load::{self, Counted};
use crate::problem::Problem;
use crate::router::{Serve, all, router};
use crate::routes::given::Plain;
use crate::routes::quick::Quick;
use crate::state::App;

/// Answers requests. Clones are the same.
#[derive(Clone)]
pub(crate) struct Front(Arc<Inner>);

struct Inner {
    app: App,
    places: matchit::Router<Place>,
    router: Router,
    nowhere: Route,
    trace: HttpTrace,
}

/// One pattern of addresses, whatever the method.
struct Place {
    route: Route,
    quick: Option<(Door, Quick)>,
}

impl Front {
    pub(crate) fn new(app: App) -> Self {
        let trace = HttpTrace::new(app.ambient.clone());
        let nowhere = Route::new(NO_ROUTE);
        Self(Arc::new(Inner { places: places(&app), router: router(app.clone()), nowhere, trace, app }))
    }

    /// Answers a request from this end of a connection.
    pub(crate) fn answer(
        &self,
        peer: Option<Peer>,
        mut request: Request,
    ) -> impl Future<Output = Response<Counted>> + use<> {
        let (front, taken) = (self.0.clone(), caller::take(&mut request));
        async move {
            let (version, path) = (request.version(), taken.address.path());
            let found = front.places.at(path).ok();
            let route = found.as_ref().map_or(&front.nowhere, |found| &found.value.route);
            // The router reads what is escaped.
            let plain = *request.method() == Method::GET && !path.contains('%');
            let quick = found.as_ref().filter(|_| plain).and_then(|found| {
                let (door, quick) = found.value.quick.as_ref()?;
                Some((door, *quick, &found.params))
            });
            let work = |request| -> Pin<Box<dyn Future<Output = Response> + Send + '_>> {
                match quick {
                    Some((door, quick, params)) => {
                        Box::pin(quickly(door, quick, params, (&taken, peer), request))
                    }
                    None => Box::pin(front.routed((&taken, peer), request)),
                }
            };
            let work = |request| caught(async { load::make_room(&front.app, request, work).await });
            let mut response = front.trace.answer(route, request, work).await;
            // The next request of this client finds another gateway. HTTP/2 has words of its own for it.
            if front.app.drain.is_requested() && version < Version::HTTP_2 {
                response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            response
        }
    }
}

impl Inner {
    async fn routed(&self, (taken, peer): (&Taken, Option<Peer>), mut request: Request) -> Response {
        taken.leave(&mut request);
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        self.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {})
    }
}

fn quickly<'a>(
    door: &'a Door,
    quick: Quick,
    params: &'a Params<'a, 'a>,
    (taken, peer): (&'a Taken, Option<Peer>),
    request: Request,
) -> impl Future<Output = Response> {
    let asker = Asker { presented: &taken.presented, peer };
    let find = |name: &str| params.get(name);
    gate::pass(door, find, asker, request, move |request, admitted| {
        let (parts, _body) = request.into_parts();
        let (app, method, headers) = (door.app.clone(), parts.method, parts.headers);
        quick.answer(Plain { app, admitted, method, headers }, &taken.address, find)
    })
}

/// A bug in one handler is one failed request.
fn caught(work: impl Future<Output = Response<Counted>>) -> impl Future<Output = Response<Counted>> {
    let panicked =
        |_| Problem::from(Failure::internal("a handler panicked")).into_response().map(Counted::not);
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
        let place = Place { route: Route::new(&pattern), quick };
        places.insert(pattern, place).expect("the router takes the same patterns");
    }
    places
}
