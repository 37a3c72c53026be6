//! Connections that their own side can leave: for those to a replica that answers, and can do nothing.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// All connections of one channel. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Stay(Arc<Mutex<CancellationToken>>);

impl Stay {
    /// Breaks the connections that there are now, and those that are being made.
    pub fn leave(&self) {
        let mut stay = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *stay).cancel();
    }

    /// To be called before a connection is made.
    pub fn begin(&self) -> Visit {
        let stay = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Visit(Box::pin(stay.cancelled_owned()))
    }
}

/// A connection's time at its replica.
#[derive(Debug)]
pub struct Visit(Pin<Box<WaitForCancellationFutureOwned>>);

impl Visit {
    /// The connection that was made.
    pub fn over<I>(self, io: I) -> Leavable<I> {
        Leavable { io, left: self.0 }
    }
}

/// A connection that ends when its replica is left.
#[derive(Debug)]
pub struct Leavable<I> {
    io: I,
    left: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<I: AsyncRead + Unpin> AsyncRead for Leavable<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Leavable<I> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
