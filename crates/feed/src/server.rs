//! The serving half, the same for both feeds.

mod audience;
mod desk;
mod followers;
mod holders;
mod leased;
mod pump;
mod receipts;
mod relay;
mod service;
mod snapshots;
mod source;
mod status;

pub use audience::{Audience, Seat};
pub use desk::Desk;
pub use followers::{Connection, Followers, LOST_AFTER, MAX_FOLLOWERS, TooManyFollowers};
pub use holders::{Holders, MAX_HOLDERS, Standing};
pub use leased::{Leased, LeasedSeat};
pub use pump::Items;
pub use receipts::Wanted;
pub use relay::{Relay, Report, open as open_relay};
pub use service::{FeedService, Gate, RECEIPT_LIMIT};
pub use snapshots::Snapshots;
pub use source::{Snapshot, Source, Step};
pub use status::{Allow, StatusService};
