//! Service `latchkey.events.v1.Events` over CATALOG, for auditors.

use std::pin::Pin;
use std::sync::Arc;

use access::{Action, Credential, Object};
use eventlog::{Log, Stream};
use futures::{StreamExt, future};
use proto::events::v1::events_server::{Events, EventsServer};
use proto::events::v1::{Recorded, SubscribeRequest};
use runtime::grpc::MAX_MESSAGE_BYTES;
use runtime::{Drain, Failure};
use tonic::{Request, Response, Status};

use super::credential;
use crate::app::Catalog;

type Records = Pin<Box<dyn futures::Stream<Item = Result<Recorded, Status>> + Send>>;

/// The API over the log. CATALOG holds no personal data, so nothing is left out of it.
pub struct EventsApi {
    pub log: Arc<dyn Log>,
    pub catalog: Arc<Catalog>,
    pub drain: Drain,
}

impl EventsApi {
    /// Ready to be added to a server.
    pub fn into_server(self) -> EventsServer<Self> {
        EventsServer::new(self).max_decoding_message_size(MAX_MESSAGE_BYTES)
    }
}

#[tonic::async_trait]
impl Events for EventsApi {
    type SubscribeStream = Records;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Records>, Status> {
        let credential = credential(request.metadata());
        let request = request.into_inner();
        allowed(&self.catalog, &credential)?;
        let end = match request.until_now {
            true => Some(self.log.barrier(Stream::Catalog).await.map_err(Failure::internal)?),
            false => None,
        };
        let catalog = self.catalog.clone();
        let records = self.log.tail(Stream::Catalog, request.from_seq.max(1));
        let records = records.take_while(move |record| {
            // The barrier itself is the end: everything acknowledged before the call stands before it.
            let more = !matches!((record, end), (Ok(record), Some(end)) if record.seq >= end);
            future::ready(more)
        });
        let records =
            records.filter(|record| future::ready(!record.as_ref().is_ok_and(eventlog::Record::is_barrier)));
        let records = records.map(move |record| {
            let record = record.map_err(Failure::internal)?;
            // A stream outlives many changes of access, so each message is a request of its own.
            allowed(&catalog, &credential)?;
            let (seq, subject, envelope) = (record.seq, record.subject, Some(record.envelope));
            Ok(Recorded { seq, subject, envelope, void: false })
        });
        // After the first error nothing follows.
        let records = records.scan(false, |ended, record| {
            let item = (!*ended).then_some(record);
            *ended |= item.as_ref().is_some_and(Result::is_err);
            future::ready(item)
        });
        // Without an end of its own a subscription would hold up the drain.
        Ok(Response::new(Box::pin(records.take_until(self.drain.requested()))))
    }
}

fn allowed(catalog: &Catalog, credential: &Credential) -> Result<(), Failure> {
    catalog.may(credential, Action::EventsSubscribe, &Object::Server)
}
