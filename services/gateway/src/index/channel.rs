//! What is cut from all subdirs of a channel at once, for those who see the same of it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

use access::Sight;
use moka::sync::Cache;
use names::{ChannelId, LabelName};
use runtime::Failure;
use tokio::sync::Mutex;

use crate::index::conda::CondaView;
use crate::index::slot::blocking;
use crate::render::{Rendered, channeldata};

/// Memory for `channeldata.json`, in KiB. Few ask for it: browsers and conda-build.
const KIB_MAX: u64 = 64 * 1024;
/// What a place takes before anything is in it, in KiB.
const EMPTY_KIB: u32 = 1;

/// A channel, the label of the files in it, and who reads it.
type Place = (ChannelId, Option<LabelName>, Sight);

pub(crate) struct Channels(Cache<Place, Arc<Cell>>);

#[derive(Default)]
struct Cell {
    cut: Mutex<Option<Cut>>,
    kib: AtomicU32,
}

/// A document and the views it was cut from.
struct Cut {
    views: Vec<Weak<CondaView>>,
    rendered: Arc<Rendered>,
}

impl Channels {
    pub(crate) fn new() -> Self {
        let weigher = |_: &Place, cell: &Arc<Cell>| cell.kib.load(Ordering::Relaxed) + EMPTY_KIB;
        Self(Cache::builder().max_capacity(KIB_MAX).weigher(weigher).build())
    }

    /// `channeldata.json` of these views, rendered again only when one of them has been replaced.
    pub(crate) async fn channeldata(
        &self,
        place: Place,
        views: Vec<Arc<CondaView>>,
    ) -> Result<Arc<Rendered>, Failure> {
        let cell = self.0.get_with_by_ref(&place, Arc::default);
        let mut cut = cell.cut.lock().await;
        if let Some(cut) = cut.as_ref().filter(|cut| cut.is_of(&views)) {
            return Ok(cut.rendered.clone());
        }
        let weak = views.iter().map(Arc::downgrade).collect();
        let rendered = blocking(move || {
            channeldata::channeldata(views.iter().flat_map(|view| view.for_channeldata()))
                .map_err(Failure::internal)
        });
        let rendered = Arc::new(rendered.await?);
        cell.kib.store(u32::try_from(rendered.bytes.len() / 1024).unwrap_or(u32::MAX / 2), Ordering::Relaxed);
        *cut = Some(Cut { views: weak, rendered: rendered.clone() });
        drop(cut);
        // Back with its new weight.
        self.0.insert(place, cell.clone());
        Ok(rendered)
    }
}

impl Cut {
    /// A weak pointer keeps the address from being used again, so equal addresses are the same view.
    fn is_of(&self, views: &[Arc<CondaView>]) -> bool {
        self.views.len() == views.len()
            && self.views.iter().zip(views).all(|(weak, view)| weak.as_ptr() == Arc::as_ptr(view))
    }
}
