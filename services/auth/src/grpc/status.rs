//! How this replica and the followers of the access feed stand.

use std::sync::Arc;

use access::{Action, Object};
use eventlog::{Log, Stream};
use feed::client::AccessView;
use feed::server::{Leased, StatusService};
use futures::future::BoxFuture;
use tonic::Status;
use tonic::metadata::MetadataMap;

use crate::app::App;
use crate::call::Call;
use crate::source::unreadable;

/// The service, for administrators.
pub fn status(
    name: &str,
    app: Arc<App>,
    log: Arc<dyn Log>,
    view: AccessView,
    leased: Leased,
) -> StatusService {
    let epoch = log.epoch(Stream::Authz);
    let end = move || {
        let log = log.clone();
        let end = async move { log.end(Stream::Authz).await.map_err(unreadable) };
        Box::pin(end) as BoxFuture<'static, _>
    };
    let allow = move |metadata: &MetadataMap| {
        let (app, call) = (app.clone(), Call::of(metadata));
        let allowed = async move {
            app.until_leased().await;
            app.allow(&call, Action::StatusView, &Object::Server).map(drop).map_err(Status::from)
        };
        Box::pin(allowed) as BoxFuture<'static, _>
    };
    StatusService {
        name: name.to_owned(),
        epoch,
        // It reports to itself as well.
        followers: Arc::new(move || leased.standing()),
        applied: Arc::new(move || view.seq()),
        end: Arc::new(end),
        allow: Arc::new(allow),
    }
}
