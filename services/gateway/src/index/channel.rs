//! What is cut from all subdirs of a channel at once.

use std::sync::{Arc, Weak};

use moka::sync::Cache;
use names::ChannelId;
use runtime::Failure;
use tokio::sync::Mutex;

use crate::index::conda::CondaView;
use crate::index::slot::blocking;
use crate::render::{Rendered, channeldata};

/// Channels whose `channeldata.json` is kept. Few ask for it: browsers and conda-build.
const CHANNELS_MAX: u64 = 64;

pub(crate) struct Channels(Cache<ChannelId, Arc<Mutex<Option<Cut>>>>);

/// A document and the views it was cut from.
struct Cut {
    views: Vec<Weak<CondaView>>,
    rendered: Rendered,
}

impl Channels {
    pub(crate) fn new() -> Self {
        Self(Cache::new(CHANNELS_MAX))
    }

    /// `channeldata.json` of these views, rendered again only when one of them has been replaced.
    pub(crate) async fn channeldata(
        &self,
        channel: ChannelId,
        views: Vec<Arc<CondaView>>,
    ) -> Result<Rendered, Failure> {
        let cell = self.0.get_with(channel, Arc::default);
        let mut cut = cell.lock().await;
        if let Some(cut) = cut.as_ref().filter(|cut| cut.is_of(&views)) {
            return Ok(cut.rendered.clone());
        }
        let weak = views.iter().map(Arc::downgrade).collect();
        let rendered = blocking(move || {
            channeldata::channeldata(views.iter().flat_map(|view| view.for_channeldata()))
                .map_err(Failure::internal)
        })
        .await?;
        *cut = Some(Cut { views: weak, rendered: rendered.clone() });
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
