//! Where to begin in the log, as people write it: a sequence number, a day, a time, or how long ago.

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, OffsetDateTime};

use crate::verb::expiry::Expiry;

/// The beginning of what is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    /// A position.
    Seq(u64),
    /// A moment.
    At(OffsetDateTime),
    /// So long before now.
    Ago(time::Duration),
}

impl Since {
    /// In the form that the server reads.
    pub(super) fn words(self, now: OffsetDateTime) -> Option<String> {
        let at = match self {
            Self::Seq(seq) => return Some(seq.to_string()),
            Self::At(at) => at,
            Self::Ago(length) => now.checked_sub(length)?,
        };
        at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).ok()
    }
}

impl std::str::FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(seq) = text.parse() {
            return Ok(Self::Seq(seq));
        }
        if let Ok(day) = Date::parse(text, format_description!("[year]-[month]-[day]")) {
            return Ok(Self::At(day.midnight().assume_utc()));
        }
        match text.parse() {
            Ok(Expiry::In(length)) => Ok(Self::Ago(length)),
            Ok(Expiry::At(at)) => Ok(Self::At(at)),
            Err(_) => Err(format!(
                "{text:?} is no place in the log: write a sequence number, a time like 2026-11-25T08:00:00Z, or 2h, 3d"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn a_place_in_the_log_is_a_number_a_day_a_time_or_how_long_ago() {
        let words =
            |text: &str| text.parse::<Since>().unwrap().words(datetime!(2026-11-25 12:00 UTC)).unwrap();
        assert_eq!(words("17"), "17");
        assert_eq!(words("2026-11-25"), "2026-11-25T00:00:00Z");
        assert_eq!(words("2026-11-25T08:00:00+01:00"), "2026-11-25T07:00:00Z");
        assert_eq!(words("2h"), "2026-11-25T10:00:00Z");
        for wrong in ["", "-1", "0h", "soon", "2026-13-01"] {
            assert!(wrong.parse::<Since>().is_err(), "{wrong}");
        }
    }
}
