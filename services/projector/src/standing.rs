//! What the projector says of itself to whoever asks whether it is ready.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use tokio::sync::watch;

/// Whether it follows the log, or stands by for the projector that does. Once a stream has stopped it never says so
/// again: somebody has to look.
#[derive(Debug)]
pub(crate) struct Standing {
    ready: watch::Sender<bool>,
    stopped: AtomicBool,
}

impl Standing {
    pub(crate) fn new() -> (Self, watch::Receiver<bool>) {
        let (ready, receiver) = watch::channel(false);
        (Self { ready, stopped: AtomicBool::new(false) }, receiver)
    }

    pub(crate) fn is(&self, well: bool) {
        let well = well && !self.stopped.load(Relaxed);
        self.ready.send_if_modified(|ready| std::mem::replace(ready, well) != well);
    }

    pub(crate) fn stopped(&self) {
        self.stopped.store(true, Relaxed);
        self.is(false);
    }
}
