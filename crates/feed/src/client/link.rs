//! One follower's connection and its successors: greet, resume, take items in order, report what is applied.

use std::future::Future;
use std::time::Duration;

use access::FoldError;
use async_trait::async_trait;
use futures::{Stream, stream};
use proto::feed::v1::{
    Applied, FollowerMessage, Hello, Leave, SnapshotEntry, SnapshotStart, feed_item::Item,
    follower_message::Message,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tonic::{Code, Status};

use super::backoff::Backoff;
use super::restore::{Build, Restoring};
use super::upstream::Upstream;

/// Reports of what is applied are gathered for at most this long; the first after a pause goes at once.
const GATHER: Duration = Duration::from_millis(5);
/// How long a stopping follower waits for the server to take note of it.
const FAREWELL: Duration = Duration::from_secs(1);

/// Why following cannot go on. What is known stays known, but nothing new will come.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The server has another log.
    #[error(
        "the server has another log (epoch {found}, known is {known}): restart this process, or restore the right log"
    )]
    OtherEpoch {
        /// The epoch of what was applied so far.
        known: String,
        /// The server's.
        found: String,
    },
    /// The server refuses to continue from this follower's position.
    #[error("the server cannot continue from here: {0}")]
    Refused(String),
    /// An event cannot be applied; to skip it could be to miss a revocation.
    #[error("an event cannot be applied")]
    Fold(#[from] FoldError),
}

/// What ends one connection.
#[derive(Debug)]
pub(crate) enum Fault {
    /// Another connection may do better.
    Retry(String),
    /// None will.
    Final(FollowError),
}

impl From<FollowError> for Fault {
    fn from(error: FollowError) -> Self {
        Self::Final(error)
    }
}

impl From<Status> for Fault {
    fn from(status: Status) -> Self {
        if status.code() == Code::FailedPrecondition {
            return Self::Final(FollowError::Refused(status.message().to_owned()));
        }
        Self::Retry(format!("{:?}: {}", status.code(), status.message()))
    }
}

pub(crate) struct Position {
    /// Empty before the first snapshot.
    pub(crate) epoch: String,
    pub(crate) applied: u64,
}

/// What a feed flows into.
#[async_trait]
pub(crate) trait Sink: Send {
    /// A row of a snapshot as it is put together; rows are read beside each other.
    type Row: From<SnapshotEntry> + Send + 'static;
    /// What they add up to.
    type Built: Send + 'static;
    fn position(&self) -> Position;
    /// The watermark to report.
    fn applied(&self) -> watch::Receiver<u64>;
    /// How rows are put together, on a thread of its own while they come.
    fn build(&self) -> Build<Self::Row, Self::Built>;
    fn restore(&mut self, epoch: &str, seq: u64, built: Self::Built) -> Result<(), Fault>;
    async fn take(&mut self, item: Item) -> Result<(), Fault>;
}

/// Keeps a sink connected until `stop` resolves, then takes its leave.
pub(crate) async fn follow<S: Sink>(
    sink: &mut S,
    upstream: &Upstream,
    stop: impl Future<Output = ()> + Send,
) -> Result<(), FollowError> {
    let leaving = watch::Sender::new(false);
    let following = keep_connected(sink, upstream, &leaving);
    tokio::pin!(following, stop);
    tokio::select! {
        end = &mut following => end,
        () = &mut stop => {
            leaving.send_replace(true);
            timeout(FAREWELL, following).await.unwrap_or(Ok(()))
        }
    }
}

async fn keep_connected<S: Sink>(
    sink: &mut S,
    upstream: &Upstream,
    leaving: &watch::Sender<bool>,
) -> Result<(), FollowError> {
    let mut backoff = Backoff::of(upstream.incarnation);
    let mut left = leaving.subscribe();
    loop {
        let end = connection(sink, upstream, leaving.subscribe(), &mut backoff).await;
        if *leaving.borrow() {
            return Ok(());
        }
        let why = match end {
            Ok(()) => "the server ended the stream".to_owned(),
            Err(Fault::Retry(why)) => why,
            Err(Fault::Final(error)) => {
                tracing::error!(follower = upstream.follower, error = %error, "following has ended");
                return Err(error);
            }
        };
        let wait = backoff.next();
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(follower = upstream.follower, why, wait_ms, "feed is cut, connecting again");
        tokio::select! {
            () = sleep(wait) => {}
            _ = left.wait_for(|left| *left) => return Ok(()),
        }
    }
}

