//! Anaconda Server's API, as `conda repo` speaks it: sign in, the account, its tokens, the scopes, channels and what is in
//! them. What is read is cut from the access table and the read models, what changes is a call of auth or catalog with
//! the caller's own credential.

pub(crate) mod account;
pub(crate) mod artifact;
pub(crate) mod bulk;
pub(crate) mod channel;
pub(crate) mod family;
pub(crate) mod group;
pub(crate) mod history;
pub(crate) mod login;
pub(crate) mod scope;
pub(crate) mod token;
mod window;

use http::StatusCode;

use crate::problem::Problem;

/// What is well-formed but cannot be meant.
pub(crate) fn unprocessable(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// The roles of the documents. `admin` is what opens the client's `system` verbs.
fn roles(admin: bool) -> Vec<&'static str> {
    if admin { vec!["author", "admin"] } else { vec!["author"] }
}
