//! Where event ids and times come from. They are parameters, so that tests can decide them.

use std::sync::Arc;

use time::OffsetDateTime;
use uuid::Uuid;

/// Makes the id and the time of an event.
#[derive(Clone)]
pub struct Stamps {
    id: Arc<dyn Fn() -> Uuid + Send + Sync>,
    now: Arc<dyn Fn() -> OffsetDateTime + Send + Sync>,
}

impl Stamps {
    /// From a source of UUIDs (version 7) and a wall clock.
    pub fn new(
        id: impl Fn() -> Uuid + Send + Sync + 'static,
        now: impl Fn() -> OffsetDateTime + Send + Sync + 'static,
    ) -> Self {
        Self { id: Arc::new(id), now: Arc::new(now) }
    }

    pub(crate) fn id(&self) -> Uuid {
        (self.id)()
    }

    /// Microseconds since 1970 UTC.
    pub(crate) fn now_us(&self) -> i64 {
        let us = (self.now)().unix_timestamp_nanos() / 1_000;
        i64::try_from(us).expect("the year is below 290,000")
    }
}

impl std::fmt::Debug for Stamps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stamps")
    }
}
