//! All stocks of one kind, within a limit of memory. What is not on the shelf is read when it is asked for.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::DefaultHashBuilder;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use names::{ChannelId, Subdir};
use runtime::{Clock, Failure};

use crate::index::rows::Rows;
use crate::index::slot::{Numbered, Slot, Stock};

/// What a slot takes before anything is in it, in KiB.
const EMPTY_KIB: u32 = 1;
/// Stocks of which at least so many are kept, however heavy: one that did not fit would be read again for each request,
/// which takes its memory each time, and more.
const KEPT_MIN: u64 = 2;

/// Which stock.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) channel: ChannelId,
    /// conda only.
    pub(crate) subdir: Option<Subdir>,
}

impl Key {
    pub(crate) fn conda(channel: ChannelId, subdir: &Subdir) -> Self {
        Self { channel, subdir: Some(subdir.clone()) }
    }

    pub(crate) fn pypi(channel: ChannelId) -> Self {
        Self { channel, subdir: None }
    }

    /// Of a conda stock.
    pub(crate) fn subdir(&self) -> Subdir {
        self.subdir.clone().expect("a conda stock has a subdir")
    }
}

pub(crate) struct Shelf<S, R> {
    rows: R,
    clock: Arc<dyn Clock>,
    slots: Cache<Key, Arc<Slot<S>>, DefaultHashBuilder>,
    /// The newest sequence heard; nothing before the feed has said where it starts. Held while a slot is put on the
    /// shelf, so that no change falls between.
    newest: Mutex<Option<u64>>,
}

impl<S: Stock, R: Rows> Shelf<S, R> {
    pub(crate) fn new(rows: R, clock: Arc<dyn Clock>, kib_max: u64) -> Self {
        let slots = Cache::builder()
            .max_capacity(kib_max)
            .weigher(move |_, slot: &Arc<Slot<S>>| weight_kib(slot).min(most(kib_max)))
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(DefaultHashBuilder::default());
        Self { rows, clock, slots, newest: Mutex::new(None) }
    }

    pub(crate) fn heard(&self, key: &Key, name: &str, seq: u64) {
        let mut newest = self.newest();
        *newest = (*newest).max(Some(seq));
        if let Some(slot) = self.slots.get(key) {
            slot.heard(name, seq);
        }
    }

    pub(crate) fn floor(&self, seq: u64) {
        let mut newest = self.newest();
        *newest = (*newest).max(Some(seq));
        for (_, slot) in &self.slots {
            slot.floor(seq);
        }
    }

    /// The stock as of everything heard when this was called, or a failure within the limits of waiting.
    pub(crate) async fn current(&self, key: &Key) -> Result<Arc<Numbered<S>>, Failure> {
        let slot = self.slot(key)?;
        match slot.fresh() {
            Ok(stock) => Ok(stock),
            Err(seq) => Box::pin(self.refreshed(key, slot, seq)).await,
        }
    }

    async fn refreshed(&self, key: &Key, slot: Arc<Slot<S>>, seq: u64) -> Result<Arc<Numbered<S>>, Failure> {
        self.rows.wait(seq).await?;
        let stock = slot.refresh(&self.rows, seq).await?;
        self.weigh(key, slot);
        Ok(stock)
    }

    fn slot(&self, key: &Key) -> Result<Arc<Slot<S>>, Failure> {
        if let Some(slot) = self.slots.get(key) {
            return Ok(slot);
        }
        let newest = self.newest();
        let wanted = newest.ok_or_else(|| {
            Failure::unavailable("this gateway has not heard from the catalog yet; try again in a moment")
        })?;
        // A slot knows only what is heard from now on, so it starts from everything heard before.
        Ok(self.slots.get_with_by_ref(key, || Arc::new(Slot::new(key.clone(), self.clock.clone(), wanted))))
    }

    /// Puts a slot back with its new weight, unless another has taken its place and heard what this one has not.
    fn weigh(&self, key: &Key, slot: Arc<Slot<S>>) {
        let _newest = self.newest();
        if self.slots.get(key).is_some_and(|shelved| Arc::ptr_eq(&shelved, &slot)) {
            self.slots.insert(key.clone(), slot);
        }
    }

