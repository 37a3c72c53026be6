//! The indexes in memory, over the rows in Postgres.
//!
//! Nothing is answered from a view older than what was heard: the content feed says what changed, and a view whose
//! names have changed since it was read waits for the projector and reads those names again, no others. While nothing
//! newer was heard, memory answers alone, Postgres away or not.

mod channel;
mod conda;
mod package;
mod pypi;
mod retired;
mod rows;
mod shelf;
mod slot;
mod sorted;
mod stale;

use std::sync::Arc;

use names::{ChannelId, Subdir};
use proto::event::v1::PackageKind;
use proto::feed::v1::ContentChange;
use readmodel::Reader;
use runtime::{Clock, Failure};

use crate::render::Rendered;
use channel::Channels;
pub use conda::CondaView;
pub use pypi::PypiView;
pub use rows::Rows;
use shelf::{Key, Shelf};

/// Memory for conda views, in KiB: records, shards and whole documents of the channels in use.
const CONDA_KIB_MAX: u64 = 1024 * 1024;
/// Memory for Python views, in KiB.
const PYPI_KIB_MAX: u64 = 256 * 1024;

/// Every index this gateway serves.
pub struct Indexes<R = Reader> {
    conda: Shelf<CondaView, R>,
    pypi: Shelf<PypiView, R>,
    channels: Channels,
}

impl<R: Rows> Indexes<R> {
    /// Holds nothing yet, and answers nothing until [`Indexes::floor`] was told once.
    pub fn new(rows: R, clock: Arc<dyn Clock>) -> Self {
        Self {
            conda: Shelf::new(rows.clone(), clock.clone(), CONDA_KIB_MAX),
            pypi: Shelf::new(rows, clock, PYPI_KIB_MAX),
            channels: Channels::new(),
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

    /// One subdir of a channel. A subdir without files has an empty view.
    pub async fn conda(&self, channel: ChannelId, subdir: &Subdir) -> Result<Arc<CondaView>, Failure> {
        self.conda.current(&Key::conda(channel, subdir)).await
    }

    /// A channel's Python projects.
    pub async fn pypi(&self, channel: ChannelId) -> Result<Arc<PypiView>, Failure> {
        self.pypi.current(&Key::pypi(channel)).await
    }

    /// `channeldata.json`, over all subdirs.
    pub async fn channeldata(&self, channel: ChannelId) -> Result<Rendered, Failure> {
        let mut views = Vec::new();
        for subdir in Subdir::all() {
            views.push(self.conda(channel, &subdir).await?);
        }
        self.channels.channeldata(channel, views).await
    }
}
