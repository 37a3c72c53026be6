//! How this replica and the followers of the access feed stand.

use std::sync::Arc;

use access::{Action, Object};
use eventlog::{Log, Stream};
use feed::client::AccessView;
use feed::server::{Followers, StatusService};
use tonic::Status;

use crate::app::App;
use crate::call::Call;
use crate::source::unreadable;

/// The service, for administrators.
pub fn status(
    name: &str,
    app: Arc<App>,
    log: Arc<dyn Log>,
    view: AccessView,
    followers: Followers,
) -> StatusService {
    let epoch = log.epoch(Stream::Authz);
    let end = move || {
        let log = log.clone();
        let end = async move { log.end(Stream::Authz).await.map_err(unreadable) };
        Box::pin(end) as futures::future::BoxFuture<'static, _>
    };
    let allow = move |metadata: &_| {
        app.allow(&Call::of(metadata), Action::StatusView, &Object::Server).map(drop).map_err(Status::from)
    };
    StatusService {
        name: name.to_owned(),
        epoch,
        followers,
        applied: Arc::new(move || view.seq()),
        end: Arc::new(end),
        allow: Arc::new(allow),
    }
}