    fn newest(&self) -> MutexGuard<'_, Option<u64>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What any one of them counts at most, within a limit for all.
pub(crate) fn most(kib_max: u64) -> u32 {
    u32::try_from(kib_max / KEPT_MIN).unwrap_or(u32::MAX)
}

fn weight_kib<S: Stock>(slot: &Slot<S>) -> u32 {
    let bytes = slot.stock().map_or(0, |stock| stock.stock.weight_bytes());
    u32::try_from(bytes / 1024).unwrap_or(u32::MAX).saturating_add(EMPTY_KIB)
}

#[cfg(test)]
mod tests {
    use names::{LabelName, PackageId, PackageKind};
    use readmodel::ArtifactRow;
    use runtime::TestClock;
    use time::OffsetDateTime;
    use uuid::Uuid;

    use super::*;

    /// A stock that knows nothing but its weight.
    struct Heavy;
    const HEAVY_KIB: u64 = 9;

    impl Stock for Heavy {
        const KIND: PackageKind = PackageKind::Conda;
        type View = ();

        fn read(_: &Key, _: Vec<ArtifactRow>, _: Option<&Self>, _: &Arc<dyn Clock>) -> Result<Self, Failure> {
            Ok(Self)
        }

        fn with(&self, _: &Key, _: Vec<(Box<str>, Vec<ArtifactRow>)>) -> Result<Self, Failure> {
            Ok(Self)
        }

        fn packages(&self) -> impl Iterator<Item = (&str, PackageId)> {
            std::iter::empty()
        }

        fn whole(&self) -> Arc<()> {
            Arc::default()
        }

        fn is_plain(&self) -> bool {
            true
        }

        fn cut(&self, _: Option<&LabelName>, _: &[bool]) {}

        fn cut_bytes((): &()) -> usize {
            0
        }

        fn weight_bytes(&self) -> usize {
            usize::try_from(HEAVY_KIB).expect("a small number") * 1024
        }
    }

    #[derive(Clone)]
    struct Empty;

    impl Rows for Empty {
        async fn wait(&self, _: u64) -> Result<(), Failure> {
            Ok(())
        }

        async fn all(
            &self,
            _: ChannelId,
            _: PackageKind,
            _: Option<&str>,
        ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
            Ok((1, Vec::new()))
        }

        async fn named(
            &self,
            _: ChannelId,
            _: PackageKind,
            _: &str,
        ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
            Ok((1, Vec::new()))
        }
    }

    fn key(number: u128) -> Key {
        Key::pypi(ChannelId(Uuid::from_u128(number)))
    }

    /// A shelf with room for three stocks, each with its slot.
    fn shelf() -> Shelf<Heavy, Empty> {
        shelf_of(3 * (HEAVY_KIB + u64::from(EMPTY_KIB)))
    }

    fn shelf_of(kib_max: u64) -> Shelf<Heavy, Empty> {
        let clock = Arc::new(TestClock::at(OffsetDateTime::UNIX_EPOCH));
        let shelf = Shelf::new(Empty, clock, kib_max);
        shelf.floor(1);
        shelf
    }

    #[tokio::test]
    async fn a_stock_heavier_than_the_shelf_takes_is_read_once() {
        let shelf = shelf_of(HEAVY_KIB - 2);
        for number in [1, 2] {
            let first = shelf.current(&key(number)).await.unwrap().number;
            shelf.slots.run_pending_tasks();
            assert_eq!(shelf.current(&key(number)).await.unwrap().number, first);
        }
        shelf.current(&key(3)).await.unwrap();
        shelf.slots.run_pending_tasks();
        let kept = [1, 2, 3].map(|number| shelf.slots.contains_key(&key(number)));
        assert_eq!(kept, [false, true, true]);
    }

    #[tokio::test]
    async fn as_many_stocks_are_kept_as_fit_and_the_one_unused_longest_goes_first() {
        let shelf = shelf();
        for number in [1, 2, 3, 1, 4] {
            shelf.current(&key(number)).await.unwrap();
            shelf.slots.run_pending_tasks();
        }
        let kept: Vec<_> = [1, 2, 3, 4].map(|number| shelf.slots.contains_key(&key(number))).into();
        assert_eq!(kept, [true, false, true, true]);
    }

    #[tokio::test]
    async fn a_slot_that_lost_its_place_does_not_take_it_back() {
        let shelf = shelf();
        let lost = shelf.slot(&key(1)).unwrap();
        shelf.slots.invalidate(&key(1));
        let shelved = shelf.slot(&key(1)).unwrap();
        shelf.heard(&key(1), "a", 2);
        shelf.weigh(&key(1), lost);
        let found = shelf.slots.get(&key(1)).unwrap();
        assert!(Arc::ptr_eq(&found, &shelved));
        assert_eq!(found.fresh().err(), Some(2));
    }
}
