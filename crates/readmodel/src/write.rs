//! The writing half, the projector's alone: registry of versions, ledger, and the rows of the projections.
//!
//! Everything that one batch changes (rows, ledger, checkpoint) changes in one [`Tx`]. A transaction on the live
//! version holds the registry's row shared, so that the views cannot be swapped under it, and
//! [`Tx::advance`] moves the checkpoint only from where this writer left it: a second writer is fenced.

mod account;
mod artifact;
mod beat;
mod channel;
mod database;
mod error;
mod grant;
mod group;
mod history;
mod ledger;
mod lock;
mod package;
mod roles;
mod rows;
mod token;
mod tx;
mod usage;
mod verify;
mod version;

pub use beat::Beat;
pub use database::Database;
pub use error::WriteError;
pub use ledger::{LedgerCheckRow, LedgerRow, NewLedgerRow, PutBackRow};
pub use lock::{Lock, LockGuard};
pub use roles::make_roles;
pub use rows::{AccountRow, ChannelRow, GroupRow, Keys, PackageRow, ParkedRow, Rows, TokenRow};
pub use tx::Tx;
pub use usage::UsagePosition;
pub use verify::{Difference, TABLES};
pub use version::{Purpose, SHAPE, Version};
