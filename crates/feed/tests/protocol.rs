//! The feed's protocol over real gRPC on loopback: followers against a scripted server, and a server over a scripted log.
#![expect(clippy::unwrap_used, reason = "whatever fails here fails the test")]

#[path = "protocol/following.rs"]
mod following;
#[path = "protocol/script.rs"]
mod script;
#[path = "protocol/serving.rs"]
mod serving;
