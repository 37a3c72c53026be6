//! Accounts and tokens, and the access feed.
//!
//! Auth owns who somebody is and what a token opens. It promises that when a revocation returns, every follower that it
//! names as confirmed refuses the token from then on. It never stores a secret: token strings as SHA-256, passwords as
//! argon2id, logins under a key that can be thrown away.

pub mod app;
pub mod call;
pub mod config;
pub mod domain;
pub mod events;
pub mod fold;
pub mod grpc;
pub mod lease;
pub mod password;
pub mod personal;
pub mod receipt;
pub mod secret;
pub mod source;
mod start;

pub use config::Config;
pub use start::{Started, start};
