//! How a feed's replica and its followers stand, for administrators.

use std::sync::Arc;

use futures::future::BoxFuture;
use proto::status::v1::status_server::{Status, StatusServer};
use proto::status::v1::{Follower, Replica, ShowRequest, Standing};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response};

/// Whether whoever sent this metadata may know.
pub type Allow = Arc<dyn Fn(&MetadataMap) -> BoxFuture<'static, Result<(), tonic::Status>> + Send + Sync>;

/// What is told of one replica.
pub struct StatusService {
    /// Its name.
    pub name: String,
    /// The log's identity.
    pub epoch: String,
    /// Who follows it.
    pub followers: Arc<dyn Fn() -> Vec<Follower> + Send + Sync>,
    /// How much of AUTHZ it decides by.
    pub applied: Arc<dyn Fn() -> u64 + Send + Sync>,
    /// The last sequence of the log it serves.
    pub end: Arc<dyn Fn() -> BoxFuture<'static, Result<u64, tonic::Status>> + Send + Sync>,
    /// Who may know.
    pub allow: Allow,
}

impl StatusService {
    /// Ready to be added to a server.
    pub fn into_server(self) -> StatusServer<Self> {
        StatusServer::new(self)
    }
}

#[tonic::async_trait]
impl Status for StatusService {
    async fn show(&self, request: Request<ShowRequest>) -> Result<Response<Standing>, tonic::Status> {
        (self.allow)(request.metadata()).await?;
        let replica = Replica {
            name: self.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            authz_seq: (self.applied)(),
        };
        // Asked last: nobody has applied more than there is.
        let followers = (self.followers)();
        let end_seq = (self.end)().await?;
        Ok(Response::new(Standing { replica: Some(replica), followers, epoch: self.epoch.clone(), end_seq }))
    }
}
