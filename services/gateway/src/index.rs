//! The indexes in memory, over the rows in Postgres, as each viewer may see them.
//!
//! Nothing is answered from anything older than what was heard: the content feed says what changed, and a stock whose
//! names have changed since it was read waits for the projector and reads those names again, no others. While nothing
//! newer was heard, memory answers alone, Postgres away or not. What a viewer sees of a stock is cut from it once for all
//! who see the same.

mod channel;
mod conda;
mod cut;
mod labels;
mod package;
mod pypi;
mod retired;
mod rows;
mod shelf;
mod slot;
mod sorted;
mod stale;

use std::sync::Arc;

use access::View;
use feed::client::AccessView;
use names::{ChannelId, LabelName, Subdir};
use proto::event::v1::PackageKind;
use proto::feed::v1::ContentChange;
use readmodel::Reader;
use runtime::{Clock, Failure};

use crate::render::Rendered;
use channel::Channels;
use conda::CondaStock;
pub use conda::CondaView;
use cut::Cuts;
use pypi::PypiStock;
pub use pypi::PypiView;
pub use rows::Rows;
use shelf::{Key, Shelf};

/// Memory for the conda packages of the channels in use, in KiB: records, shards, and the documents that show them all.
const CONDA_KIB_MAX: u64 = 1024 * 1024;
/// Memory for what is cut from them for viewers who do not see all, in KiB.
const CONDA_CUTS_KIB_MAX: u64 = 1024 * 1024;
/// The same for Python projects.
const PYPI_KIB_MAX: u64 = 256 * 1024;
const PYPI_CUTS_KIB_MAX: u64 = 256 * 1024;

/// Every index this gateway serves.
pub struct Indexes<R = Reader> {
    access: AccessView,
    conda: Shelf<CondaStock, R>,
    conda_cuts: Cuts<CondaStock>,
    pypi: Shelf<PypiStock, R>,
    pypi_cuts: Cuts<PypiStock>,
    channels: Channels,
}

impl<R: Rows> Indexes<R> {
    /// Holds nothing yet, and answers nothing until [`Indexes::floor`] was told once.
    pub fn new(rows: R, access: AccessView, clock: Arc<dyn Clock>) -> Self {
        Self {
            conda: Shelf::new(rows.clone(), clock.clone(), CONDA_KIB_MAX),
            conda_cuts: Cuts::new(access.clone(), CONDA_CUTS_KIB_MAX),
            pypi: Shelf::new(rows, clock, PYPI_KIB_MAX),
            pypi_cuts: Cuts::new(access.clone(), PYPI_CUTS_KIB_MAX),
            channels: Channels::new(),
            access,
        }
    }

    /// Takes a change from the content feed: what was read of that name before it is stale from now on.
    pub fn heard(&self, change: &ContentChange) {
        let channel = ChannelId::from_bytes(&change.channel_id);
        let subdir = Subdir::parse(&change.subdir);
        match (channel, change.kind(), subdir) {
            (Ok(channel), PackageKind::Conda, Ok(subdir)) => {
                self.conda.heard(&Key::conda(channel, &subdir), &change.name, change.seq);
            }
            (Ok(channel), PackageKind::Pypi, _) => {
                self.pypi.heard(&Key::pypi(channel), &change.name, change.seq);
            }
            // No index shows these.
            (_, PackageKind::Notebook | PackageKind::Environment | PackageKind::File, _) => {}
            // What a newer catalog says may concern anything.
            (_, PackageKind::Conda | PackageKind::Pypi | PackageKind::Unspecified, _) => {
                self.floor(change.seq)
            }
        }
    }

    /// The feed starts, or starts again without knowing what was missed: everything read before `seq` is stale.
    pub fn floor(&self, seq: u64) {
        self.conda.floor(seq);
        self.pypi.floor(seq);
    }

    /// One subdir of a channel, as it is seen: the files that bear a label, or any. A subdir without files has an empty
    /// view.
    pub async fn conda(
        &self,
        view: &View,
        subdir: &Subdir,
        label: Option<&LabelName>,
    ) -> Result<Arc<CondaView>, Failure> {
        let key = Key::conda(view.channel(), subdir);
        let stock = self.conda.current(&key).await?;
        self.conda_cuts.of(&key, view, label, &stock).await
    }

    /// A shard: one of the view, or one that within a week has left a package which is still to be seen.
    pub async fn shard(
        &self,
        view: &View,
        subdir: &Subdir,
        label: Option<&LabelName>,
        hash: &[u8; 32],
    ) -> Result<Option<Arc<Rendered>>, Failure> {
        let key = Key::conda(view.channel(), subdir);
        let stock = self.conda.current(&key).await?;
        let cut = self.conda_cuts.of(&key, view, label, &stock).await?;
        if let Some(shard) = cut.shard(hash).await? {
            return Ok(Some(shard));
        }
        let old = stock.stock.retired(hash);
        let seen = self.access.read(|table| {
            let sees = table.shown(view);
            old.into_iter().find(|old| sees.has(names::PackageKind::Conda, &old.name, old.id))
        });
        Ok(seen.map(|old| old.shard.document))
    }

    /// A channel's Python projects, as they are seen: the files that bear a label, or any.
    pub async fn pypi(&self, view: &View, label: Option<&LabelName>) -> Result<Arc<PypiView>, Failure> {
        let key = Key::pypi(view.channel());
        let stock = self.pypi.current(&key).await?;
        self.pypi_cuts.of(&key, view, label, &stock).await
    }

    /// Whether a label is there, as far as it is seen: some file bears it, or it is the one that is always there.
    pub async fn has_label(&self, view: &View, label: &LabelName) -> Result<bool, Failure> {
        if label.is_main() {
            return Ok(true);
        }
        for subdir in Subdir::all() {
            if !self.conda(view, &subdir, Some(label)).await?.is_empty() {
                return Ok(true);
            }
        }
        Ok(!self.pypi(view, Some(label)).await?.is_empty())
    }

    /// `channeldata.json`, over all subdirs: the files that bear a label, or any.
    pub async fn channeldata(
        &self,
        view: &View,
        label: Option<&LabelName>,
    ) -> Result<Arc<Rendered>, Failure> {
        let mut views = Vec::new();
        for subdir in Subdir::all() {
            views.push(self.conda(view, &subdir, label).await?);
        }
        self.channels.channeldata((view.channel(), label.cloned(), view.sight().clone()), views).await
    }
}
