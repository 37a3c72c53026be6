//! Finding out what a caller sees: by asking once for each class, and remembering the answer while nothing changes.

use std::sync::{Arc, PoisonError, RwLock};

use names::{ChannelId, TokenId};

use super::{ClassId, Sight};
use crate::table::{Channel, RandomMap, Table};
use crate::{Action, Caller, Package};

/// Answers remembered at one time; beyond, all are forgotten.
const SIGHTS_MAX: usize = 64 * 1024;

/// What tokens see of channels. Forgotten with every event.
#[derive(Default)]
pub(crate) struct Sights(RwLock<RandomMap<(TokenId, Action, ChannelId), Sight>>);

impl Sights {
    pub(crate) fn forget(&mut self) {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn remember(&self, key: (TokenId, Action, ChannelId), find: impl FnOnce() -> Sight) -> Sight {
        if let Some(known) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return known.clone();
        }
        let sight = find();
        let mut sights = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if sights.len() >= SIGHTS_MAX {
            sights.clear();
        }
        sights.insert(key, sight.clone());
        sight
    }
}

impl Table {
    pub(super) fn sight(&self, caller: &Caller, action: Action, channel: &Channel) -> Sight {
        let find = || self.find_sight(caller, action, channel);
        match caller {
            Caller::Token { token, .. } => self.sights.remember((*token, action, channel.id), find),
            Caller::Nobody
            | Caller::Unknown
            | Caller::Expired { .. }
            | Caller::Revoked { .. }
            | Caller::Disabled { .. }
            | Caller::Service(_) => find(),
        }
    }

    fn find_sight(&self, caller: &Caller, action: Action, channel: &Channel) -> Sight {
        let sees = |private| self.sees(caller, action, channel, &Package::plain(private));
        if sees(true) {
            return Sight::All;
        }
        let open = if sees(false) { Sight::Open } else { Sight::Nothing };
        match (caller, self.shelf(channel.id)) {
            (Caller::Token { .. }, Some(shelf)) if shelf.gives() => {
                self.by_class(caller, action, channel, open)
            }
            (_, _) => open,
        }
    }

    fn by_class(&self, caller: &Caller, action: Action, channel: &Channel, otherwise: Sight) -> Sight {
        let open = otherwise == Sight::Open;
        let classes = self.shelf(channel.id).into_iter().flat_map(|shelf| &shelf.classes().of);
        let seen = classes.filter(|(_, (package, _))| {
            (package.private || !open) && self.sees(caller, action, channel, package)
        });
        let mut classes: Vec<ClassId> = seen.map(|(id, _)| *id).collect();
        classes.sort_unstable();
        if classes.is_empty() { otherwise } else { Sight::Classes { open, classes: Arc::from(classes) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(number: usize) -> (TokenId, Action, ChannelId) {
        (TokenId(Uuid::from_u128(number as u128)), Action::CondaDownload, ChannelId(Uuid::nil()))
    }

    #[test]
    fn as_many_are_remembered_as_the_limit_and_one_more_forgets_them_all() {
        let mut sights = Sights::default();
        for number in 0..SIGHTS_MAX {
            sights.remember(key(number), || Sight::Open);
        }
        for number in [0, SIGHTS_MAX - 1] {
            assert_eq!(sights.remember(key(number), || unreachable!("it is known")), Sight::Open);
        }
        assert_eq!(sights.remember(key(SIGHTS_MAX), || Sight::All), Sight::All);
        assert_eq!(sights.remember(key(0), || Sight::Nothing), Sight::Nothing);
        sights.forget();
        assert_eq!(sights.remember(key(0), || Sight::All), Sight::All);
    }
}
