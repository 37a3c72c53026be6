//! The serving half, the same for both feeds.

mod followers;
mod pump;
mod service;
mod source;

pub use followers::{Connection, Followers, LOST_AFTER, MAX_FOLLOWERS, TooManyFollowers};
pub use pump::Items;
pub use service::{FeedService, Gate, RECEIPT_LIMIT};
pub use source::{Snapshot, Source, Step};
