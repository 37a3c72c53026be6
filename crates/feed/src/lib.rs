//! The access feed and the content feed: one protocol, served by auth and catalog, followed by whoever authorises.
//!
//! A follower takes a snapshot, applies every later event in order and reports each as applied; its position never goes
//! back. What a receipt promises rests on that, and on leases: a follower that has reported `q` decides at `q` or later
//! for ever, and one that cannot report loses its lease in time.
#![warn(missing_docs)]

pub mod client;
pub mod deadline;
pub mod lease;
pub mod server;
