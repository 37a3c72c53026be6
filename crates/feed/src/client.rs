//! The following half.

mod backoff;
mod content;
mod lease;
mod link;
mod renew;
mod restore;
mod upstream;
mod view;

pub use content::ContentFollower;
pub use lease::Lease;
pub use link::FollowError;
pub use renew::{Grantor, Holder};
pub use upstream::Upstream;
pub use view::{AccessView, Behind};
