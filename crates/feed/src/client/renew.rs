//! G2: asks for the lease again and again while somebody wants it.

use std::future::Future;
use std::time::Duration;

use async_trait::async_trait;
use proto::feed::v1::RenewRequest;
use tokio::time::{sleep, timeout};
use tonic::Status;
use uuid::Uuid;

use super::backoff::Backoff;
use super::lease::Lease;
use super::upstream::Upstream;
use crate::lease::{Clocks, renewed_every};

/// How long one ask may take. A grant that comes later counts all the same, from when it was asked for.
const ASK_LIMIT: Duration = Duration::from_secs(2);
/// Between two asks, however many requests want a lease.
const LEAST_PAUSE: Duration = Duration::from_millis(100);

/// After so many asks without a grant another replica is asked: sooner than a lease ends that is as long as an operator gets
/// it unasked.
const FAILURES: u32 = 2;

/// Who asks: a process that authorises.
#[derive(Debug, Clone)]
pub struct Holder {
    /// Its stable name, as in the feed.
    pub name: String,
    /// Fresh in each process.
    pub incarnation: Uuid,
    /// How long after it has asked for a lease it shows what is public.
    pub public: Duration,
}

impl Holder {
    /// One ask.
    pub fn ask(&self, nonce: u64) -> RenewRequest {
        RenewRequest {
            holder: self.name.clone(),
            incarnation: self.incarnation.to_string(),
            nonce,
            public_ms: u32::try_from(self.public.as_millis()).unwrap_or(u32::MAX),
        }
    }
}

/// Whoever takes asks: a replica of auth.
#[async_trait]
pub trait Grantor: Send + Sync {
    /// Returns when the grant stands in the log.
    async fn renew(&self, ask: RenewRequest) -> Result<(), Status>;

    /// This replica gives nothing: the next ask goes to another, where there is one.
    fn leave_replica(&self) {}
}

#[async_trait]
impl Grantor for Upstream {
    async fn renew(&self, ask: RenewRequest) -> Result<(), Status> {
        let mut request = self.request(ask);
        request.set_timeout(ASK_LIMIT);
        self.client().renew(request).await.map(drop)
    }

    fn leave_replica(&self) {
        Self::leave_replica(self);
    }
}

impl Lease {
    /// Keeps the lease for as long as requests want it, until `stop` resolves.
    pub async fn keep(
        &self,
        holder: &Holder,
        clocks: &Clocks,
        grantor: &dyn Grantor,
        stop: impl Future<Output = ()> + Send,
    ) {
        // A process that has just started is about to be asked something.
        self.mark_used(clocks.boot());
        let mut backoff = Backoff::of(holder.incarnation);
        let renewing = async {
            let mut failures = 0_u32;
            for nonce in 1.. {
                if self.is_idle(clocks.boot()) {
                    self.wanted().await;
                }
                self.asking(holder.incarnation, nonce, clocks.now());
                let why = match timeout(ASK_LIMIT, grantor.renew(holder.ask(nonce))).await {
                    Ok(Ok(())) => None,
                    Ok(Err(status)) => Some(status.to_string()),
                    Err(late) => Some(late.to_string()),
                };
                if let Some(why) = why {
                    tracing::warn!(why, "the lease is not renewed, asking again");
                    failures = failures.wrapping_add(1);
                    // It may have lost touch with the log, and then it cannot know that others have not.
                    if failures.is_multiple_of(FAILURES) {
                        grantor.leave_replica();
                    }
                    sleep(backoff.next()).await;
                    continue;
                }
                failures = 0;
                backoff.reset();
                sleep(LEAST_PAUSE).await;
                tokio::select! {
                    () = sleep(renewed_every(self.length()).saturating_sub(LEAST_PAUSE)) => {}
                    () = self.wanted() => {}
                }
            }
        };
        tokio::select! {
            () = renewing => {}
            () = stop => {}
        }
    }
}
