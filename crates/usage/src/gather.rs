//! Requests alike become one use, so that a farm that installs all day is a line a second.

use std::net::IpAddr;

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use names::TokenId;
use time::OffsetDateTime;

use crate::{Family, Outcome, Use};

/// Different uses that wait to be sent; beyond, they are dropped and counted.
pub const MAX_WAITING: usize = 10_000;

/// Uses by what they have in common.
#[derive(Debug, Default)]
pub(crate) struct Gathered(HashMap<Key, Alike>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    token: TokenId,
    string_no: u32,
    outcome: Outcome,
    family: Family,
    address: Option<IpAddr>,
    client: String,
}

#[derive(Debug)]
struct Alike {
    at: OffsetDateTime,
    requests: u32,
}

impl Gathered {
    /// Takes one, unless it is unlike all others and there is no room for more of those.
    pub(crate) fn add(&mut self, used: Use) -> bool {
        let Use { token, string_no, outcome, family, at, requests, address, client } = used;
        let is_full = self.0.len() >= MAX_WAITING;
        match self.0.entry(Key { token, string_no, outcome, family, address, client }) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.requests = known.requests.saturating_add(requests);
                known.at = known.at.max(at);
            }
            Entry::Vacant(_) if is_full => return false,
            Entry::Vacant(place) => drop(place.insert(Alike { at, requests })),
        }
        true
    }

    pub(crate) fn take(&mut self) -> Vec<Use> {
        let used = |(key, Alike { at, requests })| {
            let Key { token, string_no, outcome, family, address, client } = key;
            Use { token, string_no, outcome, family, at, requests, address, client }
        };
        self.0.drain().map(used).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::Duration;

    fn used(second: i64, address: u8) -> Use {
        Use {
            token: TokenId(uuid::Uuid::from_u128(7)),
            string_no: 0,
            outcome: Outcome::Served,
            family: Family::Conda,
            at: OffsetDateTime::UNIX_EPOCH + Duration::seconds(second),
            requests: 1,
            address: Some(IpAddr::from([192, 0, 2, address])),
            client: "pip/24".into(),
        }
    }

    #[test]
    fn requests_alike_are_one_use_with_the_latest_time() {
        let mut gathered = Gathered::default();
        for second in [1, 3, 2] {
            assert!(gathered.add(used(second, 1)));
        }
        assert!(gathered.add(used(0, 2)));
        let mut taken = gathered.take();
        taken.sort_by_key(|used| used.address);
        assert_eq!(taken, [Use { requests: 3, ..used(3, 1) }, used(0, 2)]);
        assert!(gathered.take().is_empty());
    }

    #[test]
    fn what_is_unlike_all_others_is_refused_once_it_is_full() {
        let mut gathered = Gathered::default();
        let client = |number: usize| Use { client: number.to_string(), ..used(0, 1) };
        assert!((0..MAX_WAITING).all(|number| gathered.add(client(number))));
        assert!(!gathered.add(client(MAX_WAITING)));
        assert!(gathered.add(client(0)), "what is known already takes no room");
        assert_eq!(gathered.take().len(), MAX_WAITING);
        assert!(gathered.add(client(MAX_WAITING)));
    }
}
