//! A gateway: the follower and the lease that the real one has, and requests without end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use feed::client::{AccessView, Holder, Upstream};
use runtime::grpc::Stay;

use crate::net::channel;
use crate::world::{REPLICAS, World};

/// Between two requests.
const PAUSE: Duration = Duration::from_millis(9);

/// One life of a gateway.
pub(crate) async fn run(world: Arc<World>, number: usize) -> turmoil::Result {
    let clocks = world.clocks(100 + number as u64);
    let (name, incarnation) = (format!("gateway-{number}"), world.incarnation());
    let stay = Stay::default();
    let channel = channel(REPLICAS, number, stay.clone());
    let upstream = Upstream::new(channel, "a-credential", &name, incarnation).leaving(move || stay.leave());
    let view = AccessView::new(HashMap::new());
    let holder = Holder { name, incarnation, public: Duration::ZERO };
    let (leased, grantor, times) = (view.clone(), upstream.clone(), clocks.clone());
    tokio::spawn(async move {
        leased.until_ready().await;
        leased.lease().keep(&holder, &times, &grantor, std::future::pending()).await;
    });
    let followed = view.clone();
    let mut following = tokio::spawn(async move { followed.follow(upstream, std::future::pending()).await });
    loop {
        tokio::select! {
            ended = &mut following => return Err(format!("the feed cannot be followed: {ended:?}").into()),
            () = tokio::time::sleep(PAUSE) => {}
        }
        if view.ready() {
            world.ask(&view, &clocks);
        }
    }
}
