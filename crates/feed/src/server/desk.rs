//! G2, the other side: gathers asks for leases, and leaves, and appends them as one event.

use std::sync::Arc;
use std::time::Duration;

use eventlog::Log;
use proto::event::v1::{Lease, LeaseGranted, LeaseLeft};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use crate::lease::expires_after;

/// Asks that come within this time of an event are gathered for the next; the first after a pause goes at once.
const GATHER: Duration = Duration::from_millis(250);
/// Asks and leaves that wait at a time; they fit into one event.
const MAX_WAITING: usize = 1_000;

type Answer = oneshot::Sender<Result<u64, Status>>;

enum Wish {
    Grant(LeaseGranted, Answer),
    Leave(LeaseLeft, Answer),
}

/// Where wishes are left. Clones are the same desk.
#[derive(Debug, Clone)]
pub struct Desk(mpsc::Sender<Wish>);

impl Desk {
    /// Appends to this log what is wished for, in leases of this length.
    pub fn open(log: Arc<dyn Log>, length: Duration) -> Self {
        let (wishes, taken) = mpsc::channel(MAX_WAITING);
        tokio::spawn(serve(log, length, taken));
        Self(wishes)
    }

    /// Returns where the grant stands.
    pub async fn grant(&self, granted: LeaseGranted) -> Result<u64, Status> {
        self.wish(|answer| Wish::Grant(granted, answer)).await
    }

    /// Returns where the leave stands.
    pub async fn leave(&self, left: LeaseLeft) -> Result<u64, Status> {
        self.wish(|answer| Wish::Leave(left, answer)).await
    }

    async fn wish(&self, wish: impl FnOnce(Answer) -> Wish) -> Result<u64, Status> {
        let (answer, answered) = oneshot::channel();
        self.0.try_send(wish(answer)).map_err(|_full| {
            Status::resource_exhausted(format!("{MAX_WAITING} asks for leases wait already"))
        })?;
        answered.await.unwrap_or_else(|_gone| Err(Status::unavailable("this server is stopping")))
    }
}

async fn serve(log: Arc<dyn Log>, length: Duration, mut wishes: mpsc::Receiver<Wish>) {
    let mut not_before = Instant::now();
    let mut taken = Vec::new();
    loop {
        if wishes.recv_many(&mut taken, MAX_WAITING).await == 0 {
            return;
        }
        sleep_until(not_before).await;
        while taken.len() < MAX_WAITING
            && let Ok(wish) = wishes.try_recv()
        {
            taken.push(wish);
        }
        not_before = Instant::now() + GATHER;
        append(&*log, length, &mut taken).await;
    }
}

async fn append(log: &dyn Log, length: Duration, taken: &mut Vec<Wish>) {
    let length_ms = u32::try_from(length.as_millis()).unwrap_or(u32::MAX);
    let mut lease = Lease { length_ms, ..Lease::default() };
    let mut answers = Vec::new();
    for wish in taken.drain(..) {
        match wish {
            // Whoever does not wait any more has asked anew.
            Wish::Grant(_, answer) if answer.is_closed() => {}
            Wish::Grant(granted, answer) => {
                lease.granted.push(granted);
                answers.push(answer);
            }
            Wish::Leave(left, answer) => {
                lease.left.push(left);
                answers.push(answer);
            }
        }
    }
    if answers.is_empty() {
        return;
    }
    let public = lease.granted.iter().map(|granted| granted.public_ms).max().unwrap_or_default();
    let public = Duration::from_millis(public.into());
    let appended = log.lease(lease, expires_after(length, public)).await;
    let appended =
        appended.map_err(|error| Status::unavailable(format!("the lease is not recorded: {error}")));
    for answer in answers {
        // Who asked may have gone.
        drop(answer.send(appended.clone()));
    }
}
