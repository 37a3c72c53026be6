//! What viewers see of a stock: cut once for all who see the same, never once for each.
//!
//! An answer comes from a cut of the very stock that is current, made no earlier than the access table was when the
//! request was let in. So a package is shown as the table knows it at that moment or later, and one that the table does
//! not know is in no cut.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use access::{Sight, View};
use feed::client::AccessView;
use hashbrown::DefaultHashBuilder;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use names::{LabelName, PackageId};
use runtime::Failure;

use crate::index::shelf::{Key, most};
use crate::index::slot::{Numbered, Stock, blocking};

/// Packages looked up at one time: an event that is to be applied to the table waits for as long.
const PORTION: usize = 4096;
/// Times that looking up is begun again because an event came between; then all is looked up at one time.
const TRIES: u32 = 3;
/// Packages that are cut on the spot; more take longer than a worker of the runtime may be held.
const ON_THE_SPOT: usize = 512;
/// What a cut takes that shares everything with its stock, in KiB.
const EMPTY_KIB: u32 = 1;

/// The cuts of all stocks of one kind, within a limit of memory.
pub(crate) struct Cuts<S: Stock> {
    access: AccessView,
    cells: Cache<Place, Arc<Cell<S::View>>, DefaultHashBuilder>,
}

/// A stock's, for those who see the same of it; of the files with this label, or with any.
type Place = (Key, Option<LabelName>, Sight);

/// The newest cut for those who see the same of one place.
struct Cell<V> {
    cut: Mutex<Option<Cut<V>>>,
    /// Held while it is cut: whoever comes meanwhile waits for that cut.
    turn: tokio::sync::Mutex<()>,
}

struct Cut<V> {
    /// The number of its stock.
    of: u64,
    /// The moment of the access table.
    at: u64,
    kib: u32,
    view: Arc<V>,
}

impl<S: Stock> Cuts<S> {
    pub(crate) fn new(access: AccessView, kib_max: u64) -> Self {
        let cells = Cache::builder()
            .max_capacity(kib_max)
            .weigher(move |_, cell: &Arc<Cell<S::View>>| {
                cell.cut().as_ref().map_or(EMPTY_KIB, |cut| cut.kib.min(most(kib_max)))
            })
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(DefaultHashBuilder::default());
        Self { access, cells }
    }

    /// What this view shows of a stock's files that bear a label, or any.
    pub(crate) async fn of(
        &self,
        key: &Key,
        view: &View,
        label: Option<&LabelName>,
        stock: &Arc<Numbered<S>>,
    ) -> Result<Arc<S::View>, Failure> {
        let any = stock.stock.is_plain() && label.is_some_and(LabelName::is_main);
        let label = label.filter(|_| !any);
        let place = (key.clone(), label.cloned(), view.sight().clone());
        let cell = self.cells.get_with_by_ref(&place, Arc::default);
        if let Some(found) = cell.good(stock.number, view.cut_at()) {
            return Ok(found);
        }
        let _turn = cell.turn.lock().await;
        if let Some(found) = cell.good(stock.number, view.cut_at()) {
            return Ok(found);
        }
        let cut = self.cut(view, label, stock).await?;
        let made = cut.view.clone();
        cell.cut().replace(cut);
        // Back with its new weight.
        self.cells.insert(place, cell.clone());
        Ok(made)
    }

    async fn cut(
        &self,
        view: &View,
        label: Option<&LabelName>,
        stock: &Arc<Numbered<S>>,
    ) -> Result<Cut<S::View>, Failure> {
        let (access, view, label) = (self.access.clone(), view.clone(), label.cloned());
        let stock = stock.clone();
        let count = stock.stock.packages().count();
        let work = move || Ok(Cut::make(&access, &view, label.as_ref(), &stock));
        if count <= ON_THE_SPOT { work() } else { blocking(work).await }
    }
}

impl<V> Default for Cell<V> {
    fn default() -> Self {
        Self { cut: Mutex::new(None), turn: tokio::sync::Mutex::new(()) }
    }
}

impl<V> Cell<V> {
    /// Its cut, if it is of this stock and not older than this.
    fn good(&self, of: u64, at: u64) -> Option<Arc<V>> {
        let cut = self.cut();
        cut.as_ref().filter(|cut| cut.of == of && cut.at >= at).map(|cut| cut.view.clone())
    }

    fn cut(&self) -> MutexGuard<'_, Option<Cut<V>>> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<V> Cut<V> {
    fn make<S: Stock<View = V>>(
        access: &AccessView,
        view: &View,
        label: Option<&LabelName>,
        stock: &Numbered<S>,
    ) -> Self {
        let packages: Vec<_> = stock.stock.packages().collect();
        let (at, shown) = shown::<S>(access, view, &packages);
        let of = stock.number;
        if label.is_none() && shown.iter().all(|shown| *shown) {
            return Self { of, at, kib: EMPTY_KIB, view: stock.stock.whole() };
        }
        let view = stock.stock.cut(label, &shown);
        let kib = u32::try_from(S::cut_bytes(&view) / 1024).unwrap_or(u32::MAX).saturating_add(EMPTY_KIB);
        Self { of, at, kib, view: Arc::new(view) }
    }
}

/// Which of these packages the view shows, and the moment of the table at which that is so.
fn shown<S: Stock>(access: &AccessView, view: &View, packages: &[(&str, PackageId)]) -> (u64, Vec<bool>) {
    let look = |portion: &[(&str, PackageId)], shown: &mut Vec<bool>| {
        access.read(|table| {
            let sees = table.shown(view);
            shown.extend(portion.iter().map(|(name, id)| sees.has(S::KIND, name, *id)));
            sees.cut_at()
        })
    };
    let mut shown = Vec::with_capacity(packages.len());
    for _ in 0..TRIES {
        shown.clear();
        let first = look(&[], &mut shown);
        if packages.chunks(PORTION).all(|portion| look(portion, &mut shown) == first) {
            return (first, shown);
        }
    }
    shown.clear();
    (look(packages, &mut shown), shown)
}
