//! Appends again, from the ledger, what the log has lost.
//!
//! An event that is put back keeps its id and its first place. It stands at the end of the log, and whoever folds the
//! log folds it where it first stood.

use std::{fmt, sync::Arc};

use anyhow::{Context as _, bail};
use eventlog::{Log, Message, Stream};
use readmodel::write::{Database, Lock};

use crate::{
    batch::Positions, intake::SourceError, ledger_check::compare, project::stream_of, rebuild::check_epochs,
    sources::unverified,
};

/// Events put back by one command; it can be run again.
pub const PUT_BACK_MAX: usize = 10_000;

/// An event that stands in the log again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The stream.
    pub stream: Stream,
    /// Where it first stood.
    pub place: u64,
    /// Where it stands now; nowhere if it was only looked for.
    pub seq: Option<u64>,
    /// The aggregate.
    pub subject: String,
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, place, subject, .. } = self;
        match self.seq {
            Some(seq) => write!(f, "{stream} {place} on {subject} was put back, at {seq}"),
            None => write!(f, "{stream} {place} on {subject} is missing"),
        }
    }
}

/// Finds what the ledger has and the log lacks, and puts it back unless it is only to be looked for.
pub async fn put_back(db: &Database, log: &Arc<dyn Log>, look_only: bool) -> anyhow::Result<Vec<Restored>> {
    let Some(_guard) = db.try_lock(Lock::Builder).await? else {
        bail!("a rebuild, a verification or another repair is under way; wait until it has ended");
    };
    check_epochs(db, log).await?;
    let to = Positions::from(&db.checkpoints().await?);
    let mut restored = Vec::new();
    for stream in Stream::ALL {
        let end = log.barrier(stream).await.context("the log cannot be reached")?;
        if end <= to.of(stream) {
            bail!(
                "{stream} is an older copy: it ended at {end}, the ledger at {}. What is put back stands behind what \
                 is there, so restore a newer copy first",
                to.of(stream)
            );
        }
        let room = PUT_BACK_MAX - restored.len();
        let found = compare(db, log, stream, (0, to.of(stream)), room).await;
        for (seq, _) in found.context("log and ledger cannot be compared")?.missing {
            restored.extend(one(db, log, stream, seq, look_only).await?);
        }
    }
    Ok(restored)
}

async fn one(
    db: &Database,
    log: &Arc<dyn Log>,
    stream: Stream,
    seq: u64,
    look_only: bool,
) -> anyhow::Result<Option<Restored>> {
    let row = db.ledger(stream_of(stream), seq - 1, seq, 1).await?.pop().context("the ledger only grows")?;
    let record = unverified(stream, row)?;
    let barrier = log.barrier(stream).await.context("the log cannot be reached")?;
    let there = log.read(stream, &record.subject, 0, barrier).await.map_err(SourceError::Log)?;
    // Put back a moment ago, and the projector has not come so far.
    if there.iter().any(|other| other.envelope.event_id == record.envelope.event_id) {
        return Ok(None);
    }
    let (place, subject) = (record.place(), record.subject);
    if look_only {
        return Ok(Some(Restored { stream, place, seq: None, subject }));
    }
    let mut envelope = record.envelope;
    envelope.original_seq = Some(place);
    let expect = there.last().map_or(0, |last| last.seq);
    let message = Message { subject: subject.clone(), expect, envelope };
    let seq = log.append(stream, vec![message]).await.with_context(|| {
        format!(
            "{stream} {place} on {subject} could not be put back; the signing key and the NATS user of this command \
             must be of a service that may write there"
        )
    })?;
    tracing::warn!(%stream, place, seq, subject, "an event was put back");
    Ok(Some(Restored { stream, place, seq: Some(seq), subject }))
}
