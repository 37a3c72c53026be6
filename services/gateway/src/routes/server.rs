//! Anaconda Server's API, as `conda repo` speaks it: sign in, the account, its tokens, the scopes. Each handler is one
//! call or two of auth with the caller's own credential.

pub(crate) mod account;
pub(crate) mod login;
pub(crate) mod scope;
pub(crate) mod token;

use http::StatusCode;

use crate::problem::Problem;

/// What is well-formed but cannot be meant.
fn unprocessable(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
}

/// The roles of the documents. `admin` is what opens the client's `system` verbs.
fn roles(admin: bool) -> Vec<&'static str> {
    if admin { vec!["author", "admin"] } else { vec!["author"] }
}
