//! The following half.

mod backoff;
mod content;
mod link;
mod restore;
mod upstream;
mod view;

pub use content::ContentFollower;
pub use link::FollowError;
pub use upstream::Upstream;
pub use view::{AccessView, Behind};
