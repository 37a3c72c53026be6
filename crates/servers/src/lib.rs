//! Finds, starts and stops nats-server and Postgres as children that never outlive their parent.
//!
//! `latchkey up` and the tests use the same code: the real servers, on free loopback ports, with a
//! password of their own, everything in one folder.
#![warn(missing_docs)]

mod child;
mod cluster;
mod find;
mod folder;
mod nats;
mod ports;
mod postgres;
mod secret;

pub use child::{Child, Exited, with_parent};
pub use cluster::NatsCluster;
pub use find::{find_nats, find_postgres};
pub use folder::DataFolder;
pub use nats::{NatsOptions, NatsServer, NatsUser};
pub use ports::free as free_port;
pub use postgres::{Postgres, PostgresOptions};
