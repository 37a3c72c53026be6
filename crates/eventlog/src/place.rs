//! Events that were lost from the log and put back: they stand behind the rest, and count where they first stood.
//!
//! What an event means depends on what came before it, a revocation on what it ends. So whoever folds the log from its
//! beginning folds what was put back at its own place, and comes to what everybody knew before it was lost.

use std::{collections::BTreeMap, iter::Peekable};

use futures::{Stream as Items, StreamExt as _, stream, stream::BoxStream};

use crate::{LogError, Record};

/// What was put back into a stream, each under the place where it first stood.
pub type PutBack = BTreeMap<u64, Record>;

/// What was put back and has not come to its place yet.
struct Waiting(Peekable<std::collections::btree_map::IntoIter<u64, Record>>);

impl Waiting {
    fn new(put_back: PutBack) -> Self {
        Self(put_back.into_iter().peekable())
    }

    /// What belongs before a sequence, as if it stood there.
    fn before(&mut self, seq: u64) -> Vec<Record> {
        let next = || self.0.next_if(|(place, _)| *place < seq).map(|(seq, record)| Record { seq, ..record });
        std::iter::from_fn(next).collect()
    }
}

/// A stretch of the log, with what was put back at its place and not where it stands now.
pub fn in_place<E: Send + 'static>(
    records: impl Items<Item = Result<Record, E>> + Send + 'static,
    put_back: PutBack,
) -> impl Items<Item = Result<Record, E>> + Send + 'static {
    let mut waiting = Waiting::new(put_back);
    records.flat_map(move |record| {
        let before = record.as_ref().map_or_else(|_| Vec::new(), |record| waiting.before(record.seq));
        let moved = record.as_ref().is_ok_and(Record::is_put_back);
        let itself = (!moved).then_some(record);
        stream::iter(before.into_iter().map(Ok).chain(itself))
    })
}

/// Folds a stream from its beginning up to a sequence, which must be there. What was put back is known only when it is
/// met: then all is done again, with it at its place.
pub async fn fold_in_place<S, E: From<LogError>>(
    tail: impl Fn() -> BoxStream<'static, Result<Record, LogError>>,
    to: u64,
    begin: impl Fn() -> S,
    apply: impl Fn(&mut S, &Record) -> Result<(), E>,
) -> Result<S, E> {
    let mut known = PutBack::new();
    loop {
        let (mut state, mut met) = (begin(), PutBack::new());
        let mut waiting = Waiting::new(known.clone());
        let mut records = tail();
        loop {
            let ended = || LogError::Unavailable("the event log has ended".into());
            let record = records.next().await.ok_or_else(ended)??;
            for earlier in waiting.before(record.seq) {
                apply(&mut state, &earlier)?;
            }
            let last = record.seq >= to;
            if record.is_put_back() {
                met.insert(record.place(), record);
            } else {
                apply(&mut state, &record)?;
            }
            if last {
                break;
            }
        }
        if met.len() == known.len() {
            return Ok(state);
        }
        known = met;
    }
}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt as _;
    use proto::event::v1::Envelope;

    use super::*;

    fn record(seq: u64, place: Option<u64>) -> Record {
        let envelope = Envelope { original_seq: place, ..Envelope::default() };
        Record { seq, subject: "s".into(), envelope, raw: bytes::Bytes::new() }
    }

    fn tail() -> BoxStream<'static, Result<Record, LogError>> {
        // 2 and 4 were lost; 4 was put back first, lost again, and put back once more.
        let records =
            [record(1, None), record(3, None), record(5, None), record(7, Some(4)), record(8, Some(2))];
        stream::iter(records.map(Ok)).chain(stream::pending()).boxed()
    }

    #[tokio::test]
    async fn a_fold_meets_what_was_put_back_where_it_first_stood() {
        for (to, expected) in [(5, vec![1, 3, 5]), (7, vec![1, 3, 4, 5]), (8, vec![1, 2, 3, 4, 5])] {
            let folded = fold_in_place(tail, to, Vec::new, |seqs: &mut Vec<u64>, record| {
                seqs.push(record.seq);
                Ok::<_, LogError>(())
            });
            assert_eq!(folded.await.unwrap(), expected, "up to {to}");
        }
    }

    #[tokio::test]
    async fn a_stretch_is_read_in_order_of_place() {
        let put_back = PutBack::from([(2, record(8, Some(2))), (4, record(7, Some(4)))]);
        let read: Vec<Record> = in_place(tail().take(5), put_back).try_collect().await.unwrap();
        assert_eq!(read.iter().map(|record| record.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    }
}
