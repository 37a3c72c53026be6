//! Compares log and ledger for as long as the projector follows, a bounded piece of work at a time.
//!
//! Each round counts: a message that is gone from the log anywhere makes it fewer than the ledger says, and halving the
//! stretch finds which. Besides, each round compares the next [`SWEEP`] messages byte for byte, over and over again.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use eventlog::{Log, Stream};
use readmodel::write::{Database, LedgerCheckRow};

use crate::{
    intake::{SourceError, chain},
    ledger_check::{Found, compare, lost},
    project::stream_of,
};

/// Messages compared byte for byte in one round of one stream.
pub const SWEEP: u64 = 2_000;
/// A stretch this short is read; a longer one is halved.
const HALVED_TO: u64 = 1_000;
/// Missing events that are named; of more only the number is told.
const NAMED_MAX: usize = 20;
/// Counts that others append between are taken again so often; what is missed then the next round finds.
const COUNTS: usize = 3;

/// The comparison of both streams.
pub(crate) struct Checker {
    db: Database,
    log: Arc<dyn Log>,
    streams: [Watched; 2],
}

/// What is known of one stream.
struct Watched {
    stream: Stream,
    /// Rows of the ledger up to a sequence; it only grows.
    counted: (u64, u64),
    /// How far this sweep has come.
    swept: u64,
    /// Differences of the sweep under way, and of the one before.
    differing: (u64, u64),
    /// Missing events that were told of already.
    told: BTreeSet<u64>,
}

impl Checker {
    pub(crate) fn new(db: Database, log: Arc<dyn Log>) -> Self {
        let streams = Stream::ALL.map(|stream| Watched {
            stream,
            counted: (0, 0),
            swept: 0,
            differing: (0, 0),
            told: BTreeSet::new(),
        });
        Self { db, log, streams }
    }

    /// Compares until it is dropped.
    pub(crate) async fn run(mut self, every: Duration) -> std::convert::Infallible {
        let mut rounds = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
        rounds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            rounds.tick().await;
            for watched in &mut self.streams {
                // A server that is away is told of by whoever needs it to go on.
                if let Err(error) = watched.round(&self.db, &self.log).await {
                    tracing::info!(stream = %watched.stream, error = chain(&error), "log and ledger could not be compared");
                }
            }
        }
    }
}

impl Watched {
    async fn round(&mut self, db: &Database, log: &Arc<dyn Log>) -> Result<(), SourceError> {
        let to = db.checkpoints().await?.of(stream_of(self.stream)).seq;
        if to == 0 {
            return Ok(());
        }
        let lost = lost(db, self.stream, to).await?;
        self.count(db, to).await?;
        let expected = self.counted.1.saturating_sub(lost.len() as u64);
        let missing = expected.saturating_sub(count(log, self.stream, (0, to)).await?);
        let halving = Halving { db, log, stream: self.stream, lost: &lost };
        let named = if missing > 0 { halving.locate(to).await? } else { Vec::new() };
        self.sweep(db, log, to).await?;
        // Named ones have been looked for and not found; a number alone may have been taken at a bad moment.
        let missing = if named.is_empty() { 0 } else { missing.max(named.len() as u64) };
        self.tell(&named, missing);
        let first_missing = named.first().map(|(seq, _)| *seq);
        let differing = self.differing.0.max(self.differing.1);
        let row = LedgerCheckRow { seq: to, missing, first_missing, differing };
        Ok(db.save_check(stream_of(self.stream), &row).await?)
    }

    async fn count(&mut self, db: &Database, to: u64) -> Result<(), SourceError> {
        let (counted_to, count) = self.counted;
        self.counted = (to, count + db.ledger_count(stream_of(self.stream), counted_to, to).await?);
        Ok(())
    }

    async fn sweep(&mut self, db: &Database, log: &Arc<dyn Log>, to: u64) -> Result<(), SourceError> {
        let until = (self.swept + SWEEP).min(to);
        let found = compare(db, log, self.stream, (self.swept, until), NAMED_MAX).await?;
        let differing = found.differences - found.missing.len() as u64;
        self.differing.0 += differing;
        if differing > 0 {
            tracing::error!(stream = %self.stream, differing, shown = ?found.shown, "log and ledger differ");
        }
        self.swept = until;
        if until == to {
            (self.swept, self.differing) = (0, (0, self.differing.0));
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    fn tell(&mut self, named: &[(u64, String)], missing: u64) {
        for (seq, subject) in named.iter().filter(|(seq, _)| !self.told.contains(seq)) {
            tracing::error!(
                stream = %self.stream, seq, subject, missing,
                "an event is missing from the log: `latchkey-projector put-back` appends it again from the ledger"
            );
        }
        if missing == 0 && !self.told.is_empty() {
            tracing::info!(stream = %self.stream, "nothing is missing from the log any more");
        }
        self.told = named.iter().map(|(seq, _)| *seq).collect();
        let stream = self.stream.as_str();
        metrics::gauge!("projector_log_missing", "stream" => stream).set(missing as f64);
        metrics::gauge!("projector_log_differing", "stream" => stream)
            .set(self.differing.0.max(self.differing.1) as f64);
    }
}

/// How many messages the log has behind `after`, up to and with `to`; under load rather too many than too few.
async fn count(log: &Arc<dyn Log>, stream: Stream, (after, to): (u64, u64)) -> Result<u64, SourceError> {
    let mut least = u64::MAX;
    for _ in 0..COUNTS {
        // What is appended between the two is in the second alone.
        let behind = log.count(stream, to + 1).await?;
        least = least.min(log.count(stream, after + 1).await?.saturating_sub(behind));
        if log.count(stream, to + 1).await? == behind {
            break;
        }
    }
    Ok(least)
}

/// Finds what is missing from a stream.
struct Halving<'c> {
    db: &'c Database,
    log: &'c Arc<dyn Log>,
    stream: Stream,
    lost: &'c BTreeSet<u64>,
}

impl Halving<'_> {
    /// The first missing events up to a sequence, in order.
    async fn locate(&self, to: u64) -> Result<Vec<(u64, String)>, SourceError> {
        let mut named = Vec::new();
        let mut stretches = vec![(0, to)];
        while let Some((after, to)) = stretches.pop() {
            if named.len() >= NAMED_MAX || !self.lacks((after, to)).await? {
                continue;
            }
            if to - after <= HALVED_TO {
                let room = NAMED_MAX - named.len();
                let Found { missing, .. } =
                    compare(self.db, self.log, self.stream, (after, to), room).await?;
                named.extend(missing);
                continue;
            }
            let middle = after + (to - after) / 2;
            stretches.extend([(middle, to), (after, middle)]);
        }
        Ok(named)
    }

    async fn lacks(&self, (after, to): (u64, u64)) -> Result<bool, SourceError> {
        let rows = self.db.ledger_count(stream_of(self.stream), after, to).await?;
        let expected = rows.saturating_sub(self.lost.range(after + 1..=to).count() as u64);
        Ok(expected > count(self.log, self.stream, (after, to)).await?)
    }
}
