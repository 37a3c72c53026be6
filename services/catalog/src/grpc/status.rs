//! How this replica and the followers of the content feed stand.

use std::sync::Arc;

use access::{Action, Object};
use eventlog::{Log, Stream};
use feed::client::AccessView;
use feed::server::{Followers, StatusService};
use futures::future::BoxFuture;
use runtime::Failure;
use tonic::Status;
use tonic::metadata::MetadataMap;

use super::credential;
use crate::app::Catalog;

/// The service, for administrators.
pub fn status(
    name: &str,
    catalog: Arc<Catalog>,
    log: Arc<dyn Log>,
    access: AccessView,
    followers: Followers,
) -> StatusService {
    let epoch = log.epoch(Stream::Catalog);
    let end = move || {
        let log = log.clone();
        let end = async move {
            let away = "the event log cannot be read here: try again in a moment";
            log.end(Stream::Catalog).await.map_err(|error| Failure::unavailable(away).because(error).into())
        };
        Box::pin(end) as BoxFuture<'static, _>
    };
    let allow = move |metadata: &MetadataMap| {
        let (catalog, credential) = (catalog.clone(), credential(metadata));
        let allowed = async move {
            catalog.until_leased().await;
            catalog.may(&credential, Action::StatusView, &Object::Server).map_err(Status::from)
        };
        Box::pin(allowed) as BoxFuture<'static, _>
    };
    StatusService {
        name: name.to_owned(),
        epoch,
        followers: Arc::new(move || followers.standing()),
        applied: Arc::new(move || access.seq()),
        end: Arc::new(end),
        allow: Arc::new(allow),
    }
}
