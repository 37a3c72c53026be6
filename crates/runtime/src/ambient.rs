//! The world as a service sees it: the time, and where new ids come from.

use std::sync::Arc;

use crate::{Clock, Ids, RandomIds, SystemClock};

/// Handed to every service at start; a test hands in its own.
#[derive(Clone)]
pub struct Ambient {
    /// Wall clock and boot clock.
    pub clock: Arc<dyn Clock>,
    /// New ids and random bytes.
    pub ids: Arc<dyn Ids>,
}

impl Ambient {
    /// The machine's own clocks and randomness.
    pub fn system() -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Self { ids: Arc::new(RandomIds::new(clock.clone())), clock }
    }
}

impl std::fmt::Debug for Ambient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ambient")
    }
}
