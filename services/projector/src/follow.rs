//! Follows the log for as long as the process lives.
//!
//! A session begins at the checkpoint and ends when somebody else has moved it: another projector, or a commit
//! whose answer was lost with the connection. Whatever is in memory is then thrown away and read again, so a
//! kill at any moment costs nothing but time.

use std::{cmp::Ordering, sync::Arc, time::Duration};

use eventlog::{Log, LogError, Stream, keys::Keyring};
use readmodel::write::{Beat, Database, Lock, SHAPE, WriteError};
use runtime::Drain;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    apply::{ApplyError, Epochs, apply},
    backoff::Backoff,
    batch::{Batch, Positions},
    beat::Beating,
    checker::Checker,
    intake::{Intake, SourceError, Sources, Stopped, Taken, chain},
    project::stream_of,
    rebuild::{self, Origin},
    sources,
    standing::Standing,
    stop::Stop,
};

/// How long one transaction may take in all: a Postgres that has frozen ends no statement.
const APPLY_LIMIT: Duration = Duration::from_secs(60);

/// The task that follows the log.
#[derive(Debug)]
pub struct Following {
    /// True while it follows, or stands by for the projector that does.
    pub ready: watch::Receiver<bool>,
    /// Ends when it was drained, or with the reason why no retry helps.
    pub task: JoinHandle<Result<(), Stop>>,
}

/// What a projector does beside following.
#[derive(Debug, Clone)]
pub struct Habits {
    /// What it says of itself.
    pub beat: Beat,
    /// Between two comparisons of log and ledger.
    pub check_every: Duration,
}

/// Follows a log into a database until drained, and compares log and ledger every so often.
pub fn follow(db: Database, log: Arc<dyn Log>, keyring: Keyring, habits: Habits, drain: Drain) -> Following {
    let (standing, ready) = Standing::new();
    let guard = drain.guard();
    let task = tokio::spawn(async move {
        let _guard = guard;
        let Habits { beat, check_every } = habits;
        let beating = Beating::new(db.clone(), beat);
        let follower = Follower { db, log, keyring, check_every, standing, drain, beating: &beating };
        let ended = tokio::select! {
            ended = follower.run() => ended,
            never = beating.run() => match never {},
        };
        beating.end().await;
        ended
    });
    Following { ready, task }
}

struct Follower<'b> {
    db: Database,
    log: Arc<dyn Log>,
    keyring: Keyring,
    /// Between two comparisons of log and ledger.
    check_every: Duration,
    standing: Standing,
    drain: Drain,
    beating: &'b Beating,
}

/// Why a session has ended.
enum Over {
    /// For good.
    Stop(Stop),
    /// Begin again from the checkpoint.
    Moved,
    /// The same, without AUTHZ.
    AuthzStopped,
    /// Try again later.
    Away(String),
    /// Stopping was asked for.
    Drained,
}

impl From<SourceError> for Over {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Log(error @ LogError::Unavailable(_)) => Self::Away(chain(&error)),
            SourceError::Log(error) => Self::Stop(Stop::Log(chain(&error))),
            SourceError::Ledger(error) => error.into(),
            SourceError::Broken => Self::Away(error.to_string()),
        }
    }
}

impl From<WriteError> for Over {
    fn from(error: WriteError) -> Self {
        if let WriteError::Fenced { .. } = error {
            return Self::Moved;
        }
        if let WriteError::Shape { found, known } = error
            && found > known
        {
            return Self::Stop(Stop::Outdated);
        }
        if error.may_pass() { Self::Away(chain(&error)) } else { Self::Stop(Stop::Database(chain(&error))) }
    }
}

