//! One decision about several aggregates of one kind, appended as an atomic batch.

use tokio::sync::OwnedMutexGuard;

use super::entry::Entry;
use super::{ATTEMPTS, Done, ExecuteError, Store};
use crate::{AppendError, LogError, Message, Meta};

/// Aggregates of one decision, at most: the server takes 1000 messages in a batch.
pub const MANY_MAX: usize = 500;

impl<S, E> Store<S, E>
where
    S: Clone + Send + Sync + 'static,
    E: Send + 'static,
{
    /// Decides on many aggregates at once and appends what was decided for each of them, or nothing.
    ///
    /// Subjects are in order, each once, and at most [`MANY_MAX`]; `decide` is given their states in that order and
    /// answers with the events of each. It is asked again as in [`Store::execute`]. An aggregate without events takes
    /// part in the decision, but its state is not proven by the append. A batch costs about 8 ms and 120 a second per
    /// stream in all: never on a hot path.
    pub async fn execute_many<R: Send>(
        &self,
        subjects: &[String],
        meta: &Meta,
        mut decide: impl FnMut(&[Option<&S>]) -> Result<Vec<Vec<E>>, R> + Send,
    ) -> Result<Vec<Done<S>>, ExecuteError<R>> {
        assert!(subjects.is_sorted_by(|one, two| one < two), "subjects are locked in their order, each once");
        assert!(subjects.len() <= MANY_MAX, "a batch is no larger than the server takes");
        let mut entries = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let mut entry = self.entry(subject).await?;
            if !entry.loaded {
                self.catch_up(subject, &mut entry, 0).await?;
            }
            entries.push(entry);
        }
        let mut proven = false;
        for _ in 0..ATTEMPTS {
            let decision = {
                let states: Vec<_> = entries.iter().map(|entry| entry.state.as_deref()).collect();
                decide(&states)
            };
            let nothing = decision.as_ref().is_ok_and(|events| events.iter().all(Vec::is_empty));
            if (decision.is_err() || nothing) && !proven {
                self.refresh_all(subjects, &mut entries).await?;
                proven = true;
                continue;
            }
            let decided = decision.map_err(ExecuteError::Refused)?;
            assert_eq!(decided.len(), subjects.len(), "each aggregate has its events, or an empty list");
            match self.append_all(subjects, &mut entries, meta, decided).await? {
                Some(done) => return Ok(done),
                None => proven = true,
            }
        }
        Err(ExecuteError::Conflict)
    }

    /// Appends and folds; None if the race was lost and the entries have caught up.
    async fn append_all<R>(
        &self,
        subjects: &[String],
        entries: &mut [OwnedMutexGuard<Entry<S>>],
        meta: &Meta,
        decided: Vec<Vec<E>>,
    ) -> Result<Option<Vec<Done<S>>>, ExecuteError<R>> {
        let changed = subjects.iter().zip(&*entries).zip(&decided).filter(|(_, events)| !events.is_empty());
        let message = |((subject, entry), events): ((&String, &OwnedMutexGuard<Entry<S>>), &Vec<E>)| {
            let envelope = meta.envelope(&self.stamps, events.iter().map(self.rules.encode).collect());
            Message { subject: subject.clone(), expect: entry.seq, envelope }
        };
        let messages: Vec<Message> = changed.map(message).collect();
        let members = messages.len() as u64;
        let mut seq = 0;
        let mut void = false;
        if members > 0 {
            let last = match self.log.append(self.stream, messages).await {
                Ok(last) => last,
                Err(AppendError::Conflict { .. }) => {
                    self.refresh_all(subjects, entries).await?;
                    return Ok(None);
                }
                Err(error) => return Err(ExecuteError::Append(error)),
            };
            void = self.voids.is_void(last).await?;
            // Members of a batch stand one behind the other.
            seq = last - members;
        }
        let mut done = Vec::with_capacity(entries.len());
        for (entry, events) in entries.iter_mut().zip(decided) {
            let appended = !events.is_empty();
            if appended {
                seq += 1;
                entry.evolve(&self.rules, seq, if void { Vec::new() } else { events });
            }
            done.push(Done { seq: entry.seq, appended, state: entry.state.clone() });
        }
        if void { Err(ExecuteError::Void { seq }) } else { Ok(Some(done)) }
    }

    async fn refresh_all(
        &self,
        subjects: &[String],
        entries: &mut [OwnedMutexGuard<Entry<S>>],
    ) -> Result<(), LogError> {
        let barrier = self.log.barrier(self.stream).await?;
        for (subject, entry) in subjects.iter().zip(entries) {
            self.catch_up(subject, entry, barrier).await?;
        }
        Ok(())
    }
}
