//! A long body whose reader may lose access on the way: it is looked at again every 4 MiB or second.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, StreamExt};

use crate::gate::{Admitted, Sent};
use crate::limits::{RECHECK_AFTER, RECHECK_BYTES};
use crate::state::App;

/// The stream, which breaks off once the same request would be refused.
pub(crate) fn stream<S>(
    app: &App,
    admitted: &Admitted,
    sent: Sent<'_>,
    chunks: S,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<S>
where
    S: Stream<Item = Result<Bytes, blobs::Error>> + Send,
{
    let (app, admitted, sent) = (app.clone(), admitted.clone(), sent.into_owned());
    let mut watch = Watch { bytes: 0, at: app.ambient.clock.boot() };
    chunks.map(move |chunk| {
        let chunk = chunk.map_err(io::Error::other)?;
        if watch.due(chunk.len(), app.ambient.clock.boot()) && !admitted.still(&app, &sent) {
            metrics::counter!("gateway_downloads_stopped_total").increment(1);
            return Err(io::Error::other("access ended while the file was being sent"));
        }
        Ok(chunk)
    })
}

/// When access was last looked at, in bytes and time.
struct Watch {
    bytes: u64,
    at: Duration,
}

impl Watch {
    /// Whether it is time before these bytes are sent.
    fn due(&mut self, bytes: usize, now: Duration) -> bool {
        self.bytes += bytes as u64;
        let due = self.bytes >= RECHECK_BYTES || now.saturating_sub(self.at) >= RECHECK_AFTER;
        if due {
            *self = Self { bytes: 0, at: now };
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn access_is_looked_at_every_four_mebibytes_or_second() {
        let mut watch = Watch { bytes: 0, at: Duration::from_secs(10) };
        let half = usize::try_from(RECHECK_BYTES / 2).unwrap();
        assert!(!watch.due(half, Duration::from_secs(10)));
        assert!(watch.due(half, Duration::from_secs(10)));
        assert!(!watch.due(1, Duration::from_millis(10_999)));
        assert!(watch.due(1, Duration::from_millis(11_000)));
        assert!(!watch.due(1, Duration::from_millis(11_001)));
    }
}
