//! Telling: gathered for a second, sent, and dropped and counted where that cannot be done.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_nats::{Client, connection::State};
use prost::Message as _;
use proto::usage::v1::Batch;
use tokio::sync::{mpsc, oneshot};
use tokio::time::MissedTickBehavior;

use crate::gather::Gathered;
use crate::stream::context;
use crate::{UsageError, Use};

/// How long uses are gathered.
const GATHER: Duration = Duration::from_secs(1);
/// Uses in one message: a few hundred KiB, of the MiB that NATS takes.
const MAX_BATCH: usize = 2_000;
/// Flushes that wait for their turn.
const MAX_FLUSHES: usize = 16;
/// How long a flush may take, a server that does not answer included.
const FLUSH_LIMIT: Duration = Duration::from_secs(3);

/// Takes uses without ever waiting. Clones gather together.
#[derive(Debug, Clone, Default)]
pub struct Publisher {
    gathering: Option<Gathering>,
}

#[derive(Debug, Clone)]
struct Gathering {
    gathered: Arc<Mutex<Gathered>>,
    /// Each is told when what was gathered before it has been sent.
    flushes: mpsc::Sender<oneshot::Sender<()>>,
}

impl Publisher {
    /// One that tells nobody.
    pub fn nowhere() -> Self {
        Self::default()
    }

    /// One that tells the stream, in the name of this gateway.
    pub fn start(client: Client, gateway: &str) -> Self {
        let (flushes, asked) = mpsc::channel(MAX_FLUSHES);
        let gathered = Arc::<Mutex<Gathered>>::default();
        let sender = Sender { client, gateway: gateway.into(), gathered: gathered.clone() };
        tokio::spawn(sender.run(asked));
        Self { gathering: Some(Gathering { gathered, flushes }) }
    }

    /// Takes one, or drops and counts it.
    pub fn note(&self, used: Use) {
        let Some(Gathering { gathered, .. }) = &self.gathering else { return };
        if !gathered.lock().unwrap_or_else(PoisonError::into_inner).add(used) {
            dropped("full", 1);
        }
    }

    /// Returns when everything noted before has been sent or dropped.
    pub async fn flush(&self) {
        let Some(Gathering { flushes, .. }) = &self.gathering else { return };
        let (done, told) = oneshot::channel();
        let flushed = async {
            if flushes.send(done).await.is_ok() {
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
    gathered: Arc<Mutex<Gathered>>,
}

impl Sender {
    /// Ends with the last publisher, after what it was told.
    async fn run(self, mut asked: mpsc::Receiver<oneshot::Sender<()>>) {
        let mut turns = tokio::time::interval(GATHER);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                flush = asked.recv() => {
                    self.send().await;
                    let Some(done) = flush else { return };
                    // Whoever asked may have stopped waiting.
                    done.send(()).ok();
                }
                _ = turns.tick() => self.send().await,
            }
        }
    }

    async fn send(&self) {
        let mut uses = self.gathered.lock().unwrap_or_else(PoisonError::into_inner).take();
        while !uses.is_empty() {
            let batch = uses.split_off(uses.len().saturating_sub(MAX_BATCH));
            let count = batch.len() as u64;
            let uses = batch.into_iter().map(Into::into).collect();
            let batch = Batch { gateway: self.gateway.clone(), uses };
            match self.publish(batch.encode_to_vec()).await {
                Ok(()) => metrics::counter!("usage_published_total").increment(count),
                Err(error) => {
                    tracing::debug!(%error, "usage is dropped");
                    dropped("away", count);
                }
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

    #[tokio::test]
    async fn who_tells_nobody_waits_for_nobody() {
        let used = Use {
            token: names::TokenId(uuid::Uuid::from_u128(7)),
            string_no: 0,
            outcome: crate::Outcome::Served,
            family: crate::Family::Api,
            at: time::OffsetDateTime::UNIX_EPOCH,
            requests: 1,
            address: None,
            client: String::new(),
        };
        Publisher::nowhere().note(used);
        Publisher::nowhere().flush().await;
    }
}
