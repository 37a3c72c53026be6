//! Who used which token, from where and with what: told by gateways, followed by the projector, over the stream USAGE.
//!
//! It decides nothing, so it is never waited for: a [`Publisher`] gathers, and drops and counts what it cannot send. It
//! holds addresses, which are personal data: the stream forgets them after [`KEPT`], it is not part of the log, and
//! nothing of it is in the ledger.
#![warn(missing_docs)]

mod connection;
mod error;
mod follow;
mod gather;
mod publisher;
mod stream;
mod wire;

pub use connection::connect;
pub use error::UsageError;
pub use follow::{Delivered, Following, Position, follow};
pub use gather::MAX_WAITING;
pub use publisher::Publisher;
pub use stream::{KEPT, NAME, SUBJECTS, ensure};
pub use wire::{Family, Outcome, Use};
