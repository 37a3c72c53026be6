//! Requests alike become one use, so that a farm that installs all day is a line a second.

use std::collections::HashMap;
use std::net::IpAddr;

use names::TokenId;

use crate::{Family, Outcome, Use};

/// Different uses gathered at once; then they are sent before their time.
pub(crate) const MAX_GATHERED: usize = 500;

/// Uses by what they have in common.
#[derive(Debug, Default)]
pub(crate) struct Gathered(HashMap<Key, Use>);

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    token: TokenId,
    string_no: u32,
    outcome: Outcome,
    family: Family,
    address: Option<IpAddr>,
    client: String,
}

impl Key {
    fn of(used: &Use) -> Self {
        let Use { token, string_no, outcome, family, address, ref client, .. } = *used;
        Self { token, string_no, outcome, family, address, client: client.clone() }
    }
}

impl Gathered {
    pub(crate) fn add(&mut self, used: Use) {
        match self.0.get_mut(&Key::of(&used)) {
            Some(known) => {
                known.requests = known.requests.saturating_add(used.requests);
                known.at = known.at.max(used.at);
            }
            None => drop(self.0.insert(Key::of(&used), used)),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.len() >= MAX_GATHERED
    }

    pub(crate) fn take(&mut self) -> Vec<Use> {
        self.0.drain().map(|(_, used)| used).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, OffsetDateTime};

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
            gathered.add(used(second, 1));
        }
        gathered.add(used(0, 2));
        let mut taken = gathered.take();
        taken.sort_by_key(|used| used.address);
        assert_eq!(taken, [Use { requests: 3, ..used(3, 1) }, used(0, 2)]);
        assert!(gathered.is_empty());
    }

    #[test]
    fn it_is_full_with_the_last_that_it_holds() {
        let mut gathered = Gathered::default();
        let client = |number: usize| Use { client: number.to_string(), ..used(0, 1) };
        (1..MAX_GATHERED).for_each(|number| gathered.add(client(number)));
        assert!(!gathered.is_full());
        gathered.add(client(MAX_GATHERED));
        assert!(gathered.is_full());
    }
}
