//! One aggregate, folded.

use std::sync::Arc;

use super::Rules;
use crate::{LogError, Record, Stream, seal::unknown_event};

/// An aggregate as far as it has been read.
pub(super) struct Entry<S> {
    /// The last sequence on the subject, void messages included: what the next append expects.
    pub(super) seq: u64,
    pub(super) state: Option<Arc<S>>,
    pub(super) loaded: bool,
}

impl<S> Default for Entry<S> {
    fn default() -> Self {
        Self { seq: 0, state: None, loaded: false }
    }
}

impl<S: Clone> Entry<S> {
    /// Folds a message of the log: all of its events, or none if one of them cannot be read.
    pub(super) fn fold<E>(
        &mut self,
        rules: &Rules<S, E>,
        stream: Stream,
        record: &Record,
        void: bool,
    ) -> Result<(), LogError> {
        let mut events = Vec::new();
        if !void {
            let undecodable = |why| LogError::Undecodable { stream, seq: record.seq, why };
            if let Some(kind) = unknown_event(record) {
                return Err(undecodable(format!("this version does not know event type {kind}")));
            }
            for event in &record.envelope.events {
                events.extend((rules.decode)(event).map_err(undecodable)?);
            }
        }
        self.evolve(rules, record.seq, events);
        Ok(())
    }

    /// Takes events over. The state moves and is copied only while an earlier answer still holds it.
    pub(super) fn evolve<E>(&mut self, rules: &Rules<S, E>, seq: u64, events: Vec<E>) {
        let mut state = self.state.take().map(Arc::unwrap_or_clone);
        for event in events {
            state = (rules.evolve)(state, event);
        }
        self.state = state.map(Arc::new);
        self.seq = seq;
    }
}
