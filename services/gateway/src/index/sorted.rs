//! What a stock holds by name, in the order of the names. A changed stock, and what is cut from it, share the rest.

use std::collections::BTreeMap;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use hashbrown::{DefaultHashBuilder, HashTable};

/// Something with a name that is unique in its stock.
pub(crate) trait Named {
    fn name(&self) -> &str;
}

#[derive(Debug)]
pub(crate) struct Sorted<T> {
    items: Arc<[Arc<T>]>,
    places: Arc<Places>,
}

impl<T> Clone for Sorted<T> {
    fn clone(&self) -> Self {
        Self { items: self.items.clone(), places: self.places.clone() }
    }
}

/// Where each name stands. Made of what is asked for often: many a stock lives for a few questions only.
#[derive(Debug, Default)]
struct Places {
    asked: AtomicUsize,
    hasher: DefaultHashBuilder,
    table: OnceLock<HashTable<u32>>,
}

impl Places {
    /// Making a table of as many names costs as much as so many searches among them, in proportion.
    const WORTH_ASKED: usize = 8;

    fn table(&self, names: &[Arc<impl Named>]) -> Option<&HashTable<u32>> {
        let made = self.table.get();
        if made.is_some() || self.asked.fetch_add(1, Ordering::Relaxed) < names.len() / Self::WORTH_ASKED {
            return made;
        }
        let hash = |name: &str| self.hasher.hash_one(name);
        Some(self.table.get_or_init(|| {
            let mut table = HashTable::with_capacity(names.len());
            for (place, item) in (0..).zip(names) {
                table.insert_unique(hash(item.name()), place, |place| hash(names[*place as usize].name()));
            }
            table
        }))
    }
}

impl<T: Named> Sorted<T> {
    /// Takes them in any order.
    pub(crate) fn new(items: impl IntoIterator<Item = Arc<T>>) -> Self {
        let mut items: Vec<_> = items.into_iter().collect();
        items.sort_by(|a, b| a.name().cmp(b.name()));
        Self::in_order(items.into())
    }

    fn in_order(items: Arc<[Arc<T>]>) -> Self {
        Self { items, places: Arc::default() }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<T>> {
        let Some(table) = self.places.table(&self.items) else {
            let found = self.items.binary_search_by(|item| item.name().cmp(name));
            return found.ok().map(|place| &self.items[place]);
        };
        let item = |place: u32| &self.items[place as usize];
        table
            .find(self.places.hasher.hash_one(name), |place| item(*place).name() == name)
            .map(|place| item(*place))
    }

    pub(crate) fn at(&self, place: usize) -> Option<&Arc<T>> {
        self.items.get(place)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<T>> {
        self.items.iter()
    }

    /// Those with a yes, of which there is a yes or a no for each, as this makes them.
    pub(crate) fn only(&self, shown: &[bool], make: impl Fn(&Arc<T>) -> Option<Arc<T>>) -> Self {
        let shown = self.items.iter().zip(shown).filter(|(_, shown)| **shown);
        Self::in_order(shown.filter_map(|(item, _)| make(item)).collect())
    }

    /// With some replaced, added (`Some`) or gone (`None`).
    pub(crate) fn with(&self, changes: impl IntoIterator<Item = (Box<str>, Option<Arc<T>>)>) -> Self {
        let changes: BTreeMap<_, _> = changes.into_iter().collect();
        let kept = self.items.iter().filter(|item| !changes.contains_key(item.name())).cloned();
        Self::new(kept.chain(changes.values().flatten().cloned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Named for String {
        fn name(&self) -> &str {
            self
        }
    }

    #[test]
    fn changes_replace_add_and_remove_and_the_order_stays() {
        let names = Sorted::new(["b", "d", "a"].map(|name| Arc::new(name.to_owned())));
        let names = names.with([("d".into(), None), ("c".into(), Some(Arc::new("c".to_owned())))]);
        let shown: Vec<_> = names.iter().map(|name| name.as_str()).collect();
        assert_eq!(shown, ["a", "b", "c"]);
        assert!(names.get("d").is_none() && names.get("c").is_some());
    }
    #[test]
    fn a_name_is_found_however_often_it_is_asked_for() {
        let names = Sorted::new((0..100).map(|number| Arc::new(number.to_string())));
        for round in 0..100 {
            let found = names.get(&round.to_string()).map(|name| name.as_str());
            assert_eq!(found, Some(round.to_string().as_str()));
            assert!(names.get("none").is_none() && names.get("").is_none());
            assert_eq!(names.places.table.get().is_some(), round >= 4, "in round {round}");
        }
        assert!(Sorted::<String>::new([]).get("a").is_none());
    }
}
