//! One decision about one aggregate.

use super::{ATTEMPTS, Done, ExecuteError, Store, entry::Entry};
use crate::{AppendError, LogError, Message, Meta};

/// What follows from one look at the state.
pub(super) enum Next<E, R> {
    Append(Vec<E>),
    Nothing,
    Refuse(R),
}

impl<E, R> From<Result<Vec<E>, R>> for Next<E, R> {
    fn from(decision: Result<Vec<E>, R>) -> Self {
        match decision {
            Ok(events) if events.is_empty() => Self::Nothing,
            Ok(events) => Self::Append(events),
            Err(refusal) => Self::Refuse(refusal),
        }
    }
}

impl<S, E> Store<S, E>
where
    S: Clone + Send + Sync + 'static,
    E: Send + 'static,
{
    /// Decides on the current state and appends what was decided.
    ///
    /// `decide` is asked again after every lost race, and once more on a proven state before "nothing
    /// to do" or a refusal is believed; the access check belongs inside it.
    pub async fn execute<R: Send>(
        &self,
        subject: &str,
        meta: &Meta,
        mut decide: impl FnMut(Option<&S>) -> Result<Vec<E>, R> + Send,
    ) -> Result<Done<S>, ExecuteError<R>> {
        let mut entry = self.entry(subject).await?;
        if !entry.loaded {
            self.catch_up(subject, &mut entry, 0).await?;
        }
        let mut proven = false;
        for _ in 0..ATTEMPTS {
            match Next::from(decide(entry.state.as_deref())) {
                Next::Append(events) => {
                    let append = self.append(subject, &mut entry, meta, events).await;
                    if let Some(seq) = append.map_err(|failure| failure.into_error())? {
                        return Ok(Done { seq, appended: true, state: entry.state.clone() });
                    }
                    proven = false;
                }
                Next::Refuse(refusal) if proven => return Err(ExecuteError::Refused(refusal)),
                Next::Nothing if proven => {
                    return Ok(Done { seq: entry.seq, appended: false, state: entry.state.clone() });
                }
                Next::Nothing | Next::Refuse(_) => {
                    self.refresh(subject, &mut entry).await?;
                    proven = true;
                }
            }
        }
        Err(ExecuteError::Conflict)
    }

    /// Appends and folds; None if the race was lost and the entry has caught up.
    async fn append(
        &self,
        subject: &str,
        entry: &mut Entry<S>,
        meta: &Meta,
        events: Vec<E>,
    ) -> Result<Option<u64>, Failure> {
        let encoded = events.iter().map(self.rules.encode).collect();
        let envelope = meta.envelope(&self.stamps, encoded);
        let message = Message { subject: subject.into(), expect: entry.seq, envelope };
        match self.log.append(self.stream, vec![message]).await {
            Ok(seq) if self.voids.is_void(seq).await? => {
                entry.evolve(&self.rules, seq, Vec::new());
                Err(Failure::Void { seq })
            }
            Ok(seq) => {
                entry.evolve(&self.rules, seq, events);
                Ok(Some(seq))
            }
            Err(AppendError::Conflict { last }) => {
                self.catch_up_after_conflict(subject, entry, last).await?;
                Ok(None)
            }
            Err(error @ (AppendError::Full | AppendError::TooLarge { .. } | AppendError::Unavailable(_))) => {
                Err(Failure::Append(error))
            }
        }
    }

    /// Reads what won the race. Where that is not to be seen yet, a barrier makes it so.
    pub(super) async fn catch_up_after_conflict(
        &self,
        subject: &str,
        entry: &mut Entry<S>,
        last: Option<u64>,
    ) -> Result<(), LogError> {
        match last {
            Some(last) if last > entry.seq => self.catch_up(subject, entry, last).await,
            Some(_) | None => self.refresh(subject, entry).await,
        }
    }
}

/// [`ExecuteError`] without a refusal, so that the helpers need not know its type.
pub(super) enum Failure {
    Void { seq: u64 },
    Append(AppendError),
    Log(LogError),
}

impl From<LogError> for Failure {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl Failure {
    pub(super) fn into_error<R>(self) -> ExecuteError<R> {
        match self {
            Self::Void { seq } => ExecuteError::Void { seq },
            Self::Append(error) => ExecuteError::Append(error),
            Self::Log(error) => ExecuteError::Log(error),
        }
    }
}
