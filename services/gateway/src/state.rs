//! What every request reaches: the access table, the indexes, the blobs, and the services behind.

use std::net::IpAddr;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use blobs::Blobs;
use feed::client::{AccessView, ContentFollower};
use feed::lease::{Clocks, Moment, WANT_LIMIT};
use names::TokenId;
use readmodel::{ReadError, Reader, Stream};
use runtime::{Ambient, Drain, Failure};
use tokio::sync::Semaphore;
use usage::Publisher;

use crate::failures::Failures;
use crate::file::Hot;
use crate::index::Indexes;
use crate::limits::CATCH_UP_LIMIT;
use crate::problem::Problem;
use crate::ticket::Seal;
use crate::upstream::Upstreams;

/// Shared by all requests; cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Parts>);

pub(crate) struct Parts {
    pub(crate) ambient: Ambient,
    pub(crate) clocks: Clocks,
    pub(crate) view: AccessView,
    /// How long what the table calls public is shown after the lease was asked for.
    pub(crate) public: Duration,
    pub(crate) content: ContentFollower,
    pub(crate) indexes: Indexes,
    pub(crate) reader: Reader,
    pub(crate) blobs: Blobs,
    pub(crate) hot: Hot,
    pub(crate) upstreams: Upstreams,
    pub(crate) drain: Drain,
    /// Reverse proxies that are believed about whom they speak for, besides those on this machine.
    pub(crate) trusted_proxies: Vec<IpAddr>,
    pub(crate) failures: Failures<IpAddr>,
    /// Of strings that were once good: one by one they belong to a token, wherever they come from.
    pub(crate) token_failures: Failures<TokenId>,
    pub(crate) usage: Publisher,
    pub(crate) requests: Arc<Semaphore>,
    pub(crate) uploads: Semaphore,
    pub(crate) max_upload_bytes: u64,
    /// Whether clients speak HTTPS, whatever a request says of it.
    pub(crate) https: bool,
    pub(crate) tickets: Seal,
}

impl App {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// G4: whether this process may decide at this moment.
    pub(crate) fn leased(&self) -> bool {
        self.view.lease().holds(self.clocks.now())
    }

    /// The same, after a bearable wait.
    pub(crate) async fn until_leased(&self) -> bool {
        self.view.lease().wait(&self.clocks, WANT_LIMIT).await
    }

    /// Whether it may show what is public.
    pub(crate) fn shows_public(&self) -> bool {
        self.view.lease().shows_public(self.clocks.now(), self.public)
    }

    /// Whether requests can be answered: access is known, the content feed is connected, the read models are there.
    pub(crate) fn ready(&self) -> Result<(), &'static str> {
        if self.drain.is_requested() {
            return Err("this gateway is being stopped");
        }
        match (self.view.ready(), self.content.ready(), self.reader.is_ready()) {
            (false, _, _) => Err("access is not known yet: auth has not been reached"),
            (_, false, _) => Err("the content feed is not connected yet: catalog has not been reached"),
            (_, _, false) => Err("the read models cannot be reached"),
            (true, true, true) => Ok(()),
        }
    }

    /// Returns when the read models are as new as what was heard, so that an absence is a fact.
    pub(crate) async fn caught_up(&self) -> Result<(), Problem> {
        let heard = self.content.heard();
        self.reader.wait_checkpoint(Stream::Catalog, heard, CATCH_UP_LIMIT).await.map_err(unread)?;
        Ok(())
    }

    /// The same for what is told of access besides: whoever was answered finds it in a history.
    pub(crate) async fn caught_up_on_access(&self) -> Result<(), Problem> {
        self.caught_up().await?;
        let known = self.view.seq();
        self.reader.wait_checkpoint(Stream::Authz, known, CATCH_UP_LIMIT).await.map_err(unread)?;
        Ok(())
    }
}

impl Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// Both of the machine's clocks.
pub(crate) fn clocks(ambient: &Ambient) -> Clocks {
    let clock = ambient.clock.clone();
    Clocks::new(move || {
        let (boot, wall) = (clock.boot(), clock.now());
        Moment { boot, wall_us: wall.unix_timestamp() * 1_000_000 + i64::from(wall.microsecond()) }
    })
}

/// A database that is away is never an empty list.
pub(crate) fn unread(error: ReadError) -> Problem {
    if let ReadError::Character(_) = &error {
        return Problem::invalid(error.to_string());
    }
    let failure = if error.may_pass() {
        Failure::unavailable("the index cannot be read just now; try again in a moment").because(error)
    } else {
        Failure::internal(error)
    };
    failure.into()
}

/// A blob store that is away.
pub(crate) fn unstored(error: blobs::Error) -> Problem {
    Failure::unavailable("the file store cannot be used just now; try again in a moment")
        .because(error)
        .into()
}
