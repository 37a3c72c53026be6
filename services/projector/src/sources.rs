//! Where events come from: the log without end, or a bounded stretch of the log or of the ledger.

use std::sync::Arc;

use access::Table;
use eventlog::{Log, LogError, Stream, keys::Keyring};
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

/// The log behind `after`, up to and with `to`. A barrier appended first makes sure that the end is seen.
pub(crate) async fn from_log(
    log: &Arc<dyn Log>,
    after: Positions,
    to: Positions,
) -> Result<Sources, LogError> {
    Ok(Sources {
        authz: stretch(log, Stream::Authz, after.authz, to.authz).await?,
        catalog: stretch(log, Stream::Catalog, after.catalog, to.catalog).await?,
    })
}

async fn stretch(log: &Arc<dyn Log>, stream: Stream, after: u64, to: u64) -> Result<Source, LogError> {
    if after >= to {
        return Ok(futures::stream::empty().boxed());
    }
    log.barrier(stream).await?;
    let tail = log.tail(stream, after + 1).map_err(SourceError::Log);
    let within = move |record: &Result<eventlog::Record, SourceError>| {
        std::future::ready(record.as_ref().map_or(true, |record| record.seq <= to))
    };
    Ok(tail.take_while(within).boxed())
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
    let mut table = Table::default();
    let mut rows = std::pin::pin!(ledger_rows(db.clone(), Stream::Authz, 0, seq));
    while let Some(row) = rows.try_next().await? {
        let undecodable = |why: String| LogError::Undecodable { stream: Stream::Authz, seq: row.seq, why };
        let sealed = Sealed::decode(row.raw.as_slice()).map_err(|error| undecodable(error.to_string()))?;
        let envelope = Envelope::decode(sealed.body).map_err(|error| undecodable(error.to_string()))?;
        table.apply(row.seq, &envelope).map_err(|error| undecodable(error.to_string()))?;
    }
    Ok(table)
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
            std::future::ready(item.as_ref().is_ok_and(|record| record.seq <= applied))
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
    let mut tail = log.tail(stream, last.seq);
    match tail.next().await {
        Some(Ok(record)) if record.seq == last.seq && record.raw == last.raw => {
            Ok(Ok(rest(tail.map_err(SourceError::Log).boxed())))
        }
        Some(Ok(_)) | None => Ok(Err(Stop::Replaced { stream, seq: last.seq })),
        Some(Err(error)) => Err(error.into()),
    }
}
