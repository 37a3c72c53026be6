//! One stock and everything that keeps it true. At most one read of it is under way; whoever comes meanwhile shares
//! that read and its failure.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use metrics::counter;
use names::{LabelName, PackageId, PackageKind, Subdir};
use readmodel::ArtifactRow;
use runtime::{Clock, Failure};
use tracing::Instrument;

use crate::index::rows::{Rows, behind};
use crate::index::shelf::Key;
use crate::index::stale::{Demand, Stale};

/// All there is in one place, whoever may see it: built from rows, then changed name by name. A stock never changes; the
/// next one takes its place.
pub(crate) trait Stock: Sized + Send + Sync + 'static {
    /// The kind of package it holds.
    const KIND: PackageKind;

    /// What some viewers get to see of it.
    type View: Send + Sync + 'static;

    /// Reads all rows. What `before` has rendered of unchanged names is kept.
    fn read(
        key: &Key,
        rows: Vec<ArtifactRow>,
        before: Option<&Self>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure>;

    /// The same stock with some names read again; a name without rows is gone.
    fn with(&self, key: &Key, names: Vec<(Box<str>, Vec<ArtifactRow>)>) -> Result<Self, Failure>;

    /// Its packages, each by name and id, in order.
    fn packages(&self) -> impl Iterator<Item = (&str, PackageId)>;

    /// Whether every file bears the label `main` and no other.
    fn is_plain(&self) -> bool;

    /// Everything. Made once: viewers from whom nothing is hidden share it.
    fn whole(&self) -> Arc<Self::View>;

    /// The files that bear a label, or any, of its packages but for those that are hidden: a yes or no for each, in order.
    fn cut(&self, label: Option<&LabelName>, shown: &[bool]) -> Self::View;

    /// What it takes at most once everything lazy in it is rendered.
    fn weight_bytes(&self) -> usize;

    /// The same of a view of it that is not the whole.
    fn cut_bytes(view: &Self::View) -> usize;
}

/// A stock with a number that no other stock of this process has.
pub(crate) struct Numbered<S> {
    pub(crate) number: u64,
    pub(crate) stock: S,
}

impl<S> Numbered<S> {
    fn new(stock: S) -> Arc<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Arc::new(Self { number: NEXT.fetch_add(1, Ordering::Relaxed), stock })
    }
}

type Load<S> = Shared<BoxFuture<'static, Result<Arc<Numbered<S>>, Failure>>>;

pub(crate) struct Slot<S> {
    key: Key,
    clock: Arc<dyn Clock>,
    state: Mutex<State<S>>,
}

struct State<S> {
    stock: Option<Arc<Numbered<S>>>,
    stale: Stale,
    load: Option<Load<S>>,
}

impl<S: Stock> Slot<S> {
    /// An unread stock, of which anything up to `wanted` must be shown.
    pub(crate) fn new(key: Key, clock: Arc<dyn Clock>, wanted: u64) -> Self {
        let mut stale = Stale::default();
        stale.everything(wanted);
        Self { key, clock, state: Mutex::new(State { stock: None, stale, load: None }) }
    }

    pub(crate) fn heard(&self, name: &str, seq: u64) {
        self.state().stale.name(name, seq);
    }

    pub(crate) fn floor(&self, seq: u64) {
        self.state().stale.everything(seq);
    }

    /// The stock as it is, stale or not.
    pub(crate) fn stock(&self) -> Option<Arc<Numbered<S>>> {
        self.state().stock.clone()
    }

    /// The stock, if nothing newer was heard; otherwise the sequence that must be waited for.
    pub(crate) fn fresh(&self) -> Result<Arc<Numbered<S>>, u64> {
        let state = self.state();
        match (state.stale.demand(state.stock.is_some()), &state.stock) {
            (Demand::None, Some(stock)) => Ok(stock.clone()),
            (Demand::All(seq) | Demand::Names(_, seq), _) => Err(seq),
            (Demand::None, None) => Err(0),
        }
    }

