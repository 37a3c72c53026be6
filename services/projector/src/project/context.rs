//! What an envelope says about all of its events.

use names::{AccountId, ChannelId, EventId, TokenId};
use proto::event::v1::Envelope;
use readmodel::HistoryRow;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::{Entry, Folded};

/// Who decided what, when and where, in types.
pub(crate) struct Context<'e> {
    pub(crate) stream: readmodel::Stream,
    pub(crate) subject: &'e str,
    /// The position in the log it was first appended to.
    pub(crate) seq: u64,
    pub(crate) event_id: EventId,
    pub(crate) at: OffsetDateTime,
    pub(crate) authz_seq: u64,
    actor_account: Option<AccountId>,
    actor_token: Option<TokenId>,
    actor_system: String,
}

impl<'e> Context<'e> {
    pub(crate) fn of(entry: &'e Entry) -> Folded<Self> {
        let envelope: &Envelope = &entry.record.envelope;
        let actor = envelope.actor.clone().unwrap_or_default();
        Ok(Self {
            stream: stream_of(entry.stream),
            subject: &entry.record.subject,
            seq: envelope.original_seq.unwrap_or(entry.record.seq),
            event_id: EventId::from_bytes(&envelope.event_id).map_err(|error| error.to_string())?,
            at: instant(envelope.time_us),
            authz_seq: envelope.authz_seq,
            actor_account: optional(&actor.account_id, AccountId::from_bytes)?,
            actor_token: optional(&actor.token_id, TokenId::from_bytes)?,
            actor_system: text(&actor.system),
        })
    }

    /// The event as a line of a channel's history.
    pub(crate) fn history(
        &self,
        channel_id: ChannelId,
        part: i32,
        event: &str,
        summary: &Value,
    ) -> HistoryRow {
        HistoryRow {
            channel_id,
            stream: self.stream.as_str().into(),
            seq: self.seq,
            part,
            at: self.at,
            actor_account: self.actor_account,
            actor_token: self.actor_token,
            actor_system: self.actor_system.clone(),
            event: event.into(),
            summary_json: summary.to_string(),
        }
    }
}

/// What changed. Keys are given in order, so the text is the same whether or not JSON objects keep an order.
pub(crate) fn change(before: Option<Value>, after: Option<Value>) -> Value {
    match (before, after) {
        (Some(before), Some(after)) => json!({ "after": after, "before": before }),
        (None, Some(after)) => json!({ "after": after }),
        (Some(before), None) => json!({ "before": before }),
        (None, None) => json!({}),
    }
}

/// An id that may be left out.
pub(crate) fn optional<T, E: ToString>(
    bytes: &[u8],
    read: impl Fn(&[u8]) -> Result<T, E>,
) -> Folded<Option<T>> {
    if bytes.is_empty() { Ok(None) } else { read(bytes).map(Some).map_err(|error| error.to_string()) }
}

/// Postgres takes every character but NUL. Nobody may stop a projection by sending one.
pub(crate) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// A time out of the range of Postgres is as early or as late as can be.
pub(crate) fn instant(micros: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros.max(0)) * 1_000)
        .unwrap_or(time::macros::datetime!(9999-12-31 23:59:59 UTC))
}

/// The same stream in the words of the read models.
pub(crate) fn stream_of(stream: eventlog::Stream) -> readmodel::Stream {
    match stream {
        eventlog::Stream::Authz => readmodel::Stream::Authz,
        eventlog::Stream::Catalog => readmodel::Stream::Catalog,
    }
}
