//! The REST interface: each handler is one call of auth or catalog with the caller's own credential. The gate refuses
//! what can be refused here; they decide again.

pub(crate) mod account;
pub(crate) mod artifact;
pub(crate) mod carry;
pub(crate) mod channel;
pub(crate) mod event;
pub(crate) mod explain;
pub(crate) mod file;
pub(crate) mod grant;
pub(crate) mod group;
pub(crate) mod history;
pub(crate) mod json;
pub(crate) mod label;
pub(crate) mod leaked;
pub(crate) mod package;
pub(crate) mod role;
pub(crate) mod scope;
pub(crate) mod search;
pub(crate) mod session;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod uses;
pub(crate) mod vocabulary;

use proto::feed::v1::Receipt;
use serde::Serialize;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Who has confirmed a change, who can act on nothing any more, and who had not confirmed when the wait ended.
#[derive(Debug, Serialize)]
pub(crate) struct Confirmed {
    confirmed: Vec<Confirmation>,
    silent: Vec<String>,
    lapsed: Vec<String>,
    waited_us: u64,
    /// RFC 3339; the change holds everywhere by then. Empty if it does already.
    effective_by: String,
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
            lapsed: receipt.lapsed,
            effective_by: receipt.effective_by_us.map(instant).unwrap_or_default(),
            waited_us: receipt.waited_us,
        }
    }
}

/// Rounded up: by then it holds for certain.
fn instant(us: i64) -> String {
    let rounded = OffsetDateTime::from_unix_timestamp(us.div_euclid(1_000_000) + 1);
    rounded.ok().and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_default()
}
