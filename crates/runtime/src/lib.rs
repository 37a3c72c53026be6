//! What every service stands on and no service decides: clocks, ids, outcome codes, secrets,
//! telemetry, health, drain and the printed configuration.
//!
//! Everything that reads the world (time, randomness) is a value handed in through [`Ambient`], so
//! that a test can set it. Nothing here knows a package, a token or a channel.
#![warn(missing_docs)]

mod ambient;
mod clock;
mod code;
mod drain;
mod failure;
mod ids;
mod secret;

pub mod admin;
pub mod config;
pub mod grpc;
pub mod health;
pub mod request_id;
pub mod telemetry;
pub mod trace;

pub use ambient::Ambient;
pub use clock::{Clock, SystemClock, TestClock};
pub use code::Code;
pub use drain::{Drain, DrainGuard, shutdown_signal};
pub use failure::Failure;
pub use grpc::{GrpcServer, Served};
pub use ids::{CountingIds, Ids, RandomIds};
pub use request_id::RequestId;
pub use secret::Secret;

/// Makes ring the process's TLS provider. Call it first in every `main`: reqwest panics without one.
/// Calling it again changes nothing.
pub fn install_crypto() {
    // An error says that a provider is installed already, which is what is wanted.
    drop(rustls::crypto::ring::default_provider().install_default());
}
