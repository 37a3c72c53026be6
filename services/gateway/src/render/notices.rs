//! `notices.json` (CEP 6): asked for by conda once a run. Latchkey has nothing to announce there.

use crate::render::{JSON, Rendered};

/// The document.
pub fn notices() -> Rendered {
    Rendered::new(JSON, r#"{"notices":[]}"#, None)
}
