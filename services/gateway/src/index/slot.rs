//! One view and everything that keeps it true. At most one read of it is under way; whoever comes meanwhile shares
//! that read and its failure.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use metrics::counter;
use names::{PackageKind, Subdir};
use readmodel::ArtifactRow;
use runtime::{Clock, Failure};
use tracing::Instrument;

use crate::index::rows::{Rows, behind};
use crate::index::shelf::Key;
use crate::index::stale::{Demand, Stale};

/// What a slot holds: built from rows, then changed name by name. A view never changes; the next one takes its place.
pub(crate) trait View: Sized + Send + Sync + 'static {
    /// The kind of package it shows.
    const KIND: PackageKind;

    /// Reads all rows. What `before` has rendered of unchanged names is kept.
    fn read(
        key: &Key,
        rows: Vec<ArtifactRow>,
        before: Option<&Self>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, Failure>;

    /// The same view with some names read again; a name without rows is gone.
    fn with(&self, key: &Key, names: Vec<(Box<str>, Vec<ArtifactRow>)>) -> Result<Self, Failure>;

    /// What it takes at most once everything lazy in it is rendered.
    fn weight_bytes(&self) -> usize;
}

type Load<V> = Shared<BoxFuture<'static, Result<Arc<V>, Failure>>>;

pub(crate) struct Slot<V> {
    key: Key,
    clock: Arc<dyn Clock>,
    state: Mutex<State<V>>,
}

struct State<V> {
    view: Option<Arc<V>>,
    stale: Stale,
    load: Option<Load<V>>,
}

impl<V: View> Slot<V> {
    /// An unread view, of which anything up to `wanted` must be shown.
    pub(crate) fn new(key: Key, clock: Arc<dyn Clock>, wanted: u64) -> Self {
        let mut stale = Stale::default();
        stale.everything(wanted);
        Self { key, clock, state: Mutex::new(State { view: None, stale, load: None }) }
    }

    pub(crate) fn heard(&self, name: &str, seq: u64) {
        self.state().stale.name(name, seq);
    }

    pub(crate) fn floor(&self, seq: u64) {
        self.state().stale.everything(seq);
    }

    /// The view as it is, stale or not.
    pub(crate) fn view(&self) -> Option<Arc<V>> {
        self.state().view.clone()
    }

    /// The view, if nothing newer was heard; otherwise the sequence that must be waited for.
    pub(crate) fn fresh(&self) -> Result<Arc<V>, u64> {
        let state = self.state();
        match (state.stale.demand(state.view.is_some()), &state.view) {
            (Demand::None, Some(view)) => Ok(view.clone()),
            (Demand::All(seq) | Demand::Names(_, seq), _) => Err(seq),
            (Demand::None, None) => Err(0),
        }
    }

    /// Reads what is stale; the read models have reached `seq` already.
    pub(crate) async fn refresh<R: Rows>(self: &Arc<Self>, rows: &R, seq: u64) -> Result<Arc<V>, Failure> {
        let (load, under_way) = self.load(rows, seq);
        let view = load.await?;
        if !under_way {
            return Ok(view);
        }
        // That read may have begun before the wait for `seq` was over; one that begins now shows it.
        match self.fresh() {
            Ok(view) => Ok(view),
            Err(_) => self.load(rows, seq).0.await,
        }
    }

    /// The read under way, or a new one; says which.
    fn load<R: Rows>(self: &Arc<Self>, rows: &R, seq: u64) -> (Load<V>, bool) {
        let mut state = self.state();
        if let Some(load) = state.load.as_ref().filter(|load| load.peek().is_none()) {
            return (load.clone(), true);
        }
        // A task of its own: a client that goes away takes nobody else's read with it.
        let span = tracing::info_span!("gateway.index.read", kind = V::KIND.as_str(), at_least = seq);
        let task = tokio::spawn(self.clone().read(rows.clone(), seq).instrument(span));
        let load = async move { task.await.map_err(Failure::internal)? }.boxed().shared();
        state.load = Some(load.clone());
        (load, false)
    }

    async fn read<R: Rows>(self: Arc<Self>, rows: R, seq: u64) -> Result<Arc<V>, Failure> {
        let (demand, before) = {
            let state = self.state();
            (state.stale.demand(state.view.is_some()), state.view.clone())
        };
        match (demand, before) {
            (Demand::None, Some(view)) => Ok(view),
            (Demand::Names(names, _), Some(view)) => self.read_names(rows, seq, names, view).await,
            (Demand::All(_) | Demand::Names(..) | Demand::None, before) => {
                self.read_all(rows, seq, before).await
            }
        }
    }

    async fn read_all<R: Rows>(
        self: Arc<Self>,
        rows: R,
        seq: u64,
        before: Option<Arc<V>>,
    ) -> Result<Arc<V>, Failure> {
        counter!("latchkey_index_reads_total", "kind" => V::KIND.as_str(), "what" => "all").increment(1);
        let subdir = self.key.subdir.as_ref().map(Subdir::as_str);
        let (seen, found) = rows.all(self.key.channel, V::KIND, subdir).await?;
        reached(seen, seq)?;
        let slot = self.clone();
        let view = blocking(move || V::read(&slot.key, found, before.as_deref(), &slot.clock)).await?;
        let mut state = self.state();
        state.stale.read_all(seen);
        Ok(state.view.insert(Arc::new(view)).clone())
    }

    async fn read_names<R: Rows>(
        self: Arc<Self>,
        rows: R,
        seq: u64,
        names: Vec<Box<str>>,
        before: Arc<V>,
    ) -> Result<Arc<V>, Failure> {
        counter!("latchkey_index_reads_total", "kind" => V::KIND.as_str(), "what" => "names").increment(1);
        let mut found = Vec::with_capacity(names.len());
        let mut read = Vec::with_capacity(names.len());
        for name in names {
            let (seen, rows) = rows.named(self.key.channel, V::KIND, &name).await?;
            reached(seen, seq)?;
            read.push((name.clone(), seen));
            found.push((name, rows));
        }
        let slot = self.clone();
        let view = blocking(move || before.with(&slot.key, found)).await?;
        let mut state = self.state();
        for (name, seen) in read {
            state.stale.read_name(&name, seen);
        }
        Ok(state.view.insert(Arc::new(view)).clone())
    }

    fn state(&self) -> MutexGuard<'_, State<V>> {
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
