//! Where events come from: the log without end, or a bounded stretch of the log or of the ledger.

use std::sync::Arc;

use access::Table;
use eventlog::{Log, LogError, PutBack, Record, Stream, keys::Keyring};
use futures::{StreamExt as _, TryStreamExt as _};
use prost::Message as _;
use proto::event::v1::{Envelope, Sealed};
use readmodel::write::{Database, LedgerRow};

use crate::{
    batch::Positions,
    intake::{Source, SourceError, Sources},
    project::stream_of,
    stop::Stop,
};

/// Rows read from the ledger at once.
const PAGE: u32 = 1_000;

/// The log behind `after`, up to and with `to`, in order of place. A barrier appended first makes sure that the end is seen.
pub(crate) async fn from_log(
    db: &Database,
    log: &Arc<dyn Log>,
    after: Positions,
    to: Positions,
) -> Result<Sources, SourceError> {
    Ok(Sources {
        authz: stretch(db, log, Stream::Authz, (after.authz, to.authz)).await?,
        catalog: stretch(db, log, Stream::Catalog, (after.catalog, to.catalog)).await?,
    })
}

/// Where a message stands, be it forged or not.
fn seq_of(item: &Result<eventlog::Record, SourceError>) -> Option<u64> {
    match item {
        Ok(record) => Some(record.seq),
        Err(SourceError::Log(LogError::BadSignature { seq, .. })) => Some(*seq),
        Err(_) => None,
    }
}

async fn stretch(
    db: &Database,
    log: &Arc<dyn Log>,
    stream: Stream,
    (after, to): (u64, u64),
) -> Result<Source, SourceError> {
    if after >= to {
        return Ok(futures::stream::empty().boxed());
    }
    log.barrier(stream).await?;
    let put_back = put_back(db, log, stream, to).await?;
    let tail = log.tail(stream, after + 1).map_err(SourceError::Log);
    let within = move |record: &Result<eventlog::Record, SourceError>| {
        std::future::ready(seq_of(record).is_none_or(|seq| seq <= to))
    };
    Ok(eventlog::in_place(tail.take_while(within), put_back).boxed())
}

/// What the log holds that was put back, by what the ledger says of it; the log's own messages all the same.
async fn put_back(
    db: &Database,
    log: &Arc<dyn Log>,
    stream: Stream,
    to: u64,
) -> Result<PutBack, SourceError> {
    let mut put_back = PutBack::new();
    for row in db.put_back(stream_of(stream), to).await? {
        let records = log.read(stream, &row.subject, row.seq - 1, row.seq).await?;
        // What was put back and lost once more stands further behind.
        let found = records.into_iter().find(|record| record.seq == row.seq);
        put_back.extend(found.map(|record| (row.place, record)));
    }
    Ok(put_back)
}

/// The ledger behind `after`, up to and with `to`; signatures are verified as in the log.
pub(crate) fn from_ledger(db: &Database, keyring: &Keyring, after: Positions, to: Positions) -> Sources {
    let source = |stream: Stream| {
        let (keyring, bounds) = (keyring.clone(), (after.of(stream), to.of(stream)));
        ledger_rows(db.clone(), stream, bounds.0, bounds.1)
            .and_then(move |row| {
                let opened = eventlog::open(&keyring, stream, row.seq, &row.subject, row.raw.into());
                std::future::ready(opened.map_err(SourceError::Log))
            })
            .boxed()
    };
    Sources { authz: source(Stream::Authz), catalog: source(Stream::Catalog) }
}

fn ledger_rows(
    db: Database,
    stream: Stream,
    after: u64,
    to: u64,
) -> impl futures::Stream<Item = Result<LedgerRow, SourceError>> + Send {
    let pages = futures::stream::try_unfold((db, after), move |(db, after)| async move {
        let page = db.ledger(stream_of(stream), after, to, PAGE).await?;
        let Some(last) = page.last().map(|row| row.seq) else {
            return Ok::<_, SourceError>(None);
        };
        Ok(Some((futures::stream::iter(page.into_iter().map(Ok)), (db, last))))
    });
    pages.try_flatten()
}

