//! Builds the read models anew beside the live ones, and swaps them in while everybody goes on reading and writing.
//!
//! The new version takes in the log (or the ledger) up to where the live one is, catches up from the ledger, and
//! goes live in one transaction in which writers wait: it stands then exactly where the live one did. The running
//! projector writes to whatever is live, so it needs no word of the swap.

use std::{sync::Arc, time::Duration};

use anyhow::{Context as _, bail};
use eventlog::{Log, Stream, expect_epoch, keys::Keyring};
use readmodel::write::{Database, Lock, Purpose, Version, WriteError};

use crate::{
    batch::{BATCH_EVENTS, Positions},
    beside::Beside,
    project::stream_of,
    sources,
};

/// Rounds of catching up before the swap takes over what is left.
const ROUNDS_MAX: usize = 20;
/// Tries at a swap; each gives up when readers hold the views for two seconds.
const SWAPS_MAX: u32 = 10;
const SWAP_PAUSE: Duration = Duration::from_millis(200);

/// What a version is built from.
pub enum Origin {
    /// The truth.
    Log(Arc<dyn Log>),
    /// Its second copy, for when the log is gone.
    Ledger,
}

/// A version that went live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// It.
    pub version: Version,
    /// How far AUTHZ was then.
    pub authz_seq: u64,
    /// How far CATALOG was then.
    pub catalog_seq: u64,
}

/// Builds a version and swaps it in. The one before stays as it was; the one before that is dropped.
pub async fn rebuild(db: &Database, from: Origin, keyring: &Keyring) -> anyhow::Result<Rebuilt> {
    let Some(_guard) = db.try_lock(Lock::Builder).await? else {
        bail!("another rebuild or verification is under way; wait until it has ended");
    };
    db.drop_leftovers().await?;
    let rebuilt = build(db, from, keyring).await;
    // What was retired, or was begun in vain. A failure leaves it to the next builder.
    let dropped = db.drop_leftovers().await;
    let rebuilt = rebuilt?;
    dropped?;
    tracing::info!(version = rebuilt.version.number, "rebuilt read models went live");
    Ok(rebuilt)
}

async fn build(db: &Database, from: Origin, keyring: &Keyring) -> anyhow::Result<Rebuilt> {
    let mut beside = Beside::new(db, Purpose::Building).await?;
    let to = Positions::from(&db.checkpoints().await?);
    let sources = match &from {
        Origin::Log(log) => {
            check_epochs(db, log).await?;
            sources::from_log(db, log, Positions::default(), to).await.context("the log cannot be read")?
        }
        Origin::Ledger => sources::from_ledger(db, keyring, Positions::default(), to),
    };
    beside.extend(sources, to).await?;
    catch_up(&mut beside, keyring).await?;
    go_live(&mut beside, keyring).await
}

pub(crate) async fn check_epochs(db: &Database, log: &Arc<dyn Log>) -> anyhow::Result<()> {
    let live = db.checkpoints().await?;
    for stream in Stream::ALL {
        let known = &live.of(stream_of(stream)).epoch;
        if !known.is_empty() {
            expect_epoch(log.as_ref(), stream, known)?;
        }
    }
    Ok(())
}

/// Comes so near to the live version that the swap has little left to do.
async fn catch_up(beside: &mut Beside, keyring: &Keyring) -> anyhow::Result<()> {
    for _ in 0..ROUNDS_MAX {
        let to = Positions::from(&beside.db.checkpoints().await?);
        let behind = (to.authz - beside.at.authz) + (to.catalog - beside.at.catalog);
        if behind < BATCH_EVENTS as u64 {
            break;
        }
        let sources = sources::from_ledger(&beside.db, keyring, beside.at, to);
        beside.extend(sources, to).await?;
    }
    Ok(())
}

async fn go_live(beside: &mut Beside, keyring: &Keyring) -> anyhow::Result<Rebuilt> {
    let mut tries = 0;
    loop {
        tries += 1;
        match swap(beside, keyring).await {
            Ok(rebuilt) => return Ok(rebuilt),
            Err(error) if tries < SWAPS_MAX && may_pass(&error) => {
                tracing::info!(error = %error, tries, "the swap is tried again");
                tokio::time::sleep(SWAP_PAUSE).await;
            }
            Err(error) => return Err(error.context("the rebuilt version could not go live")),
        }
    }
}

fn may_pass(error: &anyhow::Error) -> bool {
    error.downcast_ref::<WriteError>().is_some_and(WriteError::may_pass)
}

async fn swap(beside: &mut Beside, keyring: &Keyring) -> anyhow::Result<Rebuilt> {
    let mut tx = beside.db.begin_swap(beside.version).await?;
    let to = Positions::from(&tx.live_checkpoints().await?);
    let sources = sources::from_ledger(&beside.db, keyring, beside.at, to);
    beside.extend_within(&mut tx, sources, to).await?;
    tx.go_live().await?;
    tx.commit().await?;
    Ok(Rebuilt { version: beside.version, authz_seq: to.authz, catalog_seq: to.catalog })
}
