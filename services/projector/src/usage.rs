//! Takes in who used which token, beside the log: a failure here is retried for ever and stops nothing else.
//!
//! Of each string of a token the latest use is kept, so that taking the same in twice changes nothing. What is taken in
//! outlives every version of the read models.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_nats::Client;
use futures::StreamExt as _;
use names::TokenId;
use readmodel::{
    UseRow,
    write::{Database, Lock, UsagePosition, WriteError},
};
use runtime::{Clock, Drain};
use time::OffsetDateTime;
use usage::{Delivered, Outcome, Position, UsageError, Use};

use crate::{backoff::Backoff, intake::chain};

/// Messages in one transaction.
const BATCH_MESSAGES: usize = 64;
/// Between two looks for addresses that are to be forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60 * 60);

/// Why a session has ended; the next one begins at the position.
#[derive(Debug, thiserror::Error)]
enum Over {
    #[error(transparent)]
    Stream(#[from] UsageError),
    #[error(transparent)]
    Database(#[from] WriteError),
    #[error("NATS ended the consumer")]
    Ended,
}

/// Takes uses in until drained.
pub(crate) async fn take_in(db: Database, client: Client, clock: Arc<dyn Clock>, drain: Drain) {
    let _guard = drain.guard();
    let mut backoff = Backoff::new();
    loop {
        let over = tokio::select! {
            () = drain.requested() => return,
            over = session(&db, &client, &*clock, &mut backoff) => over,
        };
        let Err(error) = over;
        tracing::warn!(reason = chain(&error), "the use of tokens is not taken in just now");
        tokio::select! {
            () = drain.requested() => return,
            () = backoff.wait() => {}
        }
    }
}

async fn session(
    db: &Database,
    client: &Client,
    clock: &dyn Clock,
    backoff: &mut Backoff,
) -> Result<std::convert::Infallible, Over> {
    db.migrate().await?;
    let _guard = db.lock(Lock::Usage).await?;
    let known = db.usage_position().await?;
    let following = usage::follow(client, &Position { epoch: known.epoch, seq: known.seq }).await?;
    let mut messages = following.messages.ready_chunks(BATCH_MESSAGES);
    let mut forget = tokio::time::interval(FORGET_EVERY);
    *backoff = Backoff::new();
    loop {
        tokio::select! {
            _ = forget.tick() => {
                let forgotten = db.forget_users(clock.now() - usage::KEPT).await?;
                tracing::debug!(forgotten, "old addresses are forgotten");
            }
            messages = messages.next() => {
                let messages = messages.ok_or(Over::Ended)?;
                let messages = messages.into_iter().collect::<Result<Vec<_>, _>>()?;
                record(db, &following.epoch, messages).await?;
            }
        }
    }
}

async fn record(db: &Database, epoch: &str, messages: Vec<Delivered>) -> Result<(), WriteError> {
    let Some(seq) = messages.iter().map(|message| message.seq).max() else { return Ok(()) };
    let uses = latest(messages.into_iter().flat_map(|message| message.uses));
    db.record_uses(&uses, &UsagePosition { epoch: epoch.to_owned(), seq }).await?;
    metrics::counter!("projector_uses_total").increment(uses.len() as u64);
    Ok(())
}

/// One row for each string, dead or alive: its latest use.
fn latest(uses: impl Iterator<Item = Use>) -> Vec<UseRow> {
    let mut latest: HashMap<(TokenId, u32, bool), UseRow> = HashMap::new();
    for row in uses.map(row) {
        let known = latest.entry((row.token_id, row.string_no, row.alive)).or_insert_with(|| row.clone());
        if known.at < row.at {
            *known = row;
        }
    }
    latest.into_values().collect()
}

fn row(used: Use) -> UseRow {
    UseRow {
        token_id: used.token,
        string_no: used.string_no,
        alive: used.outcome != Outcome::Dead,
        at: micros(used.at),
        address: used.address.map(|address| address.to_string()).unwrap_or_default(),
        client: used.client,
        family: used.family.as_str().into(),
        outcome: used.outcome.as_str().into(),
    }
}

/// As exact as a message and the database are.
fn micros(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(at.microsecond() * 1_000).expect("fewer microseconds than a second has")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;
    use usage::Family;

    fn used(token: u128, string_no: u32, outcome: Outcome, second: i64) -> Use {
        Use {
            token: TokenId(uuid::Uuid::from_u128(token)),
            string_no,
            outcome,
            family: Family::Conda,
            at: datetime!(2026-11-21 12:00 UTC) + time::Duration::seconds(second),
            requests: 1,
            address: Some([192, 0, 2, 1].into()),
            client: "conda/24.9".into(),
        }
    }

    #[test]
    fn of_each_string_dead_or_alive_the_latest_use_is_kept() {
        let uses = [
            used(1, 0, Outcome::Served, 2),
            used(1, 0, Outcome::Refused, 3),
            used(1, 0, Outcome::Failed, 1),
            used(1, 1, Outcome::Served, 1),
            used(1, 0, Outcome::Dead, 9),
            used(2, 0, Outcome::Served, 4),
        ];
        let mut found: Vec<_> = latest(uses.into_iter())
            .into_iter()
            .map(|row| (row.token_id.0.as_u128(), row.string_no, row.alive, row.at.second(), row.outcome))
            .collect();
        found.sort();
        let expected = [
            (1, 0, false, 9, "dead"),
            (1, 0, true, 3, "refused"),
            (1, 1, true, 1, "served"),
            (2, 0, true, 4, "served"),
        ];
        assert_eq!(found, expected.map(|(a, b, c, d, e)| (a, b, c, d, e.to_owned())));
    }
}
