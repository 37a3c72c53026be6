//! A line on loopback that a test can cut, or let fall silent as a network does that drops everything.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What becomes of what is said on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// It arrives.
    Open,
    /// Connections end, and new ones end at once.
    Cut,
    /// Nothing arrives, and nobody is told.
    Silent,
}

/// A line to one server.
#[derive(Debug)]
pub(crate) struct Proxy {
    addr: SocketAddr,
    line: watch::Sender<Line>,
}

impl Proxy {
    /// Listens in front of a server, for as long as this lives.
    pub(crate) async fn start(target: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (addr, line) = (listener.local_addr()?, watch::Sender::new(Line::Open));
        let mut state = line.subscribe();
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    accepted = listener.accept() => {
                        let Ok((client, _)) = accepted else { return };
                        tokio::spawn(carry(client, target, state.clone()));
                    }
                    gone = gone(&mut state) => return gone,
                }
            }
        });
        Ok(Self { addr, line })
    }

    /// Where it listens.
    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn set(&self, line: Line) {
        self.line.send_replace(line);
    }
}

/// Resolves when nobody can say any more what the line is.
async fn gone(state: &mut watch::Receiver<Line>) {
    while state.changed().await.is_ok() {}
}

async fn carry(client: TcpStream, target: SocketAddr, mut state: watch::Receiver<Line>) {
    if state.wait_for(|line| *line != Line::Silent).await.is_err() || *state.borrow() == Line::Cut {
        return;
    }
    let Ok(server) = TcpStream::connect(target).await else { return };
    // Small messages are told at once, as they are without the proxy.
    if client.set_nodelay(true).and(server.set_nodelay(true)).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let cut = async |mut state: watch::Receiver<Line>| drop(state.wait_for(|line| *line == Line::Cut).await);
    tokio::select! {
        () = pump(from_client, to_server, state.clone()) => {}
        () = pump(from_server, to_client, state.clone()) => {}
        () = cut(state.clone()) => {}
    }
}

/// Carries bytes one way while the line is open.
async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut state: watch::Receiver<Line>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(size @ 1..) = from.read(&mut buffer).await {
        if state.wait_for(|line| *line == Line::Open).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}
