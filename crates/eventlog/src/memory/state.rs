//! One stream in memory, with the checks of the server.

use std::collections::{BTreeMap, HashSet};

use super::{MemoryOptions, Replicas};
use crate::append::{Answer, Outgoing};

#[derive(Debug, Default)]
pub(super) struct State {
    /// Those that were removed are absent.
    messages: Vec<Option<Outgoing>>,
    /// The sequences of each subject, ascending.
    subjects: BTreeMap<String, Vec<u64>>,
    ids: HashSet<String>,
    pub(super) bytes: u64,
}

impl State {
    pub(super) fn publish(&mut self, options: &MemoryOptions, batch: &[Outgoing]) -> Answer {
        let repeated = batch.iter().any(|message| self.ids.contains(&message.id));
        if repeated && options.replicas == Replicas::Three {
            return Answer::Duplicate;
        }
        for message in batch {
            let last = self.subjects.get(&message.subject).and_then(|seqs| seqs.last()).copied().unwrap_or(0);
            if message.place.expect().is_some_and(|expect| expect != last) {
                return Answer::WrongLast { last: Some(last) };
            }
        }
        let size: usize = batch.iter().map(|message| message.raw.len()).sum();
        if self.bytes + size as u64 > options.max_bytes {
            return Answer::Full;
        }
        let mut seq = 0;
        for message in batch {
            seq = self.push(message.clone());
        }
        Answer::Stored { seq }
    }

    pub(super) fn push(&mut self, message: Outgoing) -> u64 {
        let seq = self.messages.len() as u64 + 1;
        self.bytes += message.raw.len() as u64;
        self.ids.insert(message.id.clone());
        self.subjects.entry(message.subject.clone()).or_default().push(seq);
        self.messages.push(Some(message));
        seq
    }

    pub(super) fn remove(&mut self, seq: u64) {
        let index = usize::try_from(seq - 1).expect("sequences of a memory log fit");
        if let Some(message) = self.messages.get_mut(index).and_then(Option::take) {
            self.bytes -= message.raw.len() as u64;
            if let Some(seqs) = self.subjects.get_mut(&message.subject) {
                seqs.retain(|other| *other != seq);
            }
        }
    }

    /// What stands after a sequence, of one subject or of all.
    pub(super) fn after<'a>(
        &'a self,
        subject: Option<&str>,
        after: u64,
    ) -> Box<dyn Iterator<Item = (u64, Outgoing)> + Send + 'a> {
        let at = |seq: u64| {
            let index = usize::try_from(seq - 1).expect("sequences of a memory log fit");
            Some((seq, self.messages.get(index)?.clone()?))
        };
        match subject {
            None => Box::new((after + 1..=self.messages.len() as u64).filter_map(at)),
            Some(subject) => {
                let seqs = self.subjects.get(subject).map_or(&[][..], Vec::as_slice);
                let first = seqs.partition_point(|seq| *seq <= after);
                Box::new(seqs[first..].iter().copied().filter_map(at))
            }
        }
    }
}
