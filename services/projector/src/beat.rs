//! Says now and then that this projector lives, and whether it writes or stands by.

use std::{
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};

use readmodel::write::{Beat, Database};

/// Between two signs of life.
const EVERY: Duration = Duration::from_secs(5);

/// One projector's signs of life. They are for people: nothing depends on them.
pub(crate) struct Beating {
    db: Database,
    beat: Beat,
    active: AtomicBool,
    changed: tokio::sync::Notify,
}

impl Beating {
    pub(crate) fn new(db: Database, beat: Beat) -> Self {
        Self { db, beat, active: AtomicBool::new(false), changed: tokio::sync::Notify::new() }
    }

    /// From now on it writes, or stands by.
    pub(crate) fn is_active(&self, active: bool) {
        self.active.store(active, Relaxed);
        self.changed.notify_one();
    }

    /// Goes on until it is dropped. A database that is away is told of by whoever writes to it.
    pub(crate) async fn run(&self) -> std::convert::Infallible {
        let mut turns = tokio::time::interval(EVERY);
        turns.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = turns.tick() => {}
                () = self.changed.notified() => {}
            }
            if let Err(error) = self.db.beat(&self.beat, self.active.load(Relaxed)).await {
                tracing::debug!(%error, "a sign of life was not written");
            }
        }
    }

    /// The last sign of life.
    pub(crate) async fn end(&self) {
        if let Err(error) = self.db.last_beat(self.beat.incarnation).await {
            tracing::debug!(%error, "the last sign of life was not written");
        }
    }
}
