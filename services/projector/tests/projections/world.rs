//! A log in memory, a real Postgres, and a projector between them.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use eventlog::{Log, Memory, MemoryOptions, Message, Stamps, Stream};
use projector::{Database, Following, Habits, Report, Restored, Stop};
use proto::event::v1::{Actor, Envelope, Event as Part, event::Event};
use readmodel::{Reader, write::Beat};
use runtime::Drain;
use servers::{Postgres, PostgresOptions};
use time::macros::datetime;
use uuid::Uuid;

use crate::events::system;

pub(crate) const SOON: Duration = Duration::from_secs(20);
/// So often log and ledger are compared in tests that wait for it; in the others never, as it appends barriers.
pub(crate) const CHECK_EVERY: Duration = Duration::from_millis(100);
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// What every projector of these tests does beside following.
pub(crate) fn habits(check_every: Duration) -> Habits {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let incarnation = Uuid::from_u128(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)));
    Habits { beat: Beat { incarnation, name: "projector".into(), version: "test".into() }, check_every }
}

/// Ids and times for envelopes and barriers.
pub(crate) fn stamps() -> Stamps {
    let next = Arc::new(AtomicU64::new(1));
    let id = move || Uuid::from_u128(u128::from(next.fetch_add(1, Ordering::Relaxed)) | 7 << 76);
    Stamps::new(id, || datetime!(2026-11-21 12:00 UTC))
}

/// Appends with the right expectation, for a log that nobody else writes.
pub(crate) struct Writer {
    pub(crate) log: Arc<dyn Log>,
    lasts: HashMap<(Stream, String), u64>,
    next_id: u128,
    pub(crate) ends: HashMap<Stream, u64>,
}

impl Writer {
    pub(crate) fn new(log: Arc<dyn Log>) -> Self {
        Self { log, lasts: HashMap::new(), next_id: 1 << 100, ends: HashMap::new() }
    }

    pub(crate) fn end(&self, stream: Stream) -> u64 {
        self.ends.get(&stream).copied().unwrap_or_default()
    }

    /// Somebody else has put something back.
    pub(crate) fn moved(&mut self, restored: &Restored) {
        let seq = restored.seq.unwrap();
        self.lasts.insert((restored.stream, restored.subject.clone()), seq);
        self.ends.insert(restored.stream, seq);
    }

    /// Appends one event decided by the system.
    pub(crate) async fn append(&mut self, (subject, event): (String, Event)) -> u64 {
        self.append_by(system(), (subject, event)).await
    }

    pub(crate) async fn append_by(&mut self, actor: Actor, (subject, event): (String, Event)) -> u64 {
        let authz_seq = self.end(Stream::Authz);
        let envelope = self.envelope(actor, authz_seq, vec![event]);
        self.append_envelope(subject, envelope).await
    }

    pub(crate) fn envelope(&mut self, actor: Actor, authz_seq: u64, events: Vec<Event>) -> Envelope {
        self.next_id += 1;
        let events: Vec<Part> = events.into_iter().map(|event| Part { event: Some(event) }).collect();
        Envelope {
            event_id: Uuid::from_u128(self.next_id).as_bytes().to_vec(),
            time_us: 1_700_000_000_000_000 + i64::try_from(self.next_id & 0xffff).unwrap(),
            actor: Some(actor),
            authz_seq,
            events,
            ..Envelope::default()
        }
    }

    pub(crate) async fn append_envelope(&mut self, subject: String, envelope: Envelope) -> u64 {
        let stream = if subject.starts_with("evt.catalog.") { Stream::Catalog } else { Stream::Authz };
        let expect = self.lasts.get(&(stream, subject.clone())).copied().unwrap_or_default();
        let message = Message { subject: subject.clone(), expect, envelope };
        let seq = loop {
            // A server that was killed is away for a moment.
            match self.log.append(stream, vec![message.clone()]).await {
                Ok(seq) => break seq,
                Err(eventlog::AppendError::Unavailable(_)) => tokio::task::yield_now().await,
                Err(error) => panic!("{error:?}"),
            }
        };
        self.lasts.insert((stream, subject), seq);
        self.ends.insert(stream, seq);
        seq
    }
}

pub(crate) struct World {
    _dir: tempfile::TempDir,
    pub(crate) postgres: Postgres,
    pub(crate) db: Database,
    pub(crate) reader: Reader,
    pub(crate) memory: Memory,
    pub(crate) writer: Writer,
    check_every: Duration,
    running: Option<(Drain, Following)>,
}

impl World {
    /// Nothing runs yet.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let postgres = Postgres::start(dir.path(), PostgresOptions::default()).await.unwrap();
        let memory = Memory::new(stamps(), MemoryOptions::default());
        Self {
            _dir: dir,
            db: Database::connect(&postgres.url()).unwrap(),
            reader: Reader::connect(&postgres.url()).await.unwrap(),
            postgres,
            writer: Writer::new(Arc::new(memory.clone())),
            memory,
            check_every: NEVER,
            running: None,
        }
    }

    /// Log and ledger are compared all the time.
    pub(crate) async fn checking() -> Self {
        let mut world = Self { check_every: CHECK_EVERY, ..Self::new().await };
        world.follow().await;
        world
    }

    /// A projector follows.
    pub(crate) async fn following() -> Self {
        let mut world = Self::new().await;
        world.follow().await;
        world
    }

    pub(crate) fn log(&self) -> Arc<dyn Log> {
        self.writer.log.clone()
    }

    /// Starts a projector on a log.
    pub(crate) fn start(&self, log: Arc<dyn Log>) -> (Drain, Following) {
        let drain = Drain::new();
        let (db, keyring) = (self.db.clone(), self.memory.keyring());
        let following = projector::follow(db, log, keyring, habits(self.check_every), drain.clone());
        (drain, following)
    }

    pub(crate) async fn follow(&mut self) {
        let (drain, mut following) = self.start(self.log());
        following.ready.wait_for(|ready| *ready).await.unwrap();
        self.running = Some((drain, following));
    }

    pub(crate) async fn stop(&mut self) {
        let (drain, following) = self.running.take().unwrap();
        drain.start();
        following.task.await.unwrap().unwrap();
    }

    /// Ends the projector where it stands, as a kill would.
    pub(crate) fn kill(&mut self) {
        self.running.take().unwrap().1.task.abort();
    }

    /// Starts a projector on a log that it must refuse.
    pub(crate) async fn refused(&self, log: Arc<dyn Log>) -> Stop {
        let (_drain, following) = self.start(log);
        following.task.await.unwrap().unwrap_err()
    }

    /// Returns once the projector does not call itself ready any more.
    pub(crate) async fn unready(&mut self) {
        let (_, following) = self.running.as_mut().unwrap();
        following.ready.wait_for(|ready| !*ready).await.unwrap();
    }

    /// Returns once everything appended has been applied.
    pub(crate) async fn caught_up(&self) {
        for (log, rows) in
            [(Stream::Authz, readmodel::Stream::Authz), (Stream::Catalog, readmodel::Stream::Catalog)]
        {
            self.reader.wait_checkpoint(rows, self.writer.end(log), SOON).await.unwrap();
        }
    }

    pub(crate) async fn verify(&self) -> Report {
        projector::verify(&self.db, &self.log()).await.unwrap()
    }

    /// Fails with the report unless the live read models are what the log says.
    pub(crate) async fn agrees(&self) -> Report {
        let report = self.verify().await;
        assert!(report.agrees(), "{report}");
        report
    }
}
