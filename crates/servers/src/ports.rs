//! Free loopback ports, and the wait for a server to answer.

use std::{
    hash::{BuildHasher as _, RandomState},
    net::{Ipv4Addr, TcpListener},
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
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

/// The place of the next port: each is given once until all were, because one that is free now may have been given to
/// somebody who has not taken it yet. Processes begin at different places.
static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(RandomState::new().hash_one(0u8) >> 32));

/// A port that is free now; the server that takes it may still lose a race with another process, and is then started
/// on another.
pub fn free() -> anyhow::Result<u16> {
    for _ in 0..TRIES {
        let place = NEXT.fetch_add(1, Ordering::Relaxed) % u64::from(COUNT);
        let port = FIRST + u16::try_from(place).expect("the remainder is small");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_given_the_same_port_although_none_has_taken_it() {
        let mut given: Vec<u16> = (0..500).map(|_| free().unwrap()).collect();
        given.sort_unstable();
        given.dedup();
        assert_eq!(given.len(), 500);
    }
}
