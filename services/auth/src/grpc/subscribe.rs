//! `latchkey.events.v1.Events` for AUTHZ: the log for auditors, without personal fields and secret hashes.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use access::{Action, Object};
use eventlog::{Log, LogError, Record, Stream, SubscribeError, Told};
use feed::client::AccessView;
use futures::{Stream as Items, StreamExt as _};
use proto::events::v1::events_server::{Events, EventsServer};
use proto::events::v1::{Recorded, SubscribeRequest};
use runtime::{Code, Drain, Failure};
use tokio::sync::{Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::app::App;
use crate::call::Call;
use crate::events;
use crate::source::unreadable;

/// Subscriptions at a time.
const MAX_SUBSCRIPTIONS: usize = 64;
/// Events waiting for one subscriber; what does not fit waits in the log.
const BUFFERED_EVENTS: usize = 64;
/// A subscriber that takes nothing for this long is cut off.
const LAG_LIMIT: Duration = Duration::from_secs(30);

/// The service.
pub struct Audit {
    app: Arc<App>,
    log: Arc<dyn Log>,
    view: AccessView,
    drain: Drain,
    places: Arc<Semaphore>,
}

impl Audit {
    /// Ready to be added to a server.
    pub fn server(app: Arc<App>, log: Arc<dyn Log>, view: AccessView, drain: Drain) -> EventsServer<Self> {
        EventsServer::new(Self { app, log, view, drain, places: Arc::new(Semaphore::new(MAX_SUBSCRIPTIONS)) })
    }
}

type Answers = Pin<Box<dyn Items<Item = Result<Recorded, Status>> + Send>>;

#[tonic::async_trait]
impl Events for Audit {
    type SubscribeStream = Answers;

    async fn subscribe(&self, request: Request<SubscribeRequest>) -> Result<Response<Answers>, Status> {
        let call = Call::of(request.metadata());
        self.app.until_leased().await;
        self.app.allow(&call, Action::EventsSubscribe, &Object::Server)?;
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            Status::resource_exhausted(format!("{MAX_SUBSCRIPTIONS} are subscribed, which is the limit"))
        })?;
        let told = eventlog::subscribe(&self.log, Stream::Authz, &request.into_inner()).await;
        let told = told.map_err(unsubscribed)?;
        let (sender, answers) = mpsc::channel(BUFFERED_EVENTS);
        let telling = Telling {
            app: self.app.clone(),
            view: self.view.clone(),
            call,
            epoch: self.log.epoch(Stream::Authz),
            sender: sender.clone(),
        };
        let drained = self.drain.requested();
        tokio::spawn(async move {
            let _place = place;
            let ended = tokio::select! {
                ended = telling.tell(told) => ended,
                () = drained => Err(Status::unavailable("this server is stopping; subscribe again")),
            };
            if let Err(status) = ended {
                // A subscriber that is gone or takes nothing misses the reason.
                drop(sender.try_send(Err(status)));
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(answers))))
    }
}

struct Telling {
    app: Arc<App>,
    view: AccessView,
    call: Call,
    epoch: String,
    sender: mpsc::Sender<Result<Recorded, Status>>,
}

impl Telling {
    async fn tell<T>(&self, mut told: T) -> Result<(), Status>
    where
        T: Items<Item = Result<Told, LogError>> + Unpin,
    {
        let mut applied = self.view.subscribe();
        loop {
            let told = tokio::select! {
                told = told.next() => told,
                // The credential may have died while nothing was to be told.
                _ = applied.changed() => {
                    self.still_allowed().await?;
                    continue;
                }
                () = self.sender.closed() => return Ok(()),
            };
            let Some(told) = told else { return Ok(()) };
            let recorded = match told.map_err(broken_off)? {
                Told::Record(record) => self.recorded(*record).await?,
                Told::Bookmark(seq) => Recorded { seq, epoch: self.epoch.clone(), ..Recorded::default() },
            };
            self.still_allowed().await?;
            self.send(recorded).await?;
        }
    }

    async fn recorded(&self, record: Record) -> Result<Recorded, Status> {
        let reached = self.view.wait_for(record.seq, LAG_LIMIT).await;
        reached.map_err(|behind| Status::unavailable(behind.to_string()))?;
        Ok(Recorded {
            seq: record.seq,
            void: self.view.read(|table| table.is_void(record.place())),
            subject: record.subject,
            envelope: Some(events::for_auditors(record.envelope)),
            epoch: self.epoch.clone(),
        })
    }

    async fn send(&self, recorded: Recorded) -> Result<(), Status> {
        match tokio::time::timeout(LAG_LIMIT, self.sender.send(Ok(recorded))).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Status::resource_exhausted("nothing was read for a while; subscribe again")),
        }
    }

    async fn still_allowed(&self) -> Result<(), Failure> {
        self.app.until_leased().await;
        self.app.allow(&self.call, Action::EventsSubscribe, &Object::Server).map(drop)
    }
}

fn unsubscribed(error: SubscribeError) -> Status {
    match error {
        SubscribeError::Invalid(_) => Failure::new(Code::Invalid, error.to_string()).into(),
        SubscribeError::OtherEpoch { .. } => Failure::new(Code::Conflict, error.to_string()).into(),
        SubscribeError::Log(error) => broken_off(error),
    }
}

/// A position that this log has never had is the subscriber's to mend; everything else passes, or is ours.
fn broken_off(error: LogError) -> Status {
    match error {
        LogError::Unfit(_) | LogError::WrongEpoch { .. } => {
            Failure::new(Code::Conflict, error.to_string()).because(error).into()
        }
        LogError::Unavailable(_)
        | LogError::BadSignature { .. }
        | LogError::Undecodable { .. }
        | LogError::ReadOnly => unreadable(error),
    }
}
