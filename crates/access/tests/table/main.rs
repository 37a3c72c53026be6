//! The table against histories, and against a model that recomputes everything from the log.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod decisions;
mod model;
mod reading;
mod roles;
mod views;
mod world;
