//! Ends as these clients send them: a day, or a moment with or without a zone.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

use crate::problem::Problem;
use crate::routes::server::unprocessable;

/// A token whose end is a day is good through that day, in UTC.
const LAST_OF_DAY: (u8, u8, u8) = (23, 59, 59);

/// The moment in RFC 3339.
pub(super) fn read(text: &str) -> Result<String, Problem> {
    moment(text)
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .ok_or_else(|| unprocessable("expires_at is no date: write 2027-12-31, or 2027-12-31T23:59:59Z"))
}

fn moment(text: &str) -> Option<OffsetDateTime> {
    let day = format_description!("[year]-[month]-[day]");
    let clock = format_description!(
        "[year]-[month]-[day][first [T][ ]][hour]:[minute]:[second][optional [.[subsecond]]]"
    );
    if let Ok(moment) = OffsetDateTime::parse(text, &Rfc3339) {
        return Some(moment);
    }
    if let Ok(day) = Date::parse(text, &day) {
        let (hour, minute, second) = LAST_OF_DAY;
        return Some(day.with_time(Time::from_hms(hour, minute, second).ok()?).assume_utc());
    }
    PrimitiveDateTime::parse(text, &clock).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_with_its_last_second_and_a_moment_is_itself() {
        for (text, expected) in [
            ("2027-01-02", "2027-01-02T23:59:59Z"),
            ("2027-01-02T03:04:05Z", "2027-01-02T03:04:05Z"),
            ("2027-01-02T03:04:05.123456", "2027-01-02T03:04:05.123456Z"),
            ("2027-01-02 03:04:05", "2027-01-02T03:04:05Z"),
            ("2027-01-02T03:04:05+01:00", "2027-01-02T03:04:05+01:00"),
        ] {
            assert_eq!(read(text).unwrap(), expected);
        }
        for text in ["", "tomorrow", "2027-13-01", "2027-01-02T", "20270102"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
