//! What a memory log can be told to do wrong.

use std::{collections::VecDeque, sync::Arc};

use tokio::sync::Notify;

/// What befalls one try at an append.
#[derive(Debug, Clone)]
pub enum Fault {
    /// It is stored, and nobody is told.
    LoseAck,
    /// It is not stored, and nobody is told.
    Refuse,
    /// It waits until it is notified, and then goes on.
    Delay(Arc<Notify>),
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    pub(super) queue: VecDeque<Fault>,
    pub(super) away: bool,
}
