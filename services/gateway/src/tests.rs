//! The whole router over an access table in memory: what is refused is refused here, before anything behind the gateway
//! is asked. auth, catalog and Postgres are away.

mod answers;
mod facts;
mod hidden;
mod refusals;
mod scopes;

#[path = "../../../tests/cluster/tests/refusals/table.rs"]
mod table;

use std::sync::Arc;
use std::time::Duration;

use ::usage::Publisher;
use axum::body::Body;
use axum::response::Response;
use blobs::Blobs;
use feed::client::{AccessView, ContentFollower, Upstream};
use readmodel::Reader;
use runtime::grpc::{Again, Replicas};
use runtime::{Ambient, Clock as _, CountingIds, Drain, TestClock};
use time::OffsetDateTime;
use tokio::sync::Semaphore;

use crate::address::Peer;
use crate::failures::Failures;
use crate::file::Hot;
use crate::front::Front;
use crate::index::Indexes;
use crate::state::{App, Parts};
use crate::upstream::Upstreams;

/// Nothing listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

/// Longer than any test but those that wait for its end.
const LEASE: Duration = Duration::from_secs(1_000_000_000);

struct Gateway {
    app: App,
    front: Front,
    clock: Arc<TestClock>,
    _folder: tempfile::TempDir,
}

impl Gateway {
    async fn new() -> Self {
        Self::filled(facts::fill).await
    }

    async fn filled(fill: impl Fn(&AccessView)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(TestClock::at(facts::NOW));
        let ambient = Ambient { clock: clock.clone(), ids: Arc::new(CountingIds::new()) };
        let view = AccessView::new(Default::default());
        fill(&view);
        view.lease().hold_for(LEASE, crate::state::clocks(&ambient).now());
        let reader = Reader::connect("postgres://nobody@127.0.0.1:1/none").await.unwrap();
        let app = App::new(Parts {
            indexes: Indexes::new(reader.clone(), view.clone(), clock.clone()),
            blobs: Blobs::open(folder.path().to_str().unwrap()).unwrap(),
            hot: Hot::new(),
            upstreams: Upstreams {
                auth: Again::over(Upstream::channel(NOWHERE).unwrap()),
                catalog: Again::over(Upstream::channel(NOWHERE).unwrap()),
                all_auth: Replicas::parse(NOWHERE, None).unwrap(),
                all_catalog: Replicas::parse(NOWHERE, None).unwrap(),
            },
            trusted_proxies: vec![],
            failures: Failures::new(clock.clone()),
            token_failures: Failures::new(clock.clone()),
            usage: Publisher::nowhere(),
            requests: Arc::new(Semaphore::new(100_000)),
            uploads: Semaphore::new(1000),
            max_upload_bytes: 1000,
            tickets: crate::ticket::Seal::new(&runtime::Secret::new("a gateway's credential")),
            https: false,
            drain: Drain::new(),
            clocks: crate::state::clocks(&ambient),
            public: LEASE.saturating_add(Duration::from_secs(60)),
            content: ContentFollower::new(view.clone()),
            ambient,
            view,
            reader,
        });
        Self { front: Front::new(app.clone()), app, clock, _folder: folder }
    }

    /// Both clocks go on until then.
    fn move_to(&self, now: OffsetDateTime) {
        self.clock.advance((now - self.clock.now()).unsigned_abs());
    }

    /// Its lease ends now, and no other comes.
    fn lapse(&self) {
        self.clock.advance(LEASE);
    }

    /// From nowhere, unless the request says from where.
    async fn send(&self, mut request: http::Request<Body>) -> Response {
        let peer = request.extensions_mut().remove::<Peer>();
        self.front.answer(peer, request).await.map(Body::new)
    }

    async fn get(&self, path: &str) -> Response {
        self.send(http::Request::get(path).body(Body::empty()).unwrap()).await
    }
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}
