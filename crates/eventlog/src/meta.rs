//! Who decided, and in which request: what every envelope carries beside its events.

use std::sync::Arc;

use proto::event::v1::{Actor, Envelope, Event};

use crate::{AppendError, Log, Message, Stamps, Stream};

/// Who decided, and in which request.
#[derive(Clone)]
pub struct Meta {
    /// The account and token, or the system.
    pub actor: Actor,
    /// As the client was told.
    pub request_id: String,
    /// W3C Trace Context; may be empty.
    pub traceparent: String,
    /// How much of AUTHZ has been applied; asked after each decision, so it is never less than what was decided on.
    pub authz_seq: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Meta {
    /// An envelope of this decision.
    pub fn envelope(&self, stamps: &Stamps, events: Vec<Event>) -> Envelope {
        Envelope {
            event_id: stamps.id().as_bytes().to_vec(),
            time_us: stamps.now_us(),
            actor: Some(self.actor.clone()),
            authz_seq: (self.authz_seq)(),
            request_id: self.request_id.clone(),
            traceparent: self.traceparent.clone(),
            events,
            original_seq: None,
            lease: None,
        }
    }
}

impl std::fmt::Debug for Meta {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Meta({})", self.request_id)
    }
}

/// Appends the events of several aggregates, each `(subject, expected sequence, events)`, all or none.
pub async fn append_all(
    log: &dyn Log,
    stream: Stream,
    stamps: &Stamps,
    meta: &Meta,
    parts: Vec<(String, u64, Vec<Event>)>,
) -> Result<u64, AppendError> {
    let messages = parts
        .into_iter()
        .map(|(subject, expect, events)| Message { subject, expect, envelope: meta.envelope(stamps, events) })
        .collect();
    log.append(stream, messages).await
}
