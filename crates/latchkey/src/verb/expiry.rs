//! When a token ends, as people write it: a length of time from now, or a day.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, UtcOffset};

use crate::failed::Failed;
use crate::verb::Context;

/// `30d`, `12h`, `2w`, `1y`, `2027-01-31` (to the end of that day, UTC), or a whole RFC 3339 time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// So long after now.
    In(Duration),
    /// Then.
    At(OffsetDateTime),
}

impl Expiry {
    /// The moment it stands for, in the form that the server reads.
    pub fn rfc3339(self, now: OffsetDateTime) -> Option<String> {
        let at = match self {
            Self::In(length) => now.checked_add(length)?,
            Self::At(at) => at,
        };
        at.to_offset(UtcOffset::UTC).replace_nanosecond(0).ok()?.format(&Rfc3339).ok()
    }
}

/// The moment that an option names, if it is given.
pub(crate) fn at(expiry: Option<Expiry>, context: &Context) -> Result<Option<String>, Failed> {
    let now = context.ambient.clock.now();
    let moment =
        |expiry: Expiry| expiry.rfc3339(now).ok_or_else(|| Failed::usage("that end is beyond the calendar"));
    expiry.map(moment).transpose()
}

impl std::str::FromStr for Expiry {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let no_time = || format!("{text:?} is no end: write 30d, 12h, 2w, 1y or a day like 2027-01-31");
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            return Ok(Self::At(at));
        }
        if let Ok(day) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
            let end = day.next_day().ok_or_else(no_time)?;
            return Ok(Self::At(end.midnight().assume_utc()));
        }
        let unit = text.chars().last().ok_or_else(no_time)?;
        let hours = match unit {
            'h' => 1,
            'd' => 24,
            'w' => 7 * 24,
            'y' => 365 * 24,
            _ => return Err(no_time()),
        };
        let count: u32 = text[..text.len() - unit.len_utf8()].parse().map_err(|_| no_time())?;
        if count == 0 {
            return Err(format!("{text:?} is now: a token lives at least an hour"));
        }
        Ok(Self::In(Duration::hours(i64::from(count) * hours)))
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    fn end(text: &str) -> String {
        text.parse::<Expiry>().unwrap().rfc3339(NOON).unwrap()
    }

    #[test]
    fn lengths_count_from_now() {
        assert_eq!(end("30d"), "2026-12-21T12:00:00Z");
        assert_eq!(end("12h"), "2026-11-22T00:00:00Z");
        assert_eq!(end("2w"), "2026-12-05T12:00:00Z");
    }

    #[test]
    fn a_day_is_lived_to_its_end() {
        assert_eq!(end("2027-01-31"), "2027-02-01T00:00:00Z");
        assert_eq!(end("2027-01-31T08:00:00+01:00"), "2027-01-31T07:00:00Z");
    }

    #[test]
    fn anything_else_is_refused_with_examples() {
        for wrong in ["", "d", "0d", "30", "-3d", "1m", "2027-13-01", "soon", "3é"] {
            assert!(wrong.parse::<Expiry>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_length_beyond_the_calendar_has_no_end() {
        assert_eq!("4000000000y".parse::<Expiry>().unwrap().rfc3339(NOON), None);
    }
}
