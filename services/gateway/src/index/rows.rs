//! What the cache asks of the read models, and what it says when they cannot answer.

use std::time::Duration;

use names::{ChannelId, PackageKind};
use readmodel::{ArtifactRow, ReadError, Reader, Stream};
use runtime::Failure;
use tokio::time::Instant;

/// How long a request waits for the read models, which are away while Postgres or the projector is started again. Who is
/// refused would ask again some seconds later, and do its other work anew.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries at a Postgres that is away.
const PAUSE: Duration = Duration::from_millis(50);

/// Rows with the CATALOG sequence they stand at. Postgres in the servers, a script in the cache's own tests.
pub trait Rows: Clone + Send + Sync + 'static {
    /// Returns once the read models have applied `seq`; fails after ten seconds.
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
        self.wait_checkpoint(Stream::Catalog, seq, PATIENCE).await.map(drop).map_err(failure)
    }

    async fn all(
        &self,
        channel: ChannelId,
        kind: PackageKind,
        subdir: Option<&str>,
    ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
        patiently(|| self.artifacts(channel, kind, subdir)).await.map_err(failure)
    }

    async fn named(
        &self,
        channel: ChannelId,
        kind: PackageKind,
        name: &str,
    ) -> Result<(u64, Vec<ArtifactRow>), Failure> {
        patiently(|| self.artifacts_named(channel, kind, name)).await.map_err(failure)
    }
}

/// A Postgres that ends takes the reads with it that it has begun: they are made again.
async fn patiently<T, F>(read: impl Fn() -> F) -> Result<T, ReadError>
where
    F: Future<Output = Result<T, ReadError>>,
{
    let started = Instant::now();
    loop {
        match read().await {
            Err(error) if error.may_pass() && started.elapsed() < PATIENCE => tokio::time::sleep(PAUSE).await,
            answer => return answer,
        }
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    const AWAY: ReadError = ReadError::Away { stream: Stream::Catalog, wanted: 1 };

    #[tokio::test(start_paused = true)]
    async fn a_read_is_made_again_while_postgres_is_away_but_not_for_ever() {
        let begun = Cell::new(Instant::now());
        let away_for = async |away: Duration| {
            begun.set(Instant::now());
            let read = async || if begun.get().elapsed() < away { Err(AWAY) } else { Ok(()) };
            patiently(read).await
        };
        assert!(away_for(PATIENCE - PAUSE).await.is_ok());
        assert!(away_for(PATIENCE + 2 * PAUSE).await.is_err());
        assert!(begun.get().elapsed() <= PATIENCE + PAUSE);
    }
}
