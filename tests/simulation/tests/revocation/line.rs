//! One replica's line to the log: it may be cut, and what comes through it is late by as much as the seed says.

use std::time::Duration;

use async_trait::async_trait;
use eventlog::{AppendError, Log, LogError, Memory, Message, Record, Stream};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use proto::event::v1::Lease;
use time::OffsetDateTime;
use tokio::sync::watch;

use crate::seed::Seed;

/// The longest that a record is on its way.
const MAX_DELAY_MS: u64 = 40;

/// The log as one replica reaches it.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) log: Memory,
    pub(crate) cut: watch::Receiver<bool>,
    pub(crate) seed: u64,
}

impl Line {
    /// Returns while the line is whole.
    async fn whole(&self) {
        self.cut.clone().wait_for(|cut| !cut).await.expect("the world holds the sender");
    }
}

#[async_trait]
impl Log for Line {
    async fn append(&self, stream: Stream, messages: Vec<Message>) -> Result<u64, AppendError> {
        self.whole().await;
        let appended = self.log.append(stream, messages).await;
        // Cut in the meantime, the answer is lost.
        if *self.cut.borrow() {
            return Err(AppendError::Unavailable("the line is cut".into()));
        }
        appended
    }

    async fn read(
        &self,
        stream: Stream,
        subject: &str,
        after: u64,
        at_least: u64,
    ) -> Result<Vec<Record>, LogError> {
        self.whole().await;
        self.log.read(stream, subject, after, at_least).await
    }

    fn tail(&self, stream: Stream, from: u64) -> BoxStream<'static, Result<Record, LogError>> {
        let mut delays = Seed(self.seed ^ from);
        let line = self.clone();
        let late = self.log.tail(stream, from).then(move |record| {
            // Mostly at once, and now and then late.
            let delay_ms = if delays.below(4) == 0 { delays.below(MAX_DELAY_MS) } else { 0 };
            let line = line.clone();
            async move {
                if delay_ms > 0 {
                    tokio::time::sleep(Duration::from_millis(delay_ms)).await;
                }
                line.whole().await;
                record
            }
        });
        late.boxed()
    }

    async fn barrier(&self, stream: Stream) -> Result<u64, LogError> {
        self.whole().await;
        self.log.barrier(stream).await
    }

    async fn end(&self, stream: Stream) -> Result<u64, LogError> {
        self.log.end(stream).await
    }

    async fn since(&self, stream: Stream, time: OffsetDateTime) -> Result<u64, LogError> {
        self.log.since(stream, time).await
    }

    async fn count(&self, stream: Stream, from: u64) -> Result<u64, LogError> {
        self.log.count(stream, from).await
    }

    async fn lease(&self, lease: Lease, ttl: Duration) -> Result<u64, AppendError> {
        self.whole().await;
        self.log.lease(lease, ttl).await
    }

    fn epoch(&self, stream: Stream) -> String {
        self.log.epoch(stream)
    }
}