    /// Reads what is stale; the read models have reached `seq` already.
    pub(crate) async fn refresh<R: Rows>(
        self: &Arc<Self>,
        rows: &R,
        seq: u64,
    ) -> Result<Arc<Numbered<S>>, Failure> {
        let (load, under_way) = self.load(rows, seq);
        let stock = load.await?;
        if !under_way {
            return Ok(stock);
        }
        // That read may have begun before the wait for `seq` was over; one that begins now shows it.
        match self.fresh() {
            Ok(stock) => Ok(stock),
            Err(_) => self.load(rows, seq).0.await,
        }
    }

    /// The read under way, or a new one; says which.
    fn load<R: Rows>(self: &Arc<Self>, rows: &R, seq: u64) -> (Load<S>, bool) {
        let mut state = self.state();
        if let Some(load) = state.load.as_ref().filter(|load| load.peek().is_none()) {
            return (load.clone(), true);
        }
        // A task of its own: a client that goes away takes nobody else's read with it.
        let span = tracing::info_span!("gateway.index.read", kind = S::KIND.as_str(), at_least = seq);
        let task = tokio::spawn(self.clone().read(rows.clone(), seq).instrument(span));
        let load = async move { task.await.map_err(Failure::internal)? }.boxed().shared();
        state.load = Some(load.clone());
        (load, false)
    }

    async fn read<R: Rows>(self: Arc<Self>, rows: R, seq: u64) -> Result<Arc<Numbered<S>>, Failure> {
        let (demand, before) = {
            let state = self.state();
            (state.stale.demand(state.stock.is_some()), state.stock.clone())
        };
        match (demand, before) {
            (Demand::None, Some(stock)) => Ok(stock),
            (Demand::Names(names, _), Some(stock)) => self.read_names(rows, seq, names, stock).await,
            (Demand::All(_) | Demand::Names(..) | Demand::None, before) => {
                self.read_all(rows, seq, before).await
            }
        }
    }

    async fn read_all<R: Rows>(
        self: Arc<Self>,
        rows: R,
        seq: u64,
        before: Option<Arc<Numbered<S>>>,
    ) -> Result<Arc<Numbered<S>>, Failure> {
        counter!("latchkey_index_reads_total", "kind" => S::KIND.as_str(), "what" => "all").increment(1);
        let subdir = self.key.subdir.as_ref().map(Subdir::as_str);
        let (seen, found) = rows.all(self.key.channel, S::KIND, subdir).await?;
        reached(seen, seq)?;
        let slot = self.clone();
        let read = move || S::read(&slot.key, found, before.as_deref().map(|it| &it.stock), &slot.clock);
        let stock = blocking(read).await?;
        let mut state = self.state();
        state.stale.read_all(seen);
        Ok(state.stock.insert(Numbered::new(stock)).clone())
    }

    async fn read_names<R: Rows>(
        self: Arc<Self>,
        rows: R,
        seq: u64,
        names: Vec<Box<str>>,
        before: Arc<Numbered<S>>,
    ) -> Result<Arc<Numbered<S>>, Failure> {
        counter!("latchkey_index_reads_total", "kind" => S::KIND.as_str(), "what" => "names").increment(1);
        let mut found = Vec::with_capacity(names.len());
        let mut read = Vec::with_capacity(names.len());
        for name in names {
            let (seen, rows) = rows.named(self.key.channel, S::KIND, &name).await?;
            reached(seen, seq)?;
            read.push((name.clone(), seen));
            found.push((name, rows));
        }
        let slot = self.clone();
        let stock = blocking(move || before.stock.with(&slot.key, found)).await?;
        let mut state = self.state();
        for (name, seen) in read {
            state.stale.read_name(&name, seen);
        }
        Ok(state.stock.insert(Numbered::new(stock)).clone())
    }

    fn state(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A read at an older sequence than was waited for comes from a read model that went back; it is not served.
fn reached(seen: u64, seq: u64) -> Result<(), Failure> {
    if seen < seq { Err(behind()) } else { Ok(()) }
}

/// Building from many rows takes longer than a worker of the runtime may be held.
pub(crate) async fn blocking<T: Send + 'static>(
    build: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(build).await.map_err(Failure::internal)?
}
