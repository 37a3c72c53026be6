//! What the replicas of one service tell each other beside the log: core NATS, on a subject of the service's own.
//!
//! A note that is lost stays lost. One that no key of the service has signed is thrown away and counted.

use std::sync::Arc;

use async_nats::Client;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt as _, future};
use tokio::sync::mpsc;

use crate::{
    LogError, Writer,
    keys::{Keyring, Signer},
    seal::{open_note, seal_note},
};

/// Notes that wait to be told; what does not fit is lost.
const BUFFERED_NOTES: usize = 1_024;

/// One service's notes, from [`JetStream::notes`](crate::JetStream::notes).
pub struct Notes {
    pub(crate) client: Client,
    pub(crate) signer: Arc<Signer>,
    pub(crate) keyring: Keyring,
    pub(crate) writer: Writer,
    pub(crate) subject: &'static str,
}

impl Notes {
    /// What every replica tells from now on, this one included.
    pub async fn heard(&self) -> Result<BoxStream<'static, Bytes>, LogError> {
        let unavailable = |error| LogError::Unavailable(error);
        let told = self.client.subscribe(self.subject).await.map_err(|error| unavailable(error.into()))?;
        // Whatever is told once this has returned is heard.
        self.client.flush().await.map_err(|error| unavailable(error.into()))?;
        let (keyring, writer, subject) = (self.keyring.clone(), self.writer, self.subject);
        let believed = told.filter_map(move |message| {
            let opened = open_note(&keyring, writer, subject, message.payload);
            let refused = opened.inspect_err(|why| {
                metrics::counter!("eventlog_notes_refused_total", "subject" => subject).increment(1);
                tracing::warn!(why, subject, "what another replica tells is not believed");
            });
            future::ready(refused.ok())
        });
        Ok(believed.boxed())
    }

    /// What tells the others, in order, and never waits.
    pub fn teller(self) -> impl Fn(Vec<u8>) + Send + Sync + 'static {
        let Self { client, signer, subject, .. } = self;
        let (notes, mut waiting) = mpsc::channel::<Vec<u8>>(BUFFERED_NOTES);
        tokio::spawn(async move {
            while let Some(note) = waiting.recv().await {
                if let Err(error) = client.publish(subject, seal_note(&signer, subject, note)).await {
                    tracing::debug!(%error, subject, "the other replicas are not told");
                }
            }
        });
        move |note| {
            if notes.try_send(note).is_err() {
                metrics::counter!("eventlog_notes_dropped_total", "subject" => subject).increment(1);
            }
        }
    }
}
