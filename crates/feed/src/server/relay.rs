//! Tells the other replicas of a service how far followers are, and hears it from them.
//!
//! A report that is lost costs time: whoever misses it waits for the next, until it need not wait any more.

use std::sync::Arc;
use std::time::Duration;

use eventlog::{LogError, Notes};
use futures::StreamExt as _;
use prost::Message as _;
use proto::feed::v1 as wire;
use uuid::Uuid;

use super::followers::{Followers, LOST_AFTER};

/// Who follows is told again this often, so that nobody is forgotten who has nothing to apply.
const TOLD_EVERY: Duration = Duration::from_secs(LOST_AFTER.as_secs() / 5);

/// How far a follower of one replica is, for the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Who has applied.
    pub name: String,
    /// In which life.
    pub incarnation: Uuid,
    /// Everything up to here.
    pub applied: u64,
    /// It answers no requests any more.
    pub left: bool,
}

/// Passes reports on.
pub type Relay = Arc<dyn Fn(Report) + Send + Sync>;

impl Report {
    /// Of a follower that goes on.
    pub fn of(name: &str, incarnation: Uuid, applied: u64) -> Self {
        Self { name: name.to_owned(), incarnation, applied, left: false }
    }

    /// As it travels.
    fn encode(&self) -> Vec<u8> {
        let Self { name, incarnation, applied, left } = self.clone();
        let incarnation = incarnation.as_bytes().to_vec();
        wire::Report { follower: name, incarnation, applied, left }.encode_to_vec()
    }

    fn parse(note: bytes::Bytes) -> Option<Self> {
        let wire::Report { follower: name, incarnation, applied, left } = wire::Report::decode(note).ok()?;
        Some(Self { name, incarnation: Uuid::from_slice(&incarnation).ok()?, applied, left })
    }

    /// Asks the other replicas to tell of all their followers.
    fn question() -> Self {
        Self::of("", Uuid::nil(), 0)
    }
}

/// Begins to hear reports, and gives what passes them on.
pub async fn open(notes: Notes, hear: impl Fn(Report) + Send + 'static) -> Result<Relay, LogError> {
    let mut heard = notes.heard().await?;
    tokio::spawn(async move {
        while let Some(note) = heard.next().await {
            match Report::parse(note) {
                Some(report) => hear(report),
                None => tracing::warn!("a report of another replica cannot be read"),
            }
        }
    });
    let tell = notes.teller();
    Ok(Arc::new(move |report| tell(report.encode())))
}

impl Followers {
    /// Joins this registry with those of the other replicas: a receipt of one waits for the followers of all.
    pub async fn join_replicas(&self, notes: Notes) -> Result<(), LogError> {
        let followers = self.clone();
        let relay = open(notes, move |report| followers.hear(report)).await?;
        self.tell_through(relay.clone());
        relay(Report::question());
        let followers = self.clone();
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(TOLD_EVERY).await;
                followers.tell_all();
            }
        });
        Ok(())
    }

    fn hear(&self, report: Report) {
        if report == Report::question() { self.tell_all() } else { self.heard(&report) }
    }
}

#[cfg(test)]
mod tests;
