//! Shows that the live read models are what the log says: rebuilds them beside, compares table by table, and
//! compares the ledger with the log. Nothing waits for it, and what it built is dropped.

use std::{fmt, sync::Arc};

use anyhow::{Context as _, bail};
use eventlog::{Log, Stream};
use readmodel::write::{Database, Difference, Lock, Purpose, TABLES};

use crate::{
    batch::Positions,
    beside::Beside,
    ledger_check::{self, Found},
    rebuild::check_epochs,
    sources,
};

/// One line of the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `table artifacts` or `ledger AUTHZ`.
    pub what: String,
    /// Rows of the live table, or of the ledger.
    pub live: u64,
    /// Rows rebuilt, or messages in the log.
    pub expected: u64,
    /// Whether the two are the same, byte for byte.
    pub agrees: bool,
    /// What differs; not all of it.
    pub differences: Vec<String>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// How far AUTHZ was compared.
    pub authz_seq: u64,
    /// How far CATALOG was compared.
    pub catalog_seq: u64,
    /// One line for each table and for each stream's ledger.
    pub lines: Vec<Line>,
}

impl Report {
    /// Whether everything is as the log says.
    pub fn agrees(&self) -> bool {
        self.lines.iter().all(|line| line.agrees)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            let verdict = if line.agrees { "agrees" } else { "DIFFERS" };
            writeln!(
                f,
                "{:22} {:>10} rows, {:>10} expected  {verdict}",
                line.what, line.live, line.expected
            )?;
            for difference in &line.differences {
                writeln!(f, "    {difference}")?;
            }
        }
        let verdict =
            if self.agrees() { "the read models are what the log says" } else { "the read models differ" };
        write!(f, "{verdict} (up to AUTHZ {}, CATALOG {})", self.authz_seq, self.catalog_seq)
    }
}

/// Compares the live read models and the ledger with the log.
pub async fn verify(db: &Database, log: &Arc<dyn Log>) -> anyhow::Result<Report> {
    let Some(_guard) = db.try_lock(Lock::Builder).await? else {
        bail!("another rebuild or verification is under way; wait until it has ended");
    };
    db.drop_leftovers().await?;
    let report = rebuild_and_compare(db, log).await;
    let dropped = db.drop_leftovers().await;
    let report = report?;
    dropped?;
    Ok(report)
}

async fn rebuild_and_compare(db: &Database, log: &Arc<dyn Log>) -> anyhow::Result<Report> {
    check_epochs(db, log).await?;
    let mut beside = Beside::new(db, Purpose::Scratch).await?;
    let to = Positions::from(&db.checkpoints().await?);
    let sources =
        sources::from_log(db, log, Positions::default(), to).await.context("the log cannot be read")?;
    beside.extend(sources, to).await?;
    compare(&mut beside, log).await
}

/// The live version goes on meanwhile: the last stretch is taken in and compared in a transaction in which it
/// stands still.
async fn compare(beside: &mut Beside, log: &Arc<dyn Log>) -> anyhow::Result<Report> {
    let mut tx = beside.db.begin_still(beside.version).await?;
    let to = Positions::from(&tx.live_checkpoints().await?);
    let sources =
        sources::from_log(&beside.db, log, beside.at, to).await.context("the log cannot be read")?;
    beside.extend_within(&mut tx, sources, to).await?;
    let mut lines = Vec::new();
    for table in TABLES {
        lines.push(table_line(tx.compare(table).await?));
    }
    drop(tx);
    // Both only grow, so what stands up to here needs no transaction to hold it still.
    for stream in Stream::ALL {
        let found = ledger_check::compare(&beside.db, log, stream, (0, to.of(stream)), 0).await;
        lines.push(ledger_line(stream, &found.context("the ledger cannot be compared with the log")?));
    }
    Ok(Report { authz_seq: to.authz, catalog_seq: to.catalog, lines })
}

fn table_line(found: Difference) -> Line {
    let agrees = found.is_none();
    let live = found.only_live.iter().map(|row| format!("only live:    {row}"));
    let rebuilt = found.only_rebuilt.iter().map(|row| format!("only rebuilt: {row}"));
    Line {
        what: format!("table {}", found.table),
        live: found.live_rows,
        expected: found.rebuilt_rows,
        agrees,
        differences: live.chain(rebuilt).map(|text| shorten(&text)).collect(),
    }
}

fn ledger_line(stream: Stream, found: &Found) -> Line {
    Line {
        what: format!("ledger {stream}"),
        live: found.ledger,
        expected: found.log,
        agrees: found.differences == 0,
        differences: found.shown.clone(),
    }
}

/// A row may hold a whole repodata record; its beginning tells which it is.
fn shorten(text: &str) -> String {
    const CHARS_MAX: usize = 400;
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
