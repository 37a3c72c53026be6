//! The audience of the access feed: everybody who authorises, by lease.

use std::time::Duration;

use async_trait::async_trait;
use proto::event::v1::{LeaseGranted, LeaseLeft};
use proto::feed::v1::{AwaitAppliedRequest, Receipt, RenewRequest};
use proto::status::v1 as status;
use tonic::Status;
use uuid::Uuid;

use super::audience::{Audience, Seat};
use super::desk::Desk;
use super::followers::{Connection, Followers, TooManyFollowers};
use super::holders::Holders;
use super::receipts::{self, Wanted};
use super::relay::{Relay, Report};
use crate::client::Grantor;

/// One replica's part in the lease protocol. Clones are the same.
#[derive(Clone)]
pub struct Leased {
    holders: Holders,
    desk: Desk,
    /// D, as this replica grants it.
    length: Duration,
    relay: Relay,
    /// Who is connected here.
    followers: Followers,
}

impl Leased {
    /// Leases of this length are granted at `desk`; what followers report is told to `relay`.
    pub fn new(holders: Holders, desk: Desk, length: Duration, relay: Relay) -> Self {
        let clocks = holders.clocks().clone();
        let followers = Followers::new(move || clocks.boot());
        Self { holders, desk, length, relay, followers }
    }

    /// Who may hold a lease.
    pub fn holders(&self) -> &Holders {
        &self.holders
    }

    /// How many follow here now.
    pub fn connected(&self) -> usize {
        self.followers.connected()
    }

    /// Everybody who follows here or may hold a lease, by name.
    pub fn standing(&self) -> Vec<status::Follower> {
        let mut all = self.followers.standing();
        for holder in self.holders.standing() {
            let incarnation = holder.incarnation.to_string();
            let here = all.iter_mut().find(|one| one.name == holder.name && one.incarnation == incarnation);
            let lease_age_ms = Some(u64::try_from(holder.age.as_millis()).unwrap_or(u64::MAX));
            match here {
                Some(one) => one.lease_age_ms = lease_age_ms,
                // It follows another replica, or is one.
                None => all.push(status::Follower {
                    name: holder.name,
                    incarnation,
                    applied_seq: holder.applied,
                    lease_age_ms,
                    ..status::Follower::default()
                }),
            }
        }
        all.sort_by(|a, b| (&a.name, &a.incarnation).cmp(&(&b.name, &b.incarnation)));
        all
    }

    /// A report, from a follower here or by way of this process's own fold.
    pub fn report(&self, report: Report) {
        self.holders.heard(&report.name, report.incarnation, report.applied);
        (self.relay)(report);
    }

    /// R2 to R4 for a change that this replica has folded.
    pub async fn receipt(&self, wanted: Wanted) -> Receipt {
        receipts::take(&self.holders, self.length, wanted).await
    }

    /// D, as this replica grants it.
    pub fn length(&self) -> Duration {
        self.length
    }

    /// G6.
    pub async fn leave(&self, name: &str, incarnation: Uuid) -> Result<u64, Status> {
        self.desk
            .leave(LeaseLeft { holder: name.to_owned(), incarnation: incarnation.as_bytes().to_vec() })
            .await
    }
}

#[async_trait]
impl Audience for Leased {
    type Seat = LeasedSeat;

    fn join(&self, name: &str, incarnation: Uuid, version: &str) -> Result<LeasedSeat, TooManyFollowers> {
        let connection = self.followers.join_as(name, incarnation, version)?;
        Ok(LeasedSeat { leased: self.clone(), name: name.to_owned(), incarnation, connection })
    }

    async fn await_applied(&self, wanted: AwaitAppliedRequest, limit: Duration) -> Receipt {
        let since = self.holders.clocks().now();
        self.receipt(Wanted { seq: wanted.seq, since, hides: wanted.hides, limit }).await
    }

    async fn renew(&self, ask: RenewRequest) -> Result<u64, Status> {
        let incarnation = Uuid::try_parse(&ask.incarnation)
            .map_err(|reason| Status::invalid_argument(format!("incarnation: {reason}")))?;
        if !self.holders.has_room(&ask.holder, incarnation) {
            return Err(Status::resource_exhausted("as many processes hold leases as may"));
        }
        let granted = LeaseGranted {
            holder: ask.holder,
            incarnation: incarnation.as_bytes().to_vec(),
            nonce: ask.nonce,
            public_ms: ask.public_ms,
        };
        self.desk.grant(granted).await
    }
}

/// Auth asks itself: it authorises too.
#[async_trait]
impl Grantor for Leased {
    async fn renew(&self, ask: RenewRequest) -> Result<(), Status> {
        Audience::renew(self, ask).await.map(drop)
    }
}

/// One follower's connection.
#[derive(Debug)]
pub struct LeasedSeat {
    leased: Leased,
    name: String,
    incarnation: Uuid,
    connection: Connection,
}

impl Seat for LeasedSeat {
    fn applied(&self, seq: u64) {
        self.connection.applied(seq);
        self.leased.report(Report::of(&self.name, self.incarnation, seq));
    }

    fn leave(self) {
        let Self { leased, name, incarnation, connection } = self;
        connection.leave();
        tokio::spawn(async move {
            if let Err(status) = leased.leave(&name, incarnation).await {
                // Its lease ends by itself; until then it is waited for.
                tracing::warn!(%status, follower = name, "a leave is not recorded");
            }
        });
    }
}

impl std::fmt::Debug for Leased {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Leased({:?})", self.holders)
    }
}
