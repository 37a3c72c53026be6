//! What a stock holds by name, in the order of the names. A changed stock, and what is cut from it, share the rest.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Something with a name that is unique in its stock.
pub(crate) trait Named {
    fn name(&self) -> &str;
}

#[derive(Debug)]
pub(crate) struct Sorted<T>(Arc<[Arc<T>]>);

impl<T> Clone for Sorted<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Named> Sorted<T> {
    /// Takes them in any order.
    pub(crate) fn new(items: impl IntoIterator<Item = Arc<T>>) -> Self {
        let mut items: Vec<_> = items.into_iter().collect();
        items.sort_by(|a, b| a.name().cmp(b.name()));
        Self(items.into())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<T>> {
        self.0.binary_search_by(|item| item.name().cmp(name)).ok().map(|place| &self.0[place])
    }

    pub(crate) fn at(&self, place: usize) -> Option<&Arc<T>> {
        self.0.get(place)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Arc<T>> {
        self.0.iter()
    }

    /// Those with a yes, of which there is a yes or a no for each, as this makes them.
    pub(crate) fn only(&self, shown: &[bool], make: impl Fn(&Arc<T>) -> Option<Arc<T>>) -> Self {
        let shown = self.0.iter().zip(shown).filter(|(_, shown)| **shown);
        Self(shown.filter_map(|(item, _)| make(item)).collect())
    }

    /// With some replaced, added (`Some`) or gone (`None`).
    pub(crate) fn with(&self, changes: impl IntoIterator<Item = (Box<str>, Option<Arc<T>>)>) -> Self {
        let changes: BTreeMap<_, _> = changes.into_iter().collect();
        let kept = self.0.iter().filter(|item| !changes.contains_key(item.name())).cloned();
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
}
