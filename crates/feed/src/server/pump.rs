//! One follower's stream: snapshot or resume, then every step, while its reports are heard.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use proto::feed::v1::{
    FeedItem, FollowerMessage, SnapshotEnd, SnapshotStart, feed_item::Item, follower_message::Message,
};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

use super::audience::Seat;
use super::source::{Snapshot, Source, Step};

/// What a follower reads.
pub type Items = Pin<Box<dyn Stream<Item = Result<FeedItem, Status>> + Send>>;

/// Items waiting for one follower; what does not fit waits in the log.
const BUFFERED_ITEMS: usize = 256;
/// A follower that takes nothing for this long is cut off; it resumes where it is.
const LAG_LIMIT: Duration = Duration::from_secs(10);
/// How long this replica may take to begin anew itself.
const ANEW_LIMIT: Duration = Duration::from_secs(120);

/// Starts the stream. It ends with a status that says why, which stands behind whatever is still buffered.
pub(super) fn start<S: Source>(
    source: Arc<S>,
    resume: Option<u64>,
    heard: Streaming<FollowerMessage>,
    seat: impl Seat,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Items {
    let (items, buffered) = mpsc::channel(BUFFERED_ITEMS);
    let (ended, end) = oneshot::channel();
    tokio::spawn(async move {
        let line = Line { items, sent: AtomicU64::new(resume.map_or(0, |next| next.saturating_sub(1))) };
        let end = tokio::select! {
            biased;
            end = hear(heard, &line, &seat) => end,
            end = tell(&*source, resume, &line) => end.err(),
            () = stop => Some(Status::unavailable("this server is stopping; connect again")),
        };
        match &end {
            None => seat.leave(),
            Some(status) => {
                tracing::info!(status = status.message(), ?seat, "a follower is cut off");
                drop(seat);
            }
        }
        // Nobody listens when the follower is gone already.
        drop(ended.send(end));
    });
    let end = stream::once(async move { end.await.ok().flatten() }).filter_map(async |end| end.map(Err));
    Box::pin(ReceiverStream::new(buffered).map(Ok).chain(end))
}

struct Line {
    items: mpsc::Sender<FeedItem>,
    /// Everything up to here has been handed over.
    sent: AtomicU64,
}

impl Line {
    async fn send(&self, item: Item) -> Result<(), Status> {
        match timeout(LAG_LIMIT, self.items.send(FeedItem { item: Some(item) })).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(gone)) => Err(Status::cancelled(format!("the follower is gone: {gone}"))),
            Err(_) => Err(Status::resource_exhausted(format!(
                "nothing was read for {} s; connect again and resume",
                LAG_LIMIT.as_secs(),
            ))),
        }
    }
}

/// Takes reports until the follower says that it leaves; anything else is a status. An end without a word is none: that is
/// also what is seen of a follower that gives up a connection and goes on with another.
async fn hear(mut heard: Streaming<FollowerMessage>, line: &Line, seat: &impl Seat) -> Option<Status> {
    loop {
        let message = match heard.message().await {
            Ok(Some(message)) => message,
            Ok(None) => return Some(Status::cancelled("the follower has gone without taking leave")),
            Err(status) => return Some(status),
        };
        match message.message {
            Some(Message::Applied(applied)) if applied.seq <= line.sent.load(Ordering::Acquire) => {
                seat.applied(applied.seq);
            }
            Some(Message::Applied(applied)) => {
                let message = format!("{} is reported as applied but was never sent", applied.seq);
                return Some(Status::invalid_argument(message));
            }
            Some(Message::Leave(_)) => return None,
            Some(Message::Hello(_)) | None => {
                return Some(Status::invalid_argument("after Hello only Applied and Leave are expected"));
            }
        }
    }
}

/// Tells everything from the beginning or from where the follower was; it never ends well, only with a reason.
async fn tell<S: Source>(
    source: &S,
    resume: Option<u64>,
    line: &Line,
) -> Result<std::convert::Infallible, Status> {
    let next = match resume {
        Some(next) => next,
        None => tell_snapshot(source.epoch(), &*source.snapshot(0).await?, line).await? + 1,
    };
    let mut steps = source.tail(next);
    while let Some(step) = steps.next().await {
        let Step { seq, items, anew } = step?;
        if anew {
            if !source.reach(seq, ANEW_LIMIT).await {
                return Err(Status::unavailable(format!(
                    "this replica has not reached {seq}; connect again"
                )));
            }
            let snapshot = source.snapshot(seq).await?;
            steps = source.tail(tell_snapshot(source.epoch(), &snapshot, line).await? + 1);
            continue;
        }
        // Before the first of them is out: the follower may have applied it before this task runs again.
        line.sent.fetch_max(seq, Ordering::Release);
        let bookmarked = !matches!(items.last(), Some(Item::AccessEvent(_)));
        for item in items {
            line.send(item).await?;
        }
        if bookmarked {
            line.send(Item::Bookmark(seq)).await?;
        }
    }
    Err(Status::unavailable("the log's tail has ended; connect again"))
}

async fn tell_snapshot(epoch: String, snapshot: &Snapshot, line: &Line) -> Result<u64, Status> {
    let &Snapshot { seq, ref parts, entries } = snapshot;
    line.sent.fetch_max(seq, Ordering::Release);
    line.send(Item::SnapshotStart(SnapshotStart { epoch, seq, entries })).await?;
    for part in parts {
        line.send(Item::SnapshotPart(part.clone())).await?;
    }
    line.send(Item::SnapshotEnd(SnapshotEnd { entries })).await?;
    Ok(seq)
}
