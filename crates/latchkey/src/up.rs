//! A whole Latchkey from one data folder: both servers as children, the four services in this process.

pub mod folder;
pub mod record;
pub mod secrets;
mod words;
