//! Builds the read models from what the services publish.
//!
//! The log is the truth. What stands in Postgres is a fold of it: rows, the ledger (a second copy of every message)
//! and the checkpoint change in one transaction, so a kill at any moment loses nothing, and any version of the read
//! models can be thrown away and built again beside the live one. The projector is the only one that writes there. To
//! the log it appends barriers and, when an operator says so, what the log has lost and the ledger still has.

mod apply;
mod backoff;
mod batch;
mod beat;
mod beside;
mod checker;
mod config;
mod follow;
mod intake;
mod ledger_check;
mod project;
mod put_back;
mod rebuild;
mod sources;
mod standing;
mod start;
mod stop;
mod usage;
mod verb;
mod verify;

pub use checker::SWEEP;
pub use config::Config;
pub use follow::{Following, Habits, follow};
pub use put_back::{PUT_BACK_MAX, Restored, put_back};
pub use readmodel::write::{Database, make_roles};
pub use rebuild::{Origin, Rebuilt, rebuild};
pub use start::{Started, connect, keyring, make_streams, start};
pub use stop::Stop;
pub use verb::Verb;
pub use verify::{Line, Report, verify};
