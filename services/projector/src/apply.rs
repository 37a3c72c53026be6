//! One batch, one transaction: rows, ledger and checkpoint change together or not at all.

use eventlog::Stream;
use readmodel::{
    Checkpoint,
    write::{Database, NewLedgerRow, Tx, WriteError},
};

use crate::{
    batch::Batch,
    project::{self, Unapplicable, stream_of},
};

/// Why a batch was not applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Unapplicable(#[from] Unapplicable),
    #[error("the database does not answer")]
    Late,
}

/// The identities of the two streams, as the checkpoint holds them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Epochs {
    pub(crate) authz: String,
    pub(crate) catalog: String,
}

impl Epochs {
    pub(crate) fn of(&self, stream: Stream) -> &str {
        match stream {
            Stream::Authz => &self.authz,
            Stream::Catalog => &self.catalog,
        }
    }
}

/// Applies a batch to the live version, whichever that is now.
pub(crate) async fn apply(db: &Database, epochs: &Epochs, batch: &Batch) -> Result<(), ApplyError> {
    let mut tx = db.begin_live().await?;
    // First of all, so that of two writers one waits here and is fenced before it has written anything.
    for stream in Stream::ALL {
        if let Some(checkpoint) = advance(&mut tx, stream, epochs, batch).await? {
            tx.announce(stream_of(stream), &checkpoint).await?;
        }
        record(&mut tx, stream, batch).await?;
    }
    project_batch(&mut tx, batch).await?;
    Ok(tx.commit().await?)
}

/// Applies a batch to the rows and the checkpoint of the transaction's version; the ledger has it already.
pub(crate) async fn apply_beside(tx: &mut Tx, epochs: &Epochs, batch: &Batch) -> Result<(), ApplyError> {
    project_batch(tx, batch).await?;
    for stream in Stream::ALL {
        advance(tx, stream, epochs, batch).await?;
    }
    Ok(())
}

async fn project_batch(tx: &mut Tx, batch: &Batch) -> Result<(), ApplyError> {
    let before = tx.load(&project::keys(&batch.entries)).await?;
    let mut after = before.clone();
    project::fold(&mut after, &batch.entries)?;
    tx.save(&before, &after).await?;
    for (subject, parked) in after.parked.iter().filter(|(subject, _)| !before.parked.contains_key(*subject))
    {
        tracing::error!(
            subject,
            seq = parked.seq,
            reason = parked.reason,
            "an aggregate of CATALOG is parked"
        );
        metrics::counter!("projector_parked_total").increment(1);
    }
    Ok(())
}

/// Barriers expire, so they are not in the ledger.
async fn record(tx: &mut Tx, stream: Stream, batch: &Batch) -> Result<(), WriteError> {
    let rows: Vec<_> = batch
        .entries
        .iter()
        .map(|entry| (entry.stream, &entry.record))
        .filter(|(of, record)| *of == stream && !record.is_barrier())
        .map(|(_, record)| NewLedgerRow {
            seq: record.seq,
            subject: &record.subject,
            raw: &record.raw,
            original_seq: record.is_put_back().then(|| record.place()),
        })
        .collect();
    tx.append_ledger(stream_of(stream), &rows).await
}

async fn advance(
    tx: &mut Tx,
    stream: Stream,
    epochs: &Epochs,
    batch: &Batch,
) -> Result<Option<Checkpoint>, WriteError> {
    let (from, to) = (batch.from.of(stream), batch.to.of(stream));
    if from == to {
        return Ok(None);
    }
    let checkpoint = Checkpoint { epoch: epochs.of(stream).to_owned(), seq: to };
    tx.advance(stream_of(stream), from, &checkpoint).await?;
    Ok(Some(checkpoint))
}
