//! The lease protocol of the design, section 4, as a machine of which every step may happen at any time that the rules
//! allow: a process that takes no step is paused, a message whose step never comes is lost, one whose step comes late is
//! overtaken.
//!
//! Time has no zero. What the rules compare are ages, so the state holds ages, each by the clock of whoever measures it,
//! and those that no rule tells apart any more are one: the states are finitely many, however long the system runs.
//! Clock drift is a tick that a gateway's clock misses, or one that a replica's clock counts twice.
//!
//! A request needs no step of its own: whether a gateway *would* let one in is a fact of each state, and the promise is
//! that none would once a Revoke has returned.

mod rules;
mod state;
mod step;

pub use rules::{Lease, Rules, Seen};
pub use state::{Entry, Gateway, Replica, Return, State};
pub use step::Step;
