//! Keeps auth's own access table at the end of AUTHZ, by the code that every follower runs.

use std::sync::Arc;

use access::{FoldError, Table};
use eventlog::{Log, LogError, Record, Stream};
use feed::client::AccessView;
use feed::server::Holders;
use futures::StreamExt as _;
use proto::event::v1::Envelope;

/// Why the fold cannot go on. To skip an event could be to miss a revocation, so the process must end.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    #[error("AUTHZ cannot be read any further")]
    Log(#[from] LogError),
    #[error("AUTHZ cannot be folded any further")]
    Fold(#[from] FoldError),
    #[error("AUTHZ has no more events to come")]
    Ended,
}

/// Folds the log from its beginning up to a sequence that it has reached.
pub async fn replay(
    log: &Arc<dyn Log>,
    view: &AccessView,
    holders: &Holders,
    to: u64,
) -> Result<(), Stopped> {
    let tail = || log.tail(Stream::Authz, 1);
    let apply = |table: &mut Table, record: &Record| -> Result<(), Stopped> {
        note_lease(holders, record);
        table.apply(record.seq, &record.envelope)?;
        Ok(())
    };
    let mut table = eventlog::fold_in_place(tail, to, || view.empty_table(), apply).await?;
    // Where the last event was put back, its own place is passed.
    table.apply(to, &Envelope::default())?;
    view.install(table);
    Ok(())
}

/// Folds what comes behind the view, for as long as the process lives.
pub async fn follow(log: Arc<dyn Log>, view: AccessView, holders: Holders) -> Stopped {
    let mut records = log.tail(Stream::Authz, view.seq() + 1);
    loop {
        let applied = match records.next().await {
            Some(Ok(record)) => apply(&log, &view, &holders, &record).await,
            Some(Err(error)) => return error.into(),
            None => return Stopped::Ended,
        };
        if let Err(stopped) = applied {
            return stopped;
        }
        metrics::gauge!("auth_applied_seq").set(view.seq() as f64);
    }
}

async fn apply(
    log: &Arc<dyn Log>,
    view: &AccessView,
    holders: &Holders,
    record: &Record,
) -> Result<(), Stopped> {
    if record.is_put_back() {
        // This process may have begun while the event was lost. What it does not know it cannot add at the end.
        tracing::warn!(
            seq = record.seq,
            place = record.place(),
            "an event was put back: access is folded anew"
        );
        return replay(log, view, holders, record.seq).await;
    }
    // Before the position moves: whoever waits for it knows every lease from before it.
    note_lease(holders, record);
    view.apply(record.seq, &record.envelope)?;
    Ok(())
}

fn note_lease(holders: &Holders, record: &Record) {
    if let Some(lease) = &record.envelope.lease {
        holders.fold(record.seq, lease);
    }
}
