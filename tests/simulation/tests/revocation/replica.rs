//! A replica of auth: its fold, its feed, its receipts, and the lines to the other replicas.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use access::Service;
use auth::receipt::{Change, Receipts};
use auth::source::Authz;
use eventlog::{AppendError, Log, Message, Stream};
use feed::client::AccessView;
use feed::lease::LENGTH;
use feed::server::{Desk, FeedService, Holders, Leased, Report, Snapshots};
use proto::event::v1::TokenRevoked;
use proto::event::v1::event::Event as Stored;
use tokio::sync::mpsc;
use tonic::transport::Server;
use turmoil::net::{TcpListener, UdpSocket};
use uuid::Uuid;

use crate::net::{PORT, incoming};
use crate::world::{REPLICAS, World, envelope};

/// Where replicas tell each other of reports, as over core NATS: unordered, and without a promise.
const RELAY_PORT: u16 = 4222;
/// How long a Revoke waits: longer than any lease.
const LIMIT: Duration = Duration::from_secs(20);
/// Between two tries of a caller that was told `unavailable`.
const RETRY: Duration = Duration::from_millis(200);

/// One life of a replica.
pub(crate) async fn run(world: Arc<World>, number: usize) -> turmoil::Result {
    let clocks = world.clocks(number as u64);
    let log: Arc<dyn Log> = Arc::new(world.line(number));
    let view = AccessView::new(HashMap::new());
    view.open(&log.epoch(Stream::Authz))?;
    let holders = Holders::new(clocks);
    let end = loop {
        match log.barrier(Stream::Authz).await {
            Ok(end) => break end,
            Err(_away) => tokio::time::sleep(RETRY).await,
        }
    };
    auth::fold::replay(&log, &view, &holders, end).await?;
    let mut folding = tokio::spawn(auth::fold::follow(log.clone(), view.clone(), holders.clone()));
    view.mark_ready();
    let tell = relay(number, holders.clone()).await?;
    let leased = Leased::new(holders, Desk::open(log.clone(), LENGTH), LENGTH, Arc::new(tell));
    let receipts = Arc::new(Receipts::new(view.clone(), leased.clone()));
    let source = Arc::new(Authz { log: log.clone(), view, snapshots: Snapshots::default() });
    let service = FeedService::new(source, leased, Arc::new(|_, _| Ok(Service::Gateway)), || {
        Box::pin(std::future::pending())
    });
    let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
    let server = Server::builder().add_service(service.into_server());
    let mut serving = tokio::spawn(server.serve_with_incoming(incoming(listener)));
    let mut orders = world.taken[number].lock().await;
    loop {
        tokio::select! {
            stopped = &mut folding => return Err(format!("the fold has stopped: {stopped:?}").into()),
            ended = &mut serving => return Err(format!("the server has ended: {ended:?}").into()),
            Some(token) = orders.recv() => {
                tokio::spawn(revoke(world.clone(), log.clone(), receipts.clone(), token));
            }
        }
    }
}

/// A caller that wants a token revoked, and asks again until it is.
async fn revoke(world: Arc<World>, log: Arc<dyn Log>, receipts: Arc<Receipts>, token: usize) {
    let dead = &world.tokens[token];
    let seq = loop {
        let revoked =
            Stored::TokenRevoked(TokenRevoked { token_id: dead.id.to_bytes(), ..TokenRevoked::default() });
        let envelope = envelope(world.incarnation(), revoked);
        let message = Message { subject: dead.subject.clone(), expect: dead.issued_at, envelope };
        match log.append(Stream::Authz, vec![message]).await {
            Ok(seq) => break seq,
            // An earlier try has done it: the subject's last sequence is what the receipt is for.
            Err(AppendError::Conflict { .. }) => {
                if let Ok(records) = log.read(Stream::Authz, &dead.subject, dead.issued_at, 0).await
                    && let Some(last) = records.last()
                {
                    break last.seq;
                }
            }
            Err(AppendError::Full | AppendError::TooLarge { .. } | AppendError::Unavailable(_)) => {}
        }
        tokio::time::sleep(RETRY).await;
    };
    let receipt = receipts.take(seq, Change::Restricts, LIMIT).await;
    if receipt.silent.is_empty() {
        world.returned(token, &receipt);
    }
}

/// Listens to the other replicas, and gives what tells them.
async fn relay(number: usize, holders: Holders) -> turmoil::Result<impl Fn(Report) + Send + Sync + 'static> {
    let socket = Arc::new(UdpSocket::bind(("0.0.0.0", RELAY_PORT)).await?);
    let heard = socket.clone();
    tokio::spawn(async move {
        let mut buffer = [0; 256];
        while let Ok((length, _)) = heard.recv_from(&mut buffer).await {
            if let Some(report) = parse(&buffer[..length]) {
                holders.heard(&report.name, report.incarnation, report.applied);
            }
        }
    });
    let (reports, mut told) = mpsc::unbounded_channel::<Report>();
    tokio::spawn(async move {
        while let Some(Report { name, incarnation, applied, left: _ }) = told.recv().await {
            let text = format!("{name} {incarnation} {applied}");
            for other in (0..REPLICAS).filter(|other| *other != number) {
                // A lost one costs time, not safety.
                drop(socket.send_to(text.as_bytes(), (format!("auth-{other}"), RELAY_PORT)).await);
            }
        }
    });
    Ok(move |report| drop(reports.send(report)))
}

fn parse(bytes: &[u8]) -> Option<Report> {
    let mut words = std::str::from_utf8(bytes).ok()?.split(' ');
    let (name, incarnation, applied) = (words.next()?, words.next()?, words.next()?);
    Some(Report::of(name, Uuid::parse_str(incarnation).ok()?, applied.parse().ok()?))
}
