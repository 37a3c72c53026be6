//! The serving half, the same for both feeds.

mod followers;
mod pump;
mod service;
mod snapshots;
mod source;
mod status;

pub use followers::{
    Connection, EARLIER_FOLLOWERS, Followers, LOST_AFTER, MAX_FOLLOWERS, REJOIN_LIMIT, TooManyFollowers,
};
pub use pump::Items;
pub use service::{FeedService, Gate, RECEIPT_LIMIT};
pub use snapshots::Snapshots;
pub use source::{Snapshot, Source, Step};
pub use status::{Allow, StatusService};