/// The access table as it stood at an AUTHZ sequence, from the ledger. Its rows were verified when they were
/// written, and whoever can change them can change the read models too.
pub(crate) async fn table_at(db: &Database, seq: u64) -> Result<Table, SourceError> {
    let mut unknown = PutBack::new();
    for put_back in db.put_back(readmodel::Stream::Authz, seq).await?.into_iter().filter(|row| !row.known) {
        let rows = db.ledger(readmodel::Stream::Authz, put_back.seq - 1, put_back.seq, 1).await?;
        for row in rows {
            unknown.insert(put_back.place, unverified(Stream::Authz, row)?);
        }
    }
    let rows = ledger_rows(db.clone(), Stream::Authz, 0, seq);
    let rows = rows.and_then(|row| std::future::ready(unverified(Stream::Authz, row)));
    let mut records = std::pin::pin!(eventlog::in_place(rows, unknown));
    let mut table = Table::default();
    while let Some(record) = records.try_next().await? {
        let applied = table.apply(record.seq, &record.envelope);
        applied.map_err(|error| undecodable(Stream::Authz, record.seq, &error))?;
    }
    Ok(table)
}

/// A row of the ledger as a message of the log, without a look at its signature.
pub(crate) fn unverified(stream: Stream, row: LedgerRow) -> Result<Record, SourceError> {
    let LedgerRow { seq, subject, raw } = row;
    let sealed = Sealed::decode(raw.as_slice()).map_err(|error| undecodable(stream, seq, &error))?;
    let envelope = Envelope::decode(sealed.body).map_err(|error| undecodable(stream, seq, &error))?;
    Ok(Record { seq, subject, envelope, raw: raw.into() })
}

fn undecodable(stream: Stream, seq: u64, why: &dyn std::error::Error) -> LogError {
    LogError::Undecodable { stream, seq, why: why.to_string() }
}

/// The log behind the checkpoint, without end, once it has been shown to be the log that the checkpoint is of.
pub(crate) async fn follow(
    db: &Database,
    log: &Arc<dyn Log>,
    stream: Stream,
    checkpoint: &readmodel::Checkpoint,
) -> Result<Result<Source, Stop>, SourceError> {
    let found = log.epoch(stream);
    if !checkpoint.epoch.is_empty() && checkpoint.epoch != found {
        return Ok(Err(Stop::Epoch { stream, known: checkpoint.epoch.clone(), found }));
    }
    let applied = checkpoint.seq;
    let rest = move |source: Source| {
        let seen = move |item: &Result<eventlog::Record, SourceError>| {
            std::future::ready(seq_of(item).is_some_and(|seq| seq <= applied))
        };
        source.skip_while(seen).boxed()
    };
    if applied == 0 {
        return Ok(Ok(log.tail(stream, 1).map_err(SourceError::Log).boxed()));
    }
    let end = log.barrier(stream).await?;
    if end <= applied {
        return Ok(Err(Stop::Older { stream, end, applied }));
    }
    let Some(last) = db.ledger_end(stream_of(stream)).await? else {
        return Ok(Ok(rest(log.tail(stream, applied + 1).map_err(SourceError::Log).boxed())));
    };
    let mut tail = log.tail(stream, last.seq).map_err(SourceError::Log);
    match tail.next().await {
        Some(Ok(record)) if record.seq == last.seq && record.raw == last.raw => Ok(Ok(rest(tail.boxed()))),
        // A forged message is kept in the ledger as it came.
        Some(Err(SourceError::Log(LogError::BadSignature { seq, raw, .. })))
            if stream == Stream::Catalog && seq == last.seq && raw == last.raw =>
        {
            Ok(Ok(rest(tail.boxed())))
        }
        Some(Ok(_)) | None => Ok(Err(Stop::Replaced { stream, seq: last.seq })),
        Some(Err(error)) => Err(error),
    }
}
