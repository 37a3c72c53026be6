//! The log for auditors: what is wanted of it, in order, and where a subscriber may go on.

use std::sync::Arc;

use futures::{StreamExt as _, stream, stream::BoxStream};
use proto::events::v1::SubscribeRequest;
use time::{Duration, OffsetDateTime};

use crate::{Log, LogError, Record, Selection, Stream};

/// Unwanted messages in a row after which a subscriber is told how far the log was looked through.
pub const BOOKMARK_EVERY: usize = 1_000;
/// How far the clock of whoever decided may be ahead of the log's: what was decided at a time is looked for from so
/// long before it.
const CLOCK_SLACK: Duration = Duration::minutes(5);

/// What a subscriber hears.
#[derive(Debug)]
pub enum Told {
    /// A decision that is wanted.
    Record(Box<Record>),
    /// Nothing up to here that is wanted is left to come.
    Bookmark(u64),
}

/// Why there is no subscription.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// The request cannot be meant.
    #[error("{0}")]
    Invalid(String),
    /// The position belongs to another log.
    #[error(
        "the log was replaced: the position belongs to epoch {known}, this log is {found}; begin again without a position"
    )]
    OtherEpoch {
        /// The subscriber's.
        known: String,
        /// This log's.
        found: String,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Follows what a subscriber wants. It ends at what was the end of the log when it was asked for, if that is wanted,
/// and otherwise only with an error.
pub async fn subscribe(
    log: &Arc<dyn Log>,
    of: Stream,
    request: &SubscribeRequest,
) -> Result<BoxStream<'static, Result<Told, LogError>>, SubscribeError> {
    let selection = Selection::parse(request).map_err(SubscribeError::Invalid)?;
    let found = log.epoch(of);
    if !request.epoch.is_empty() && request.epoch != found {
        return Err(SubscribeError::OtherEpoch { known: request.epoch.clone(), found });
    }
    let mut from = request.from_seq.max(1);
    if let Some(time_us) = request.from_time_us {
        from = from.max(log.since(of, moment(time_us)? - CLOCK_SLACK).await?);
    }
    let until = if request.until_now { Some(log.barrier(of).await?) } else { None };
    if until.is_some_and(|until| from > until) {
        return Ok(stream::empty().boxed());
    }
    let telling = Telling { records: log.tail(of, from), selection, until, skipped: 0, ended: false };
    Ok(stream::unfold(telling, Telling::next).boxed())
}

fn moment(time_us: i64) -> Result<OffsetDateTime, SubscribeError> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(time_us) * 1_000)
        .ok()
        .filter(|time| time.year() > 1)
        .ok_or_else(|| SubscribeError::Invalid(format!("{time_us} us since 1970 is beyond the calendar")))
}

struct Telling {
    records: BoxStream<'static, Result<Record, LogError>>,
    selection: Selection,
    /// The last sequence wanted.
    until: Option<u64>,
    skipped: usize,
    ended: bool,
}

impl Telling {
    /// The next thing to tell, and what is left.
    async fn next(mut self) -> Option<(Result<Told, LogError>, Self)> {
        while !self.ended {
            let record = match self.records.next().await {
                Some(Ok(record)) => record,
                // Nothing in it is believed, and nobody is told of it.
                Some(Err(LogError::BadSignature { stream: Stream::Catalog, seq, .. })) => {
                    self.ended = self.until.is_some_and(|until| seq >= until);
                    continue;
                }
                Some(Err(error)) => return self.end(error),
                None => return self.end(LogError::Unavailable("the event log has ended".into())),
            };
            let seq = record.seq;
            self.ended = self.until.is_some_and(|until| seq >= until);
            if !record.is_barrier() && self.selection.takes(&record) {
                self.skipped = 0;
                return Some((Ok(Told::Record(Box::new(record))), self));
            }
            self.skipped += 1;
            if !self.selection.is_everything() && (self.ended || self.skipped >= BOOKMARK_EVERY) {
                self.skipped = 0;
                return Some((Ok(Told::Bookmark(seq)), self));
            }
        }
        None
    }

    fn end(mut self, error: LogError) -> Option<(Result<Told, LogError>, Self)> {
        self.ended = true;
        Some((Err(error), self))
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use proto::event::v1::{ChannelDeleted, Envelope, Event, event};

    use super::*;
    use crate::{Memory, MemoryOptions, Message, Stamps};

    #[tokio::test]
    async fn after_a_thousand_unwanted_messages_a_bookmark_says_so() {
        let stamps = Stamps::new(|| uuid::Uuid::from_u128(7), || OffsetDateTime::UNIX_EPOCH);
        let log: Arc<dyn Log> = Arc::new(Memory::new(stamps, MemoryOptions::default()));
        let deleted = Event { event: Some(event::Event::ChannelDeleted(ChannelDeleted::default())) };
        for number in 1..BOOKMARK_EVERY as u64 {
            let event_id = u128::from(number).to_be_bytes().to_vec();
            let envelope = Envelope { event_id, events: vec![deleted.clone()], ..Envelope::default() };
            let message = Message { subject: format!("evt.access.{number}"), expect: 0, envelope };
            log.append(Stream::Authz, vec![message]).await.unwrap();
        }
        let kinds = vec!["TokenRevoked".into()];
        let request = SubscribeRequest { kinds, until_now: true, ..SubscribeRequest::default() };
        let told = async || -> Vec<Told> {
            subscribe(&log, Stream::Authz, &request).await.unwrap().try_collect().await.unwrap()
        };
        // The barrier that ends the first is the thousandth message, and the second has one more.
        assert!(matches!(told().await[..], [Told::Bookmark(1_000)]));
        assert!(matches!(told().await[..], [Told::Bookmark(1_000), Told::Bookmark(1_001)]));
    }
}
