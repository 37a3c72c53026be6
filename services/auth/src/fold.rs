//! Keeps auth's own access table at the end of AUTHZ, by the code that every follower runs.

use std::sync::Arc;

use access::FoldError;
use eventlog::{Log, LogError, Stream};
use feed::client::AccessView;
use futures::StreamExt as _;

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

/// Folds for as long as the process lives.
pub async fn follow(log: Arc<dyn Log>, view: AccessView) -> Stopped {
    let mut records = log.tail(Stream::Authz, view.seq() + 1);
    loop {
        let applied = match records.next().await {
            Some(Ok(record)) => view.apply(record.seq, &record.envelope),
            Some(Err(error)) => return error.into(),
            None => return Stopped::Ended,
        };
        if let Err(error) = applied {
            return error.into();
        }
        metrics::gauge!("auth_applied_seq").set(view.seq() as f64);
    }
}
