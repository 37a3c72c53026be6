//! What the cache asks of the read models, and what it says when they cannot answer.

use std::time::Duration;

use names::{ChannelId, PackageKind};
use readmodel::{ArtifactRow, ReadError, Reader, Stream};
use runtime::Failure;

/// How long a request waits for the projector to reach what was heard.
pub(crate) const CHECKPOINT_WAIT: Duration = Duration::from_secs(2);

/// Rows with the CATALOG sequence they stand at. Postgres in the servers, a script in the cache's own tests.
pub trait Rows: Clone + Send + Sync + 'static {
    /// Returns once the read models have applied `seq`; fails after two seconds.
    fn wait(&self, seq: u64) -> impl Future<Output = Result<(), Failure>> + Send;

    /// The files of one kind in a channel, or in one subdir of it.
    fn all(
        &self,
        channel: ChannelId,
        kind: PackageKind,
        subdir: Option<&str>,
    ) -> impl Future<Output = Result<(u64, Vec<ArtifactRow>), Failure>> + Send;

    /// The files of one package, in every subdir.
    fn named(
        &self,
        channel: ChannelId,
        kind: PackageKind,
        name: &str,
    ) -> impl Future<Output = Result<(u64, Vec<ArtifactRow>), Failure>> + Send;
}

impl Rows for Reader {
    async fn wait(&self, seq: u64) -> Result<(), Failure> {
        self.wait_checkpoint(Stream::Catalog, seq, CHECKPOINT_WAIT).await.map(drop).map_err(failure)
    }

    async fn all(
        &self,
        channel: ChannelId,
        kind: PackageKind,
        subdir: Option<&str>,
    ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
        self.artifacts(channel, kind, subdir).await.map_err(failure)
    }

    async fn named(
        &self,
        channel: ChannelId,
        kind: PackageKind,
        name: &str,
    ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
        self.artifacts_named(channel, kind, name).await.map_err(failure)
    }
}

/// An index that cannot be read is 503, never an empty one.
fn failure(error: ReadError) -> Failure {
    if error.may_pass() { behind().because(error) } else { Failure::internal(error) }
}

/// The read models are away or have not got there.
pub(crate) fn behind() -> Failure {
    Failure::unavailable("the index is not up to date yet; try again in a moment")
}
