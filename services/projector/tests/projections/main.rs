//! The projector on a real Postgres.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod crash;
mod events;
mod follow;
mod forged;
mod guard;
mod missing;
mod property;
mod standby;
mod tokens;
mod upgrade;
mod verify;
mod world;
