//! The gRPC face of a feed: who may follow, from where, and who may wait for whom.

use std::sync::Arc;
use std::time::Duration;

use access::{Action, Service};
use futures::future::BoxFuture;
use proto::feed::v1::feed_server::{Feed, FeedServer};
use proto::feed::v1::{
    AwaitAppliedRequest, FollowerMessage, Hello, Receipt, RenewReply, RenewRequest, follower_message::Message,
};
use tonic::metadata::MetadataMap;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::audience::Audience;
use super::pump::{self, Items};
use super::source::Source;
use crate::deadline;

/// Asks the access table whether whoever sent this metadata may do that, and as which service.
pub type Gate = Arc<dyn Fn(&MetadataMap, Action) -> Result<Service, Status> + Send + Sync>;

/// How long a connection may take to say who it is.
const HELLO_LIMIT: Duration = Duration::from_secs(5);
/// How long a replica that is behind a follower may take to get as far.
const REACH_LIMIT: Duration = Duration::from_secs(2);
/// The longest wait for a receipt: the longest lease has lapsed by then.
pub const RECEIPT_LIMIT: Duration = Duration::from_secs(62);
const MAX_NAME_BYTES: usize = 64;
const MAX_VERSION_BYTES: usize = 64;
const MAX_MESSAGE_BYTES: usize = 4096;

/// One feed, over its source.
pub struct FeedService<S, A> {
    source: Arc<S>,
    audience: A,
    gate: Gate,
    stop: Arc<dyn Fn() -> BoxFuture<'static, ()> + Send + Sync>,
}

impl<S: Source, A: Audience> FeedService<S, A> {
    /// `stop` resolves when the server drains: followers are then told to go elsewhere.
    pub fn new(
        source: Arc<S>,
        audience: A,
        gate: Gate,
        stop: impl Fn() -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self { source, audience, gate, stop: Arc::new(stop) }
    }

    /// Ready to be added to a server.
    pub fn into_server(self) -> FeedServer<Self> {
        FeedServer::new(self).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }
}

#[tonic::async_trait]
impl<S: Source, A: Audience> Feed for FeedService<S, A> {
    type FollowStream = Items;

    async fn follow(&self, request: Request<Streaming<FollowerMessage>>) -> Result<Response<Items>, Status> {
        let service = (self.gate)(request.metadata(), Action::FeedFollow)?;
        let mut heard: Streaming<FollowerMessage> = request.into_inner();
        let hello = tokio::time::timeout(HELLO_LIMIT, greeting(&mut heard))
            .await
            .map_err(|late| Status::deadline_exceeded(format!("no greeting came: {late}")))??;
        let (name, incarnation) = identity(&hello.follower, &hello.incarnation, service)?;
        if hello.version.len() > MAX_VERSION_BYTES {
            return Err(Status::invalid_argument(format!("a version has at most {MAX_VERSION_BYTES} bytes")));
        }
        let resume = self.resume(&hello).await?;
        let seat = self
            .audience
            .join(name, incarnation, &hello.version)
            .map_err(|full| Status::resource_exhausted(full.to_string()))?;
        tracing::info!(follower = name, %incarnation, resume, "a follower is connected");
        let stop = (self.stop)();
        Ok(Response::new(pump::start(self.source.clone(), resume, heard, seat, stop)))
    }

    async fn await_applied(
        &self,
        request: Request<AwaitAppliedRequest>,
    ) -> Result<Response<Receipt>, Status> {
        (self.gate)(request.metadata(), Action::FeedAwait)?;
        let limit = deadline::within(request.metadata(), RECEIPT_LIMIT);
        let wanted = request.into_inner();
        let seq = wanted.seq;
        // R2. Followers that connect from now on get a snapshot that holds it.
        if !self.source.reach(seq, limit).await {
            return Err(Status::unavailable(format!("this replica has not reached {seq}; try again")));
        }
        Ok(Response::new(self.audience.await_applied(wanted, limit).await))
    }

    async fn renew(&self, request: Request<RenewRequest>) -> Result<Response<RenewReply>, Status> {
        let service = (self.gate)(request.metadata(), Action::FeedFollow)?;
        let ask = request.into_inner();
        identity(&ask.holder, &ask.incarnation, service)?;
        let seq = self.audience.renew(ask).await?;
        Ok(Response::new(RenewReply { seq }))
    }
}

impl<S: Source, A> FeedService<S, A> {
    /// The sequence to continue from, or none for a new follower.
    async fn resume(&self, hello: &Hello) -> Result<Option<u64>, Status> {
        if hello.epoch.is_empty() {
            return Ok(None);
        }
        let epoch = self.source.epoch();
        if hello.epoch != epoch {
            let message = format!("this log's epoch is {epoch}, the follower knows {}", hello.epoch);
            return Err(Status::failed_precondition(message));
        }
        let applied = hello.next_seq.saturating_sub(1);
        if !self.source.reach(applied, REACH_LIMIT).await {
            let message = format!("this replica has not reached {applied}, where the follower is; try again");
            return Err(Status::unavailable(message));
        }
        Ok(Some(hello.next_seq))
    }
}

async fn greeting(heard: &mut Streaming<FollowerMessage>) -> Result<Hello, Status> {
    match heard.message().await?.and_then(|first| first.message) {
        Some(Message::Hello(hello)) => Ok(hello),
        Some(Message::Applied(_) | Message::Leave(_)) | None => {
            Err(Status::invalid_argument("the first message must be Hello"))
        }
    }
}

/// A follower bears its service's name, alone or with a suffix for the replica: no service speaks for another.
fn identity<'a>(name: &'a str, incarnation: &str, service: Service) -> Result<(&'a str, Uuid), Status> {
    let suffix = name.strip_prefix(service.as_str());
    if name.len() > MAX_NAME_BYTES || !suffix.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')) {
        let message =
            format!("with this credential a follower is named {0:?} or {0:?}-<replica>", service.as_str());
        return Err(Status::permission_denied(message));
    }
    let incarnation = Uuid::try_parse(incarnation)
        .map_err(|reason| Status::invalid_argument(format!("incarnation: {reason}")))?;
    Ok((name, incarnation))
}
