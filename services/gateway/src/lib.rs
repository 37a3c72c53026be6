//! The HTTP face: conda, Python and REST.
//!
//! The gateway owns the addresses and the words of a refusal. It holds the access table in memory and asks it at
//! every request; it renders nothing that is older than what it has heard; it writes to no log and no database: what it tells of its own is who used
//! which token, to a stream that decides nothing.
//! A token it is given is hashed and passed on, never stored, routed, logged or shown.

mod address;
mod caller;
mod certificate;
mod config;
mod failures;
mod file;
mod front;
mod gate;
pub mod index;
mod limits;
mod listener;
mod load;
mod openapi;
mod origin;
mod problem;
mod refuse;
pub mod render;
mod router;
mod routes;
mod start;
mod state;
mod ticket;
mod upstream;
mod usage;
mod wait;

#[cfg(test)]
extern crate self as gateway;
#[cfg(test)]
mod tests;

pub use config::{Config, DEFAULT_MAX_UPLOAD_BYTES};
pub use gate::{Gate, Needs};
pub use refuse::Family;
pub use router::{Route, routes_table};
pub use start::{Started, start};
