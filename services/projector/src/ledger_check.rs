//! Compares the ledger with the log, message by message. Both only grow, so a stretch compared once stays compared.

use eventlog::{Record, Stream};
use readmodel::write::{Database, LedgerRow};

use crate::{batch::Positions, project::stream_of};

/// Rows read from the ledger at once; more than one batch has, so that a surplus is seen.
const PAGE: u32 = 1_000;
/// How many differences are told.
const SHOWN_MAX: usize = 5;

/// What the comparison of one stream found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) log: u64,
    pub(crate) ledger: u64,
    pub(crate) differences: u64,
    pub(crate) shown: Vec<String>,
}

/// A comparison under way.
#[derive(Debug, Default)]
pub(crate) struct LedgerCheck {
    at: Positions,
    authz: Found,
    catalog: Found,
}

impl LedgerCheck {
    pub(crate) fn of(&self, stream: Stream) -> &Found {
        match stream {
            Stream::Authz => &self.authz,
            Stream::Catalog => &self.catalog,
        }
    }

    fn of_mut(&mut self, stream: Stream) -> &mut Found {
        match stream {
            Stream::Authz => &mut self.authz,
            Stream::Catalog => &mut self.catalog,
        }
    }

    /// Compares the next messages of the log, which reach up to `to`, with the ledger.
    pub(crate) async fn compare(
        &mut self,
        db: &Database,
        stream: Stream,
        records: &[&Record],
        to: u64,
    ) -> anyhow::Result<()> {
        let mut after = self.at.of(stream);
        let mut remaining = records;
        while after < to {
            let page = db.ledger(stream_of(stream), after, to, PAGE).await?;
            let is_last = page.len() < PAGE as usize;
            after = page.last().filter(|_| !is_last).map_or(to, |row| row.seq);
            remaining = self.of_mut(stream).page(&page, remaining, after);
        }
        *self.at.of_mut(stream) = to;
        Ok(())
    }

    /// The log has nothing more up to here; nor may the ledger.
    pub(crate) async fn finish(&mut self, db: &Database, to: Positions) -> anyhow::Result<()> {
        for stream in Stream::ALL {
            self.compare(db, stream, &[], to.of(stream)).await?;
        }
        Ok(())
    }
}

impl Found {
    /// Compares what both have up to a sequence; returns what the log has behind it.
    fn page<'r, 'e>(&mut self, page: &[LedgerRow], records: &'r [&'e Record], to: u64) -> &'r [&'e Record] {
        let (within, behind) = records.split_at(records.partition_point(|record| record.seq <= to));
        let mut within = within.iter().filter(|record| !record.is_barrier()).peekable();
        for row in page {
            while let Some(record) = within.next_if(|record| record.seq < row.seq) {
                self.missing(record);
            }
            let record = within.next_if(|record| record.seq == row.seq);
            self.row(row, record.copied());
        }
        within.for_each(|record| self.missing(record));
        behind
    }

    fn missing(&mut self, record: &Record) {
        self.log += 1;
        self.differ(format!("the ledger lacks {} on {}", record.seq, record.subject));
    }

    fn row(&mut self, row: &LedgerRow, record: Option<&Record>) {
        self.ledger += 1;
        let Some(record) = record else {
            return self.differ(format!("only the ledger has {} on {}", row.seq, row.subject));
        };
        self.log += 1;
        if record.subject != row.subject || record.raw != row.raw {
            self.differ(format!("{} on {} differs from the log", row.seq, row.subject));
        }
    }

    fn differ(&mut self, what: String) {
        self.differences += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(what);
        }
    }
}
