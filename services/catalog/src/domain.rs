//! The rules: values, and two functions for each aggregate. No clock, no I/O, no stored form.

pub mod artifacts;
pub mod channel;
pub mod group;
pub mod name;
pub mod package;
