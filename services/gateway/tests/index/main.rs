//! The indexes over a scripted read model and a real access table.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod cache;
mod script;
mod views;
