//! Service `latchkey.events.v1.Events` over CATALOG, for auditors.

use std::pin::Pin;
use std::sync::Arc;

use access::{Action, Credential, Object};
use eventlog::{Log, LogError, Stream, SubscribeError, Told};
use futures::{StreamExt, future};
use proto::events::v1::events_server::{Events, EventsServer};
use proto::events::v1::{Recorded, SubscribeRequest};
use runtime::grpc::MAX_MESSAGE_BYTES;
use runtime::{Code, Drain, Failure};
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
        allowed(&self.catalog, &credential).await?;
        let told = eventlog::subscribe(&self.log, Stream::Catalog, &request.into_inner()).await;
        let (catalog, epoch) = (self.catalog.clone(), self.log.epoch(Stream::Catalog));
        let records = told.map_err(unsubscribed)?.then(move |told| {
            let (catalog, epoch) = (catalog.clone(), epoch.clone());
            async move {
                let told = told.map_err(broken_off)?;
                // A stream outlives many changes of access, so each message is a request of its own.
                allowed(&catalog, &credential).await?;
                Ok(recorded(told, epoch))
            }
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

fn recorded(told: Told, epoch: String) -> Recorded {
    match told {
        Told::Bookmark(seq) => Recorded { seq, epoch, ..Recorded::default() },
        Told::Record(record) => {
            let (seq, subject, envelope) = (record.seq, record.subject, Some(record.envelope));
            Recorded { seq, subject, envelope, void: false, epoch }
        }
    }
}

fn unsubscribed(error: SubscribeError) -> Failure {
    match error {
        SubscribeError::Invalid(_) => Failure::new(Code::Invalid, error.to_string()),
        SubscribeError::OtherEpoch { .. } => Failure::new(Code::Conflict, error.to_string()),
        SubscribeError::Log(error) => broken_off(error),
    }
}

/// A position that this log has never had is the subscriber's to mend; everything else passes, or is ours.
fn broken_off(error: LogError) -> Failure {
    match error {
        LogError::Unfit(_) | LogError::WrongEpoch { .. } => {
            Failure::new(Code::Conflict, error.to_string()).because(error)
        }
        LogError::Unavailable(_) | LogError::ReadOnly => {
            Failure::unavailable("the event log cannot be read here: connect again in a moment")
                .because(error)
        }
        LogError::BadSignature { .. } | LogError::Undecodable { .. } => Failure::internal(error),
    }
}

async fn allowed(catalog: &Catalog, credential: &Credential) -> Result<(), Failure> {
    catalog.until_leased().await;
    catalog.may(credential, Action::EventsSubscribe, &Object::Server)
}
