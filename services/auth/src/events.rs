//! Domain events as they are stored, and back. What an older writer did not say is filled in here.

pub mod login;
pub mod owner;
mod redact;
pub mod role;
mod token;

pub use redact::{for_auditors, for_followers};

use time::OffsetDateTime;
use uuid::Uuid;

/// The time that a UUID of version 7 was made at (RFC 9562, section 5.7): milliseconds since 1970 in its first 48 bits.
pub fn time_of(id: Uuid) -> OffsetDateTime {
    let millis = id.as_u128() >> 80;
    i128::try_from(millis)
        .ok()
        .and_then(|millis| OffsetDateTime::from_unix_timestamp_nanos(millis * 1_000_000).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Microseconds since 1970, as events hold times.
fn micros(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000).unwrap_or(i64::MAX)
}

fn instant(micros: i64) -> Result<OffsetDateTime, String> {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1_000).map_err(|reason| reason.to_string())
}
