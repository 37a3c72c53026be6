//! Follows the checkpoint by LISTEN/NOTIFY. A notification lost with a connection does no harm: after every
//! connect, and after a silence, the checkpoint is read again.

use std::time::Duration;

use sqlx::{PgPool, postgres::PgListener};
use tokio::{sync::watch, task::JoinHandle};

use super::checkpoints;
use crate::{Checkpoint, Checkpoints, Stream, checkpoint::Notice};

/// The channel on which the projector tells its checkpoint at each commit.
pub(crate) const NOTIFICATIONS: &str = "latchkey_checkpoint";
/// A connection that says nothing for so long is tried out, as a broken network says nothing either.
const SILENCE_MAX: Duration = Duration::from_secs(5);
/// How long the try may take.
const TRY_TIMEOUT: Duration = Duration::from_secs(2);
const BACKOFF_FIRST: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// What is known of the live checkpoint.
#[derive(Debug, Clone, Default)]
pub(crate) struct Heard {
    pub(crate) connected: bool,
    pub(crate) at: Checkpoints,
}

impl Heard {
    fn take(&mut self, stream: Stream, checkpoint: Checkpoint) {
        let known = self.at.of_mut(stream);
        // A read may overtake a notification: within one epoch the position never goes back.
        if known.epoch != checkpoint.epoch || known.seq < checkpoint.seq {
            *known = checkpoint;
        }
    }
}

pub(crate) fn start(pool: PgPool) -> (watch::Receiver<Heard>, JoinHandle<()>) {
    let (heard, receiver) = watch::channel(Heard::default());
    (receiver, tokio::spawn(listen(pool, heard)))
}

async fn listen(pool: PgPool, heard: watch::Sender<Heard>) {
    let mut backoff = BACKOFF_FIRST;
    loop {
        let was_connected = follow(&pool, &heard).await;
        heard.send_modify(|heard| heard.connected = false);
        backoff = if was_connected { BACKOFF_FIRST } else { (backoff * 2).min(BACKOFF_MAX) };
        tokio::time::sleep(backoff).await;
    }
}

/// Listens until the connection is lost; says whether there was one.
async fn follow(pool: &PgPool, heard: &watch::Sender<Heard>) -> bool {
    let mut listener = match connect(pool).await {
        Ok(listener) => listener,
        Err(error) => {
            tracing::debug!(error = %error, "waiting for the read models");
            return false;
        }
    };
    let mut connected = false;
    loop {
        if let Err(error) = read_again(pool, heard).await {
            tracing::debug!(error = %error, "the checkpoint could not be read");
            return connected;
        }
        connected = true;
        loop {
            match tokio::time::timeout(SILENCE_MAX, listener.try_recv()).await {
                Ok(Ok(Some(notification))) => match notification.payload().parse::<Notice>() {
                    Ok(notice) => heard.send_modify(|heard| heard.take(notice.stream, notice.checkpoint)),
                    Err(()) => break,
                },
                Ok(Ok(None) | Err(_)) => return connected,
                Err(_elapsed) => break,
            }
        }
    }
}

async fn connect(pool: &PgPool) -> Result<PgListener, sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.eager_reconnect(false);
    listener.listen(NOTIFICATIONS).await?;
    Ok(listener)
}

async fn read_again(pool: &PgPool, heard: &watch::Sender<Heard>) -> Result<(), sqlx::Error> {
    let read = tokio::time::timeout(TRY_TIMEOUT, checkpoints(pool))
        .await
        .map_err(|elapsed| sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, elapsed)))??;
    heard.send_modify(|heard| {
        heard.connected = true;
        for stream in Stream::ALL {
            heard.take(stream, read.of(stream).clone());
        }
    });
    Ok(())
}
