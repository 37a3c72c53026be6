//! What tests across crates stand on: a whole cluster on the real servers, and packages made on the spot.
//!
//! Appears under dev-dependencies only.
#![warn(missing_docs)]

mod cluster;
mod database;
mod otlp;
pub mod package;
mod process;
mod services;
mod session;

pub use cluster::{Cluster, Options, Part};
pub use otlp::{OtlpReceiver, Sent};
pub use process::{LIMIT, Process, binary, is_long, processes_naming, until};
pub use session::{Answer, Issued, Session};
