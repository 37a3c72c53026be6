//! Routes that are answered with nothing but their address: indexes, pages and files. Nearly everything that is asked is
//! one of these.
//!
//! [`crate::front`] answers them itself where the method is GET and the address is plain; where not, the router does, by
//! the same handlers.

use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use futures::FutureExt;
use futures::future::Either;

use crate::caller::Address;
use crate::problem::Problem;
use crate::routes::conda::{self, Reading};
use crate::routes::given::{Given, Plain};
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
            Self::Conda(reading) => get(move |given: Given<conda::Place<'static>>| async move {
                reading.answer(given.asked(), &given.path).await
            }),
            Self::Python => get(async |given| pypi::read(&given).await),
        }
    }

    /// Answers a request that has passed the gate. `find` finds what the address names.
    pub(crate) fn answer<'a>(
        self,
        plain: Plain,
        address: &Address,
        find: impl Fn(&str) -> Option<&'a str>,
    ) -> impl Future<Output = Response> {
        let answer = match self {
            Self::Conda(reading) => {
                let place = conda::Place::found(find);
                Either::Left(async move { reading.answer(plain.asked(), &place).await })
            }
            Self::Python => {
                let given = plain.at(pypi::Place::found(find), address.uri());
                Either::Right(async move { pypi::read(&given).await })
            }
        };
        answer.map(|answer| answer.unwrap_or_else(Problem::into_response))
    }
}
