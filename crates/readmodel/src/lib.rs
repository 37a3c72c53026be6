//! The only SQL: ledger, checkpoints, read models.
//!
//! Schema `meta` holds what outlives a projection: the ledger (every raw envelope with its sequence) and the
//! registry of versions. Each version of the projections has its own schema (`p1`, `p2`, …) with its own tables
//! and checkpoint; schema `live` has one view per table and is all that a reader names. Whatever a read answers
//! carries the checkpoint that stood in the same statement's snapshot.
//!
//! Last uses of tokens come from the stream USAGE and not from the log: they stand in `meta` too, apart from the versions.
//!
//! The reading half is open to everybody; the writing half (feature `write`) is the projector's.

#![warn(missing_docs)]

mod artifact;
mod checkpoint;
mod error;
mod history;
mod package;
mod packages;
mod reader;
mod usage;
#[cfg(feature = "write")]
pub mod write;

pub use artifact::{ArtifactRow, FileKey, FileType};
pub use checkpoint::{Checkpoint, Checkpoints, Stream};
pub use error::ReadError;
pub use history::{HistoryFilter, HistoryRow};
pub use package::{ListedPackage, PackageKey, Tally};
pub use packages::{Packages, Shelves};
pub use reader::{LedgerCheck, Order, PAGE_LIMIT, PORTION, ProjectorRow, Reader, Wanted};
pub use usage::UseRow;
