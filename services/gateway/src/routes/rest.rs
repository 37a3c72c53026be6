//! The REST interface: each handler is one call of auth or catalog with the caller's own credential. The gate refuses
//! what can be refused here; they decide again.

pub(crate) mod account;
pub(crate) mod artifact;
pub(crate) mod channel;
pub(crate) mod event;
pub(crate) mod explain;
pub(crate) mod file;
pub(crate) mod grant;
pub(crate) mod json;
pub(crate) mod label;
pub(crate) mod leaked;
pub(crate) mod scope;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod uses;
pub(crate) mod vocabulary;

use proto::feed::v1::Receipt;
use serde::Serialize;

/// Which gateways have confirmed a change, and which had not when the wait ended.
#[derive(Debug, Serialize)]
struct Confirmed {
    confirmed: Vec<Confirmation>,
    silent: Vec<String>,
    waited_us: u64,
}

#[derive(Debug, Serialize)]
struct Confirmation {
    gateway: String,
    after_us: u64,
}

impl From<Receipt> for Confirmed {
    fn from(receipt: Receipt) -> Self {
        let confirmation = |one: proto::feed::v1::Confirmation| Confirmation {
            gateway: one.follower,
            after_us: one.after_us,
        };
        Self {
            confirmed: receipt.confirmed.into_iter().map(confirmation).collect(),
            silent: receipt.silent,
            waited_us: receipt.waited_us,
        }
    }
}
