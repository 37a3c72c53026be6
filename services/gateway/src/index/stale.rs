//! What is known to have changed since a view was read.

use std::collections::BTreeMap;

/// Names remembered one by one; more of them and the whole view is read again, which is then the cheaper way.
const NAMES_MAX: usize = 256;

/// Which parts of one view are older than what was heard.
#[derive(Debug, Default)]
pub(crate) struct Stale {
    /// The view was read as a whole at this sequence.
    read_at: u64,
    /// It must have been read as a whole at this one or later.
    wanted: u64,
    /// Names that changed since, with the newest sequence heard of each.
    names: BTreeMap<Box<str>, u64>,
}

/// What has to be read before the view may be served again.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// Nothing.
    None,
    /// These names, at a sequence that is no less than any heard of them.
    Names(Vec<Box<str>>, u64),
    /// Everything.
    All(u64),
}

impl Stale {
    /// One name changed at `seq`.
    pub(crate) fn name(&mut self, name: &str, seq: u64) {
        if seq <= self.read_at || seq <= self.wanted {
            return;
        }
        let heard = self.names.entry(name.into()).or_default();
        *heard = seq.max(*heard);
        if self.names.len() > NAMES_MAX {
            self.everything(self.newest());
        }
    }

    /// Anything may have changed up to `seq`.
    pub(crate) fn everything(&mut self, seq: u64) {
        self.wanted = self.wanted.max(seq);
        let wanted = self.wanted;
        self.names.retain(|_, heard| *heard > wanted);
    }

    /// What to read; `is_read` says whether there is a view at all.
    pub(crate) fn demand(&self, is_read: bool) -> Demand {
        if !is_read || self.read_at < self.wanted {
            return Demand::All(self.newest());
        }
        match self.names.values().max() {
            None => Demand::None,
            Some(newest) => Demand::Names(self.names.keys().cloned().collect(), *newest),
        }
    }

    /// The view was read as a whole at `seq`.
    pub(crate) fn read_all(&mut self, seq: u64) {
        self.read_at = seq;
        self.names.retain(|_, heard| *heard > seq);
    }

    /// One name was read again at `seq`.
    pub(crate) fn read_name(&mut self, name: &str, seq: u64) {
        if self.names.get(name).is_some_and(|heard| *heard <= seq) {
            self.names.remove(name);
        }
    }

    fn newest(&self) -> u64 {
        self.names.values().copied().max().unwrap_or_default().max(self.wanted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_heard_before_the_read_that_shows_it_asks_for_nothing() {
        let mut stale = Stale::default();
        stale.name("zlib", 7);
        stale.read_all(9);
        assert_eq!(stale.demand(true), Demand::None);
    }

    #[test]
    fn a_change_heard_during_a_read_that_does_not_show_it_is_kept() {
        let mut stale = Stale::default();
        stale.read_all(5);
        stale.name("zlib", 7);
        stale.name("curl", 8);
        stale.read_name("zlib", 7);
        assert_eq!(stale.demand(true), Demand::Names(vec!["curl".into()], 8));
        stale.read_name("curl", 7);
        assert_eq!(stale.demand(true), Demand::Names(vec!["curl".into()], 8));
    }

    #[test]
    fn too_many_names_ask_for_everything_up_to_the_newest_of_them() {
        let mut stale = Stale::default();
        stale.read_all(1);
        for seq in 0..=NAMES_MAX as u64 {
            stale.name(&format!("name-{seq}"), 2 + seq);
        }
        assert_eq!(stale.demand(true), Demand::All(2 + NAMES_MAX as u64));
        stale.read_all(2 + NAMES_MAX as u64);
        assert_eq!(stale.demand(true), Demand::None);
    }

    #[test]
    fn nothing_was_read_yet_so_everything_is_wanted() {
        let mut stale = Stale::default();
        stale.everything(4);
        stale.name("zlib", 6);
        assert_eq!(stale.demand(false), Demand::All(6));
    }
}
