//! Follows the content feed: what changed in which channel.
//!
//! A change counts as heard only after the access view has reached the sequence it was decided at and the callback has
//! run, so that nothing is rendered for viewers whose rights are not known yet.

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use proto::feed::v1::{ContentChange, SnapshotEntry, feed_item::Item};
use tokio::sync::watch;

use super::link::{self, Fault, FollowError, Position, Sink};
use super::restore::Build;
use super::upstream::Upstream;
use super::view::{AccessView, Behind};

/// How long a change waits for its access facts before the connection is dropped and it is fetched again.
const ACCESS_LIMIT: Duration = Duration::from_secs(30);

/// How far the content feed has been heard. Clones are the same follower.
#[derive(Clone)]
pub struct ContentFollower(Arc<Inner>);

struct Inner {
    access: AccessView,
    epoch: OnceLock<String>,
    heard: watch::Sender<u64>,
    ready: watch::Sender<bool>,
}

impl ContentFollower {
    /// Has heard nothing yet.
    pub fn new(access: AccessView) -> Self {
        let (heard, ready) = (watch::Sender::new(0), watch::Sender::new(false));
        Self(Arc::new(Inner { access, epoch: OnceLock::new(), heard, ready }))
    }

    /// Every change up to here has been handed to the callback.
    pub fn heard(&self) -> u64 {
        *self.0.heard.borrow()
    }

    /// Notices every step of [`ContentFollower::heard`].
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.0.heard.subscribe()
    }

    /// Waits until everything up to `seq` was heard, at most for `limit`.
    pub async fn wait_for(&self, seq: u64, limit: Duration) -> Result<u64, Behind> {
        let mut heard = self.0.heard.subscribe();
        let reached = tokio::time::timeout(limit, heard.wait_for(|heard| *heard >= seq)).await;
        // What was waited for locks the value: held while it is read again, a writer between the two stops all three.
        let reached = reached.is_ok_and(|seen| seen.is_ok());
        let now = self.heard();
        if reached { Ok(now) } else { Err(Behind { applied: now, wanted: seq }) }
    }

    /// The identity of the log behind it, once known.
    pub fn epoch(&self) -> Option<&str> {
        self.0.epoch.get().map(String::as_str)
    }

    /// Whether it was ever connected.
    pub fn ready(&self) -> bool {
        *self.0.ready.borrow()
    }

    /// Resolves when it was connected for the first time.
    pub async fn until_ready(&self) {
        let mut ready = self.0.ready.subscribe();
        ready.wait_for(|ready| *ready).await.expect("the follower holds the sender");
    }

    /// Follows until `stop` resolves, over as many connections as it takes. An error is final.
    pub async fn follow(
        &self,
        upstream: Upstream,
        changed: impl Fn(ContentChange) + Send + Sync,
        stop: impl Future<Output = ()> + Send,
    ) -> Result<(), FollowError> {
        link::follow(&mut Feeding { follower: &self.0, changed }, &upstream, stop).await
    }
}

impl Inner {
    fn advance(&self, seq: u64) {
        self.heard.send_if_modified(|heard| {
            let grows = seq > *heard;
            *heard = seq.max(*heard);
            grows
        });
    }
}

struct Feeding<'a, F> {
    follower: &'a Inner,
    changed: F,
}

/// A row of a snapshot that is about where the feed stands and nothing else.
struct Nothing;

impl From<SnapshotEntry> for Nothing {
    fn from(_: SnapshotEntry) -> Self {
        Self
    }
}

#[async_trait]
impl<F: Fn(ContentChange) + Send + Sync> Sink for Feeding<'_, F> {
    type Row = Nothing;
    type Built = ();

    fn position(&self) -> Position {
        let epoch = self.follower.epoch.get().cloned().unwrap_or_default();
        Position { epoch, applied: *self.follower.heard.borrow() }
    }

    fn applied(&self) -> watch::Receiver<u64> {
        self.follower.heard.subscribe()
    }

    fn build(&self) -> Build<Nothing, ()> {
        Box::new(|_, rows| {
            rows.for_each(drop);
            Ok(())
        })
    }

    fn restore(&mut self, epoch: &str, seq: u64, (): ()) -> Result<(), Fault> {
        let heard = *self.follower.heard.borrow();
        if seq < heard {
            return Err(Fault::Retry(format!("the snapshot is of {seq}, heard is {heard}")));
        }
        let known = self.follower.epoch.get_or_init(|| epoch.to_owned());
        if known != epoch {
            return Err(FollowError::OtherEpoch { known: known.clone(), found: epoch.to_owned() }.into());
        }
        self.follower.advance(seq);
        self.follower.ready.send_replace(true);
        Ok(())
    }

    async fn take(&mut self, item: Item) -> Result<(), Fault> {
        match item {
            Item::ContentChange(change) => {
                let seq = change.seq;
                let heard = *self.follower.heard.borrow();
                if seq <= heard {
                    return Err(Fault::Retry(format!("{seq} came after {heard}")));
                }
                let access = self.follower.access.wait_for(change.authz_seq, ACCESS_LIMIT).await;
                access.map_err(|behind| Fault::Retry(behind.to_string()))?;
                (self.changed)(change);
                // One decision may hold several changes: the bookmark after the last of them says that it is heard.
                Ok(())
            }
            Item::Bookmark(seq) => {
                self.follower.advance(seq);
                Ok(())
            }
            Item::AccessEvent(_) => Err(Fault::Retry("an access event in the content feed".into())),
            Item::SnapshotStart(_) | Item::SnapshotPart(_) | Item::SnapshotEnd(_) => {
                unreachable!("the link takes snapshots apart")
            }
        }
    }
}

impl std::fmt::Debug for ContentFollower {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ContentFollower(heard {})", self.heard())
    }
}