impl Follower<'_> {
    /// Returns when stopping was asked for, or with the reason why no retry helps.
    async fn run(self) -> Result<(), Stop> {
        let mut backoff = Backoff::new();
        let mut with_authz = true;
        loop {
            let session = self.session(&mut backoff, with_authz);
            let over = tokio::select! {
                () = self.drain.requested() => Over::Drained,
                over = session => over,
            };
            match over {
                Over::Drained => return Ok(()),
                Over::Moved => {
                    tracing::info!("the checkpoint was moved by somebody else, beginning again from it")
                }
                Over::AuthzStopped => with_authz = false,
                Over::Away(reason) => {
                    self.standing.is(false);
                    tracing::warn!(reason, "the projector waits");
                    backoff.wait().await;
                }
                Over::Stop(stop) => {
                    self.standing.is(false);
                    tracing::error!(reason = %stop, "the projector has stopped");
                    return Err(stop);
                }
            }
        }
    }

    async fn session(&self, backoff: &mut Backoff, with_authz: bool) -> Over {
        match self.follow(backoff, with_authz).await {
            Ok(never) => match never {},
            Err(over) => over,
        }
    }

    async fn follow(
        &self,
        backoff: &mut Backoff,
        with_authz: bool,
    ) -> Result<std::convert::Infallible, Over> {
        self.db.migrate().await?;
        // Standing by is being ready: a rolling update must not wait for the projector that it replaces.
        self.standing.is(true);
        self.beating.is_active(false);
        let _guard = self.db.lock(Lock::Writer).await?;
        self.beating.is_active(true);
        match self.db.live().await?.shape.cmp(&SHAPE) {
            Ordering::Less => self.upgrade().await?,
            Ordering::Equal => {}
            Ordering::Greater => return Err(Over::Stop(Stop::Outdated)),
        }
        let (mut intake, epochs) = self.open(with_authz).await?;
        tracing::info!("following the log");
        *backoff = Backoff::new();
        let mut checking =
            std::pin::pin!(Checker::new(self.db.clone(), self.log.clone()).run(self.check_every));
        loop {
            let taken = tokio::select! {
                taken = intake.next() => taken,
                never = &mut checking => match never {},
            };
            match taken {
                Taken::Batch(mut batch) => {
                    self.commit(backoff, &epochs, &mut batch).await?;
                    self.take_in_place(&batch).await?;
                }
                Taken::Stopped(stopped) if stopped.replaced => {
                    return Err(Over::Stop(Stop::Log(stopped.reason)));
                }
                Taken::Stopped(stopped) => self.stopped(&stopped),
                // Nothing more can come until the process is started again.
                Taken::Ended => std::future::pending().await,
            }
        }
    }

    /// An event that was put back counts where it first stood. If that place was passed without it, as in a database
    /// that was made while it was lost, the read models are built anew.
    async fn take_in_place(&self, batch: &Batch) -> Result<(), Over> {
        for entry in batch.entries.iter().filter(|entry| entry.record.is_put_back()) {
            let (stream, seq) = (stream_of(entry.stream), entry.record.seq);
            let put_back = self.db.put_back(stream, seq).await?;
            if put_back.iter().any(|row| row.seq == seq && !row.known) {
                tracing::warn!(%stream, seq, "an event was put back that was never known here");
                self.build_anew().await?;
                return Err(Over::Moved);
            }
        }
        Ok(())
    }

    /// A newer release brings its own shape: it is built beside what is live.
    async fn upgrade(&self) -> Result<(), Over> {
        tracing::info!(shape = SHAPE, "building the read models anew for this release");
        self.build_anew().await
    }

    async fn build_anew(&self) -> Result<(), Over> {
        match rebuild::rebuild(&self.db, Origin::Log(self.log.clone()), &self.keyring).await {
            Ok(_) => Ok(()),
            Err(error) => Err(Over::Away(chain(error.as_ref()))),
        }
    }

    async fn open(&self, with_authz: bool) -> Result<(Intake, Epochs), Over> {
        let checkpoints = self.db.checkpoints().await?;
        let table = sources::table_at(&self.db, checkpoints.authz.seq).await?;
        let authz = sources::follow(&self.db, &self.log, Stream::Authz, &checkpoints.authz).await?;
        let catalog = sources::follow(&self.db, &self.log, Stream::Catalog, &checkpoints.catalog).await?;
        let sources = Sources { authz: authz.map_err(Over::Stop)?, catalog: catalog.map_err(Over::Stop)? };
        let epochs =
            Epochs { authz: self.log.epoch(Stream::Authz), catalog: self.log.epoch(Stream::Catalog) };
        let intake = Intake::new(table, Positions::from(&checkpoints), sources).live();
        Ok((if with_authz { intake } else { intake.without_authz() }, epochs))
    }

    /// Applies a batch; while Postgres is away the same batch is tried again and again.
    async fn commit(&self, backoff: &mut Backoff, epochs: &Epochs, batch: &mut Batch) -> Result<(), Over> {
        loop {
            match limited(apply(&self.db, epochs, batch)).await {
                Ok(()) => {
                    self.standing.is(true);
                    count(batch);
                    *backoff = Backoff::new();
                    return Ok(());
                }
                Err(ApplyError::Late) => self.retry(backoff, "the database does not answer").await,
                Err(ApplyError::Write(error)) => match Over::from(error) {
                    Over::Away(reason) => self.retry(backoff, &reason).await,
                    over @ (Over::Stop(_) | Over::Moved | Over::AuthzStopped | Over::Drained) => {
                        return Err(over);
                    }
                },
                Err(ApplyError::Unapplicable(error)) => {
                    batch.cut_before(error.seq);
                    self.stopped(&Stopped {
                        stream: Stream::Authz,
                        reason: error.to_string(),
                        replaced: false,
                    });
                    if !batch.entries.is_empty() {
                        Box::pin(self.commit(backoff, epochs, batch)).await?;
                    }
                    return Err(Over::AuthzStopped);
                }
            }
        }
    }

    async fn retry(&self, backoff: &mut Backoff, reason: &str) {
        self.standing.is(false);
        tracing::warn!(reason, "a batch is tried again");
        backoff.wait().await;
    }

    /// A stream that cannot be applied any further: nobody may believe that the read models are whole.
    fn stopped(&self, stopped: &Stopped) {
        self.standing.stopped();
        metrics::gauge!("projector_stopped", "stream" => stopped.stream.as_str()).set(1.0);
        tracing::error!(stream = %stopped.stream, reason = stopped.reason, "a stream is not applied any further");
    }
}

/// Ends a transaction that takes too long. Whether it was committed shows when the same batch is tried again.
async fn limited(applying: impl Future<Output = Result<(), ApplyError>>) -> Result<(), ApplyError> {
    match tokio::time::timeout(APPLY_LIMIT, applying).await {
        Ok(applied) => applied,
        Err(_elapsed) => Err(ApplyError::Late),
    }
}

fn count(batch: &Batch) {
    for entry in batch.entries.iter().filter(|entry| !entry.record.is_barrier()) {
        entry.span.in_scope(|| tracing::debug!(stream = %entry.stream, seq = entry.record.seq, "applied"));
    }
    for stream in Stream::ALL {
        let events = batch.entries.iter().filter(|entry| entry.stream == stream).count();
        if events > 0 {
            metrics::counter!("projector_events_total", "stream" => stream.as_str()).increment(events as u64);
            #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
            metrics::gauge!("projector_checkpoint", "stream" => stream.as_str())
                .set(batch.to.of(stream) as f64);
        }
    }
}
