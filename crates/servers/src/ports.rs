//! Free loopback ports, and the wait for a server to answer.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::{Ipv4Addr, TcpListener},
    time::Duration,
};

use anyhow::bail;

use crate::child::Child;

/// Below the ephemeral ports: a client that keeps trying to reach a dead server on one of those can
/// connect to itself and so keep the port from the server for ever.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
/// Ports tried before giving up.
const TRIES: usize = 200;
/// Between two looks at a starting server.
const LOOK: Duration = Duration::from_millis(5);

/// A port that is free now; the server that takes it may still lose a race and is then started on another.
pub fn free() -> anyhow::Result<u16> {
    for _ in 0..TRIES {
        let random = RandomState::new().hash_one(0u8) % u64::from(COUNT);
        let port = FIRST + u16::try_from(random).expect("the remainder is small");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no free port between {FIRST} and {} on 127.0.0.1", FIRST + COUNT)
}

/// Asks until the server is ready, has ended, or the limit is over.
pub(crate) async fn ready<F: Future<Output = bool>>(
    child: &Child,
    limit: Duration,
    mut ask: impl FnMut() -> F,
) -> anyhow::Result<()> {
    let asking = async {
        while !ask().await {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        () = asking => Ok(()),
        exited = child.exited() => bail!("it {exited}"),
        () = tokio::time::sleep(limit) => bail!("it was not ready within {} s", limit.as_secs()),
    }
}
