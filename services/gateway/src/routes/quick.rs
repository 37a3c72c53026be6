//! Routes that are answered with nothing but their address: indexes, pages and files. Nearly everything that is asked is
//! one of these.
//!
//! [`crate::front`] answers them itself where the method is GET and the address is plain; where not, the router does, by
//! the same handlers.

use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};

use crate::problem::Problem;
use crate::routes::conda::{self, Reading};
use crate::routes::given::Given;
use crate::routes::pypi;
use crate::state::App;

/// Which of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quick {
    /// Something below a conda channel.
    Conda(Reading),
    /// Anything below a Python channel.
    Python,
}

impl Quick {
    /// For the router.
    pub(crate) fn routed(self) -> MethodRouter<App> {
        match self {
            Self::Conda(reading) => get(move |here| reading.answer(here)),
            Self::Python => get(pypi::read),
        }
    }

    /// Answers a request that has passed the gate. `find` finds what the address names.
    pub(crate) async fn answer<'a>(
        self,
        given: Given<()>,
        find: impl Fn(&str) -> Option<&'a str>,
    ) -> Response {
        let answer = match self {
            Self::Conda(reading) => reading.answer(given.at(conda::Place::found(find))).await,
            Self::Python => pypi::read(given.at(pypi::Place::found(find))).await,
        };
        answer.unwrap_or_else(Problem::into_response)
    }
}
