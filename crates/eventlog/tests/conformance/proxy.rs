//! A loopback proxy that loses what it is told to lose, on the wire of the real client.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// What the proxy does with the connection that carries the next append.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lose {
    Nothing,
    /// The message arrives; the connection breaks instead of bringing the ack.
    Ack,
    /// The connection breaks instead of taking the message, and no other is let through for now.
    Message,
    /// The request for messages arrives with an address for them that nobody listens at.
    Pull,
}

#[derive(Clone)]
pub(crate) struct Proxy(Arc<Inner>);

struct Inner {
    target: String,
    port: u16,
    lose: Mutex<Lose>,
    /// Connections of an older round are cut.
    round: watch::Sender<u64>,
    open: watch::Sender<bool>,
}

impl Proxy {
    /// Listens in front of the server of a URL.
    pub(crate) async fn start(url: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let target = url.split('@').next_back().unwrap().to_owned();
        let port = listener.local_addr().unwrap().port();
        let proxy = Self(Arc::new(Inner {
            target,
            port,
            lose: Mutex::new(Lose::Nothing),
            round: watch::Sender::new(0),
            open: watch::Sender::new(true),
        }));
        let inner = proxy.0.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(inner.clone().carry(client));
            }
        });
        proxy
    }

    /// The URL with this proxy's port in it.
    pub(crate) fn url(&self, url: &str) -> String {
        let user = url.split('@').next().unwrap();
        format!("{user}@127.0.0.1:{}", self.0.port)
    }

    pub(crate) fn lose(&self, what: Lose) {
        *self.0.lose.lock().unwrap() = what;
    }

    pub(crate) fn is_done(&self) -> bool {
        *self.0.lose.lock().unwrap() == Lose::Nothing
    }

    /// Breaks all connections; clients may come back at once.
    pub(crate) fn cut(&self) {
        self.0.round.send_modify(|round| *round += 1);
    }

    /// Lets connections through again.
    pub(crate) fn open(&self) {
        self.0.open.send_replace(true);
    }

    /// Returns once a message has been lost.
    pub(crate) async fn closed(&self) {
        self.0.open.subscribe().wait_for(|open| !open).await.unwrap();
    }
}

impl Inner {
    async fn carry(self: Arc<Self>, client: TcpStream) {
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        let mut round = self.round.subscribe();
        let Ok(server) = TcpStream::connect(&self.target).await else { return };
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::select! {
            () = self.pump(from_client, to_server, Lose::Message, b"HPUB evt.") => {}
            () = self.pump(from_server, to_client, Lose::Ack, b"\"seq\":") => {}
            _ = round.changed() => {}
        }
    }

    fn take(&self, lose: Lose) -> bool {
        let mut armed = self.lose.lock().unwrap();
        let take = *armed == lose;
        if take {
            *armed = Lose::Nothing;
        }
        take
    }

    /// Carries bytes one way, and ends where something is to be lost.
    async fn pump(&self, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, lose: Lose, sign: &[u8]) {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(size @ 1..) = from.read(&mut buffer).await {
            let found = buffer[..size].windows(sign.len()).any(|window| window == sign);
            if found && self.take(lose) {
                if lose == Lose::Message {
                    self.open.send_replace(false);
                }
                return;
            }
            self.misdirect(&mut buffer[..size]);
            if to.write_all(&buffer[..size]).await.is_err() {
                return;
            }
        }
    }

    /// Takes the way back from a request for messages, if one is to be lost.
    fn misdirect(&self, bytes: &mut [u8]) {
        let place = |bytes: &[u8], sign: &[u8]| bytes.windows(sign.len()).position(|window| window == sign);
        let Some(pull) = place(bytes, b".MSG.NEXT.") else { return };
        let Some(inbox) = place(&bytes[pull..], b" _INBOX.") else { return };
        if self.take(Lose::Pull) {
            bytes[pull + inbox + 1] = b'X';
        }
    }
}
