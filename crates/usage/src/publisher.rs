//! Telling: gathered for a second, sent in one message, and dropped and counted where that cannot be done.

use std::time::Duration;

use async_nats::{Client, connection::State};
use prost::Message as _;
use proto::usage::v1::Batch;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::gather::Gathered;
use crate::stream::context;
use crate::{UsageError, Use};

/// Uses that wait to be gathered; beyond it they are dropped and counted.
pub const MAX_WAITING: usize = 10_000;

/// How long uses are gathered.
const GATHER: Duration = Duration::from_secs(1);
/// How long a flush may take, a server that does not answer included.
const FLUSH_LIMIT: Duration = Duration::from_secs(3);

enum Told {
    Use(Use),
    /// Send what came before, then say so.
    Flush(oneshot::Sender<()>),
}

/// Takes uses without ever waiting. Clones share one queue.
#[derive(Debug, Clone, Default)]
pub struct Publisher {
    queue: Option<mpsc::Sender<Told>>,
}

impl Publisher {
    /// One that tells nobody.
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// One that tells the stream, in the name of this gateway.
    pub fn start(client: Client, gateway: &str) -> Self {
        let (queue, waiting) = mpsc::channel(MAX_WAITING);
        let sender = Sender { client, gateway: gateway.into(), gathered: Gathered::default() };
        tokio::spawn(sender.run(waiting));
        Self { queue: Some(queue) }
    }

    /// Takes one, or drops and counts it.
    pub fn note(&self, used: Use) {
        let Some(queue) = &self.queue else { return };
        if queue.try_send(Told::Use(used)).is_err() {
            dropped("full", 1);
        }
    }

    /// Returns when everything noted before has been sent or dropped.
    pub async fn flush(&self) {
        let Some(queue) = &self.queue else { return };
        let (done, told) = oneshot::channel();
        let flushed = async {
            if queue.send(Told::Flush(done)).await.is_ok() {
                // The task goes away with its runtime alone, and then nobody waits.
                told.await.ok();
            }
        };
        if tokio::time::timeout(FLUSH_LIMIT, flushed).await.is_err() {
            tracing::warn!("usage could not be sent in time");
        }
    }
}

struct Sender {
    client: Client,
    gateway: String,
    gathered: Gathered,
}

impl Sender {
    /// Ends with the last publisher, after what it was told.
    async fn run(mut self, mut waiting: mpsc::Receiver<Told>) {
        let mut turns = tokio::time::interval(GATHER);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                told = waiting.recv() => match told {
                    Some(Told::Use(used)) => {
                        self.gathered.add(used);
                        if self.gathered.is_full() {
                            self.send().await;
                        }
                    }
                    Some(Told::Flush(done)) => {
                        self.send().await;
                        // Whoever asked may have stopped waiting.
                        done.send(()).ok();
                    }
                    None => return self.send().await,
                },
                _ = turns.tick() => self.send().await,
            }
        }
    }

    async fn send(&mut self) {
        if self.gathered.is_empty() {
            return;
        }
        let uses = self.gathered.take();
        let count = uses.len() as u64;
        let batch = Batch { gateway: self.gateway.clone(), uses: uses.into_iter().map(Into::into).collect() };
        match self.publish(batch.encode_to_vec()).await {
            Ok(()) => metrics::counter!("usage_published_total").increment(count),
            Err(error) => {
                tracing::debug!(%error, "usage is dropped");
                dropped("away", count);
            }
        }
    }

    async fn publish(&self, payload: Vec<u8>) -> Result<(), UsageError> {
        // Without a connection the client would keep it, and everything after it, for who knows how long.
        if self.client.connection_state() != State::Connected {
            return Err(UsageError::unavailable("there is no connection to NATS"));
        }
        let ack = context(&self.client).publish("use.gateway", payload.into()).await;
        ack.map_err(UsageError::unavailable)?.await.map_err(UsageError::unavailable)?;
        Ok(())
    }
}

fn dropped(reason: &'static str, count: u64) {
    metrics::counter!("usage_dropped_total", "reason" => reason).increment(count);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Family, Outcome};

    fn used() -> Use {
        Use {
            token: names::TokenId(uuid::Uuid::from_u128(7)),
            string_no: 0,
            outcome: Outcome::Served,
            family: Family::Api,
            at: time::OffsetDateTime::UNIX_EPOCH,
            requests: 1,
            address: None,
            client: String::new(),
        }
    }

    #[tokio::test]
    async fn what_does_not_fit_is_dropped_and_nobody_waits() {
        let (queue, mut waiting) = mpsc::channel(MAX_WAITING);
        let publisher = Publisher { queue: Some(queue) };
        for _ in 0..MAX_WAITING {
            publisher.note(used());
        }
        assert_eq!(waiting.len(), MAX_WAITING);
        publisher.note(used());
        assert_eq!(waiting.len(), MAX_WAITING);
        waiting.recv().await.unwrap();
        publisher.note(used());
        assert_eq!(waiting.len(), MAX_WAITING);
    }

    #[tokio::test]
    async fn who_tells_nobody_waits_for_nobody() {
        Publisher::nowhere().note(used());
        Publisher::nowhere().flush().await;
    }
}
