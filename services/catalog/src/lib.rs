//! Channels, packages and their files.
//!
//! Catalog owns what channels there are and what stands in them. It takes the facts of a file from the file itself,
//! decides on the name found inside, and tells gateways what changed. It never issues a credential, and it asks crate
//! `access` about every caller.

pub mod app;
mod config;
pub mod content;
pub mod domain;
pub mod events;
pub mod grpc;
pub mod inspect;
pub mod page;
mod start;

pub use config::{Config, Files};
pub use start::{Started, start};
