//! Channels, packages, artifacts, the content feed.

pub mod inspect;
