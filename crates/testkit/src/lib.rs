//! What tests across crates stand on: a whole cluster on the real servers, and packages made on the spot.
//!
//! Appears under dev-dependencies only.
#![warn(missing_docs)]

pub mod package;
mod session;

pub use session::{Answer, Issued, Session};
