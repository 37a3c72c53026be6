//! The event log: append with an expectation, read an aggregate, tail from a position, barrier.
//!
//! [`JetStream`] is the log; [`Memory`] stands in for it in unit tests and simulations and passes
//! the same conformance suite. [`Store`] decides and evolves aggregates on top of either.
#![warn(missing_docs)]

mod append;
mod error;
mod jetstream;
pub mod keys;
mod log;
mod memory;
mod meta;
mod notes;
mod place;
mod restrict;
mod seal;
mod selection;
mod stamps;
mod store;
pub mod subject;
mod subscription;
mod writer;

pub use error::{AppendError, LogError};
pub use jetstream::{ACCOUNT_KEYS, JetStream, NatsConfig};
pub use log::{Log, Message, Record, Stream, expect_epoch};
pub use memory::{Fault, Memory, MemoryOptions, Replicas};
pub use meta::{Meta, append_all};
pub use notes::Notes;
pub use place::{PutBack, fold_in_place, in_place};
pub use restrict::restricts;
pub use seal::{MAX_ENVELOPE_BYTES, open, seal_note, unknown_event};
pub use selection::{FILTER_WORDS, Selection};
pub use stamps::Stamps;
pub use store::{Done, ExecuteError, MANY_MAX, NoVoids, Rules, Store, Voids, execute_pair};
pub use subscription::{BOOKMARK_EVERY, SubscribeError, Told, subscribe};
pub use writer::Writer;
