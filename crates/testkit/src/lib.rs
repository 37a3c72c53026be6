//! What tests across crates stand on: a whole cluster on the real servers, and packages made on the spot.
//!
//! Appears under dev-dependencies only.
#![warn(missing_docs)]

mod cluster;
mod database;
mod otlp;
pub mod package;
mod part;
mod process;
mod proxy;
mod services;
mod session;

pub use cluster::{Cluster, Options};
pub use otlp::{OtlpReceiver, Sent};
pub use part::{Part, Place, Size};
pub use process::{LIMIT, Process, binary, is_long, processes_naming, until};
pub use proxy::Line;
pub use session::{Answer, Issued, Session};