/// A snapshot that has begun.
type Coming<S> = (SnapshotStart, Restoring<<S as Sink>::Row, <S as Sink>::Built>);

async fn connection<S: Sink>(
    sink: &mut S,
    upstream: &Upstream,
    leaving: watch::Receiver<bool>,
    backoff: &mut Backoff,
) -> Result<(), Fault> {
    let Position { epoch, applied } = sink.position();
    let next_seq = if epoch.is_empty() { 0 } else { applied + 1 };
    let hello = Hello {
        follower: upstream.follower.clone(),
        incarnation: upstream.incarnation.to_string(),
        epoch,
        next_seq,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let reports = reports(hello, sink.applied(), leaving);
    let mut items = upstream.client().follow(upstream.request(reports)).await?.into_inner();
    let mut snapshot: Option<Coming<S>> = None;
    while let Some(item) = items.message().await? {
        backoff.reset();
        let item =
            item.item.ok_or_else(|| Fault::Retry("an item of a kind unknown to this version".into()))?;
        match (item, snapshot.take()) {
            (Item::SnapshotStart(start), None) => {
                let restoring = Restoring::begin(&start, sink.build());
                snapshot = Some((start, restoring));
            }
            (Item::SnapshotPart(part), Some((start, mut restoring))) => {
                restoring.take(part).await;
                snapshot = Some((start, restoring));
            }
            (Item::SnapshotEnd(end), Some((start, restoring))) => {
                sink.restore(&start.epoch, start.seq, restoring.end(end.entries).await?)?;
            }
            (item @ (Item::AccessEvent(_) | Item::ContentChange(_) | Item::Bookmark(_)), None) => {
                sink.take(item).await?;
            }
            (_, _) => return Err(Fault::Retry("a snapshot that is torn".into())),
        }
    }
    Ok(())
}

/// What the follower says: first who it is, then how far it is, and last that it leaves, which tells the server that nobody
/// needs to wait for it any more.
fn reports(
    hello: Hello,
    mut applied: watch::Receiver<u64>,
    leaving: watch::Receiver<bool>,
) -> impl Stream<Item = FollowerMessage> {
    // What was applied on an earlier connection is reported on this one too.
    applied.mark_changed();
    let start = (Next::Hello(hello), applied, leaving, Instant::now());
    stream::unfold(start, |(next, mut applied, mut leaving, not_before)| async move {
        let (said, next) = match next {
            Next::Hello(hello) => (Message::Hello(hello), Next::Reports),
            Next::Reports => {
                tokio::select! {
                    () = grown(&mut applied) => {
                        sleep_until(not_before).await;
                        (Message::Applied(Applied { seq: *applied.borrow_and_update() }), Next::Reports)
                    }
                    () = left(&mut leaving) => (Message::Leave(Leave {}), Next::Nothing),
                }
            }
            Next::Nothing => return None,
        };
        let message = FollowerMessage { message: Some(said) };
        Some((message, (next, applied, leaving, Instant::now() + GATHER)))
    })
}

/// What a follower says next.
enum Next {
    Hello(Hello),
    Reports,
    Nothing,
}

/// Resolves when there is something new to report.
async fn grown(applied: &mut watch::Receiver<u64>) {
    if applied.changed().await.is_err() {
        std::future::pending().await
    }
}

/// Resolves when the follower takes its leave. Following that was dropped, not stopped, is no leave: the process may
/// still answer requests.
async fn left(leaving: &mut watch::Receiver<bool>) {
    if leaving.wait_for(|leaving| *leaving).await.is_err() {
        std::future::pending().await
    }
}
