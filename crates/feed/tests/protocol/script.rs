//! What both sides of the tests are made of.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use feed::client::Upstream;
use feed::server::{Snapshot, Source, Step};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt as _};
use names::{AccountId, TokenId};
use proto::event::v1::event::Event as Stored;
use proto::event::v1::{AccountCreated, AccountKind, Actor, Envelope, Event};
use proto::feed::v1::feed_server::{Feed, FeedServer};
use proto::feed::v1::{
    AccessEvent, AwaitAppliedRequest, ContentChange, FeedItem, FollowerMessage, Hello, Receipt, RenewReply,
    RenewRequest, SnapshotEnd, SnapshotStart, feed_item::Item, follower_message::Message,
};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

/// Generous: a loaded machine is slow, not wrong.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);
pub(crate) const EPOCH: &str = "epoch-1";

pub(crate) fn account(number: u64) -> AccountId {
    AccountId(Uuid::from_u128(u128::from(number)))
}

/// An event that makes one account.
pub(crate) fn event(seq: u64) -> Item {
    let created = AccountCreated {
        account_id: account(seq).to_bytes(),
        kind: AccountKind::Person.into(),
        ..AccountCreated::default()
    };
    let envelope = Envelope {
        event_id: TokenId(Uuid::from_u128(u128::from(seq))).to_bytes(),
        actor: Some(Actor { system: "test".into(), ..Actor::default() }),
        events: vec![Event { event: Some(Stored::AccountCreated(created)) }],
        ..Envelope::default()
    };
    Item::AccessEvent(AccessEvent { seq, envelope: Some(envelope) })
}

pub(crate) fn change(seq: u64, name: &str, authz_seq: u64) -> Item {
    Item::ContentChange(ContentChange { seq, name: name.into(), authz_seq, ..ContentChange::default() })
}

pub(crate) fn snapshot(epoch: &str, seq: u64) -> [Item; 2] {
    [
        Item::SnapshotStart(SnapshotStart { epoch: epoch.into(), seq, entries: 0 }),
        Item::SnapshotEnd(SnapshotEnd { entries: 0 }),
    ]
}

pub(crate) async fn serve<F: Feed>(service: FeedServer<F>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let server = Server::builder().add_service(service).serve_with_incoming(TcpIncoming::from(listener));
    tokio::spawn(server);
    addr
}

pub(crate) fn upstream(addr: SocketAddr, follower: &str) -> Upstream {
    let channel = Upstream::channel(&format!("http://{addr}")).unwrap();
    Upstream::new(channel, "a-credential", follower, Uuid::from_u128(1))
}

/// A server that says on each connection what it was told to, then keeps it open if it is the last.
#[derive(Clone)]
pub(crate) struct Script {
    connections: Arc<Mutex<VecDeque<Vec<Item>>>>,
    hellos: mpsc::UnboundedSender<Hello>,
    applied: watch::Sender<u64>,
}

impl Script {
    pub(crate) fn new(
        connections: impl IntoIterator<Item = Vec<Item>>,
    ) -> (Self, mpsc::UnboundedReceiver<Hello>, watch::Receiver<u64>) {
        let (hellos, heard) = mpsc::unbounded_channel();
        let (applied, reports) = watch::channel(0);
        let connections = Arc::new(Mutex::new(connections.into_iter().collect()));
        (Self { connections, hellos, applied }, heard, reports)
    }
}

type Items = Pin<Box<dyn Stream<Item = Result<FeedItem, Status>> + Send>>;

#[tonic::async_trait]
impl Feed for Script {
    type FollowStream = Items;

    async fn follow(&self, request: Request<Streaming<FollowerMessage>>) -> Result<Response<Items>, Status> {
        let mut heard = request.into_inner();
        let Some(Message::Hello(hello)) = heard.message().await?.unwrap().message else {
            panic!("the first message is Hello");
        };
        self.hellos.send(hello).unwrap();
        let (items, last) = {
            let mut connections = self.connections.lock().unwrap();
            (connections.pop_front().unwrap_or_default(), connections.is_empty())
        };
        let applied = self.applied.clone();
        let reports = tokio::spawn(async move {
            while let Ok(Some(message)) = heard.message().await {
                if let Some(Message::Applied(report)) = message.message {
                    applied.send_replace(report.seq);
                }
            }
        });
        let items = futures::stream::iter(items.into_iter().map(|item| Ok(FeedItem { item: Some(item) })));
        if !last {
            return Ok(Response::new(Box::pin(items)));
        }
        let open = futures::stream::once(async move {
            drop(reports.await);
            Err(Status::unavailable("the follower has left"))
        });
        Ok(Response::new(Box::pin(items.chain(open))))
    }

    async fn await_applied(&self, _: Request<AwaitAppliedRequest>) -> Result<Response<Receipt>, Status> {
        Err(Status::unimplemented("not in this test"))
    }

    async fn renew(&self, _: Request<RenewRequest>) -> Result<Response<RenewReply>, Status> {
        Err(Status::unimplemented("not in this test"))
    }
}

/// A log that grows as the test says.
#[derive(Clone)]
pub(crate) struct Growing {
    pub(crate) last: watch::Sender<u64>,
    /// How many changes stand at each sequence; none makes a barrier of it.
    pub(crate) changes: usize,
    /// Where followers have to begin anew.
    pub(crate) anew: Option<u64>,
}

#[tonic::async_trait]
impl Source for Growing {
    fn epoch(&self) -> String {
        EPOCH.into()
    }

    async fn snapshot(&self, _at_least: u64) -> Result<Arc<Snapshot>, Status> {
        Ok(Arc::new(Snapshot { seq: *self.last.borrow(), ..Snapshot::default() }))
    }

    fn tail(&self, from: u64) -> BoxStream<'static, Result<Step, Status>> {
        let (last, changes, anew) = (self.last.subscribe(), self.changes, self.anew);
        Box::pin(futures::stream::unfold((from, last), move |(seq, mut last)| async move {
            last.wait_for(|last| *last >= seq).await.ok()?;
            let items = (0..changes).map(|number| change(seq, &format!("package-{number}"), 0)).collect();
            Some((Ok(Step { seq, items, anew: anew == Some(seq) }), (seq + 1, last)))
        }))
    }

    async fn reach(&self, seq: u64, limit: Duration) -> bool {
        let mut last = self.last.subscribe();
        let reached = tokio::time::timeout(limit, last.wait_for(|last| *last >= seq)).await;
        reached.is_ok_and(|reached| reached.is_ok())
    }
}
