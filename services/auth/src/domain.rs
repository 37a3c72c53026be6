//! What may happen to accounts, tokens and names: pure rules, decided and folded without a clock, a network or a library.
//!
//! `decide(state, command, now)` says which events a command leads to, `evolve(state, event)` adds one that has happened.

pub mod account;
pub mod authorization;
pub mod name;
pub mod role;
pub mod token;
