//! Compares the ledger with the log, message by message, over a stretch of a stream.

use std::{collections::BTreeSet, sync::Arc};

use eventlog::{Log, LogError, Record, Stream};
use futures::{StreamExt as _, stream::BoxStream};
use readmodel::write::{Database, LedgerRow};

use crate::{intake::SourceError, project::stream_of};

/// Rows read from the ledger at once.
const PAGE: u32 = 1_000;
/// How many differences are told.
const SHOWN_MAX: usize = 5;

/// What the comparison of one stretch found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Messages of the log, and what it has lost but has again further behind.
    pub(crate) log: u64,
    pub(crate) ledger: u64,
    pub(crate) differences: u64,
    pub(crate) shown: Vec<String>,
    /// What the log lacks, up to a limit of the caller's.
    pub(crate) missing: Vec<(u64, String)>,
    missing_max: usize,
}

/// Compares what both have behind `after`, up to and with `to`, which the ledger must have reached.
pub(crate) async fn compare(
    db: &Database,
    log: &Arc<dyn Log>,
    stream: Stream,
    (after, to): (u64, u64),
    missing_max: usize,
) -> Result<Found, SourceError> {
    let mut found = Found { missing_max, ..Found::default() };
    if after >= to {
        return Ok(found);
    }
    let lost = lost(db, stream, to).await?;
    // So that something stands behind the stretch, by which its end is seen.
    log.barrier(stream).await?;
    let mut records = Records { tail: log.tail(stream, after + 1), next: None };
    let mut at = after;
    while at < to {
        let page = db.ledger(stream_of(stream), at, to, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        at = page.last().filter(|_| !is_last).map_or(to, |row| row.seq);
        for row in &page {
            while let Some(record) = records.before(row.seq).await? {
                found.only_log(&record);
            }
            let record = records.before(row.seq + 1).await?;
            found.row(row, record.as_ref(), lost.contains(&row.seq));
        }
        if is_last {
            while let Some(record) = records.before(to + 1).await? {
                found.only_log(&record);
            }
        }
    }
    Ok(found)
}

/// Where events stood that were put back since: there the log has a gap, and it is known. An event may be lost and put
/// back more than once.
pub(crate) async fn lost(db: &Database, stream: Stream, to: u64) -> Result<BTreeSet<u64>, SourceError> {
    let (mut lost, mut latest) = (BTreeSet::new(), std::collections::BTreeMap::new());
    for row in db.put_back(stream_of(stream), to).await? {
        let before = latest.insert(row.place, row.seq);
        lost.extend(before.or_else(|| row.known.then_some(row.place)));
    }
    Ok(lost)
}

/// The log, without its barriers.
struct Records {
    tail: BoxStream<'static, Result<Record, LogError>>,
    next: Option<Record>,
}

impl Records {
    /// The next message, if it stands before a sequence.
    async fn before(&mut self, seq: u64) -> Result<Option<Record>, SourceError> {
        loop {
            if self.next.is_none() {
                let next = self.tail.next().await.ok_or(SourceError::Broken)?;
                self.next = Some(next.or_else(LogError::or_unread)?);
            }
            let Some(record) = self.next.take_if(|record| record.seq < seq) else { return Ok(None) };
            if !record.is_barrier() {
                return Ok(Some(record));
            }
        }
    }
}

impl Found {
    fn only_log(&mut self, record: &Record) {
        self.log += 1;
        self.differ(format!("the ledger lacks {} on {}", record.seq, record.subject));
    }

    fn row(&mut self, row: &LedgerRow, record: Option<&Record>, is_lost: bool) {
        self.ledger += 1;
        match record {
            Some(record) => {
                self.log += 1;
                if record.subject != row.subject || record.raw != row.raw {
                    self.differ(format!("{} on {} differs from the log", row.seq, row.subject));
                }
            }
            None if is_lost => self.log += 1,
            None => {
                if self.missing.len() < self.missing_max {
                    self.missing.push((row.seq, row.subject.clone()));
                }
                self.differ(format!("only the ledger has {} on {}", row.seq, row.subject));
            }
        }
    }

    fn differ(&mut self, what: String) {
        self.differences += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(what);
        }
    }
}
