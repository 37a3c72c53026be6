//! Who may do what: the fold of AUTHZ into a table, and the one authoriser over it.
//!
//! Everything here is pure: no clock, no I/O, no await. Every check of every service, gRPC and HTTP
//! alike, is a call of [`Table::decide`]; an unknown secret is refused, so only a missed revocation
//! could let somebody in who should stay out, and the feed exists to make that impossible.

mod action;
mod caller;
mod class;
mod decide;
mod explain;
mod fold;
mod given;
mod group;
mod hold;
mod role;
pub mod service;
mod shelf;
mod snapshot;
mod table;
pub mod token_string;

pub use action::{Action, InvalidAction, Object};
pub use caller::{Caller, Credential, SecretHash};
pub use class::{ClassId, Selection, Shown, Sight, View};
pub use decide::{By, Refusal, Verdict, Why};
pub use explain::Explanation;
pub use fold::{FoldError, Outcome};
pub use group::{Group, HeldOn};
pub use names::Subject;
pub use role::Role;
pub use service::Service;
pub use shelf::Package;
pub use snapshot::Row;
pub use table::{Account, Channel, Table, Token, TokenKind, TokenString};
