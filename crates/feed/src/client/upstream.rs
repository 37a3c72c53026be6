//! Where a feed is followed from, and as whom.

use std::sync::Arc;
use std::time::Duration;

use proto::feed::v1::feed_client::FeedClient;
use proto::feed::v1::{AwaitAppliedRequest, Receipt};
use tokio::time::{Instant, sleep};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use uuid::Uuid;

use crate::deadline::{COMMITTED, WAIT};

/// Several replicas may be tried in it.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// A connection on which nothing answers for this long is given up, idle or not.
const KEEP_ALIVE: Duration = Duration::from_secs(2);
/// So long an answer takes even if nobody is waited for.
const LEAST_WAIT: Duration = Duration::from_secs(2);
/// Between two asks for a receipt.
const BETWEEN_TRIES: Duration = Duration::from_millis(50);
/// One part of a snapshot, at most.
const MAX_MESSAGE_BYTES: usize = 16 << 20;

/// A server of a feed, and this process's standing with it.
#[derive(Clone)]
pub struct Upstream {
    channel: Channel,
    credential: MetadataValue<Ascii>,
    pub(super) follower: String,
    pub(super) incarnation: Uuid,
    leave: Arc<dyn Fn() + Send + Sync>,
}

impl Upstream {
    /// Reaches a server through a channel made elsewhere. `follower` is the process's stable name, `gateway` or
    /// `gateway-<replica>` for a gateway; `incarnation` is fresh in each process.
    pub fn new(channel: Channel, service_secret: &str, follower: &str, incarnation: Uuid) -> Self {
        let mut credential = MetadataValue::try_from(format!("Bearer {service_secret}"))
            .unwrap_or_else(|_| MetadataValue::from_static("Bearer unreadable"));
        credential.set_sensitive(true);
        Self { channel, credential, follower: follower.to_owned(), incarnation, leave: Arc::new(|| ()) }
    }

    /// The same, with what makes its channel go on with another replica.
    #[must_use]
    pub fn leaving(self, leave: impl Fn() + Send + Sync + 'static) -> Self {
        Self { leave: Arc::new(leave), ..self }
    }

    /// Goes on with another replica: this one answers, and can do nothing.
    pub(super) fn leave_replica(&self) {
        (self.leave)();
    }

    /// A channel with the settings that a feed needs. It connects at the first call.
    pub fn channel(url: &str) -> Result<Channel, tonic::transport::Error> {
        Ok(Self::tuned(Endpoint::from_shared(url.to_owned())?).connect_lazy())
    }

    /// The settings that a feed needs.
    pub fn tuned(endpoint: Endpoint) -> Endpoint {
        endpoint
            .connect_timeout(CONNECT_LIMIT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE)
            .keep_alive_while_idle(true)
    }

    pub(super) fn client(&self) -> FeedClient<Channel> {
        FeedClient::new(self.channel.clone()).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }

    pub(super) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("authorization", self.credential.clone());
        request
    }

    /// Waits until nobody can act on less than `seq` any more, at most for `limit`; who may is named silent.
    pub async fn await_applied(&self, seq: u64, hides: bool, limit: Duration) -> Result<Receipt, Status> {
        let begun = Instant::now();
        loop {
            let left = limit.saturating_sub(begun.elapsed());
            let mut request = self.request(AwaitAppliedRequest { seq, hides });
            if left.is_zero() {
                request.metadata_mut().insert(WAIT, MetadataValue::from_static(COMMITTED));
            }
            request.set_timeout(left.max(LEAST_WAIT));
            match self.client().await_applied(request).await {
                Ok(receipt) => return Ok(receipt.into_inner()),
                // The replica has gone, or is about to: another one waits as well, and for less, as time has passed.
                Err(status) if !left.is_zero() && may_pass(status.code()) => {
                    tracing::debug!(seq, %status, "no receipt yet, asking again");
                    sleep(BETWEEN_TRIES.min(left)).await;
                }
                Err(status) => return Err(status),
            }
        }
    }
}

/// Whether the same ask may do better at another replica, or a little later.
fn may_pass(code: Code) -> bool {
    !matches!(
        code,
        Code::InvalidArgument | Code::PermissionDenied | Code::Unauthenticated | Code::Unimplemented
    )
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Upstream({} {})", self.follower, self.incarnation)
    }
}
