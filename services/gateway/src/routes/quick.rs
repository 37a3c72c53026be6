//! Routes that are answered with nothing but their address: indexes, pages and files. Nearly everything that is asked is
//! one of these.
//!
//! [`crate::front`] answers them itself where the method is GET and the address is plain; where not, the router does, by
//! the same handlers.

use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use futures::FutureExt;
use futures::future::Either;

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
            Self::Conda(reading) => get(move |here| async move { reading.answer(&here).await }),
            Self::Python => get(async |here| pypi::read(&here).await),
        }
    }

    /// Answers a request that has passed the gate. `find` finds what the address names.
    pub(crate) fn answer<'a>(
        self,
        given: Given<()>,
        find: impl Fn(&str) -> Option<&'a str>,
    ) -> impl Future<Output = Response> {
        let answer = match self {
            Self::Conda(reading) => {
                let here = given.at(conda::Place::found(find));
                Either::Left(async move { reading.answer(&here).await })
            }
            Self::Python => {
                let here = given.at(pypi::Place::found(find));
                Either::Right(async move { pypi::read(&here).await })
            }
        };
        answer.map(|answer| answer.unwrap_or_else(Problem::into_response))
    }
}
