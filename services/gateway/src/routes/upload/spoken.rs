//! The name and version of a plain file whose uploader says neither: what its own name says.

use time::OffsetDateTime;

/// Endings of archives, which are no part of a version.
const ENDINGS: [&str; 6] = [".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".zip", ".json"];

/// `name_1.2.tar.gz` and `name-1.2.zip` tell both. A file that tells no version has the time of its upload for one, as
/// notebooks and environments have.
pub(super) fn of_file(filename: &str, now: OffsetDateTime) -> (String, String) {
    let lower = filename.to_ascii_lowercase();
    let ending = ENDINGS.iter().find(|ending| lower.ends_with(*ending)).map_or(0, |ending| ending.len());
    let stem = &filename[..filename.len() - ending];
    let versioned = stem
        .rmatch_indices(['_', '-'])
        .map(|(at, _)| (&stem[..at], &stem[at + 1..]))
        .find(|(name, version)| !name.is_empty() && version.starts_with(|c: char| c.is_ascii_digit()));
    match versioned {
        Some((name, version)) => (name.to_owned(), version.to_owned()),
        None => {
            let name = if ending == 0 { stem.split('.').next().unwrap_or(stem) } else { stem };
            (name.to_owned(), stamp(now))
        }
    }
}

fn stamp(now: OffsetDateTime) -> String {
    let (year, month, day) = now.to_calendar_date();
    let (hour, minute, second) = now.to_hms();
    format!("{year}.{:02}.{day:02}.{hour:02}{minute:02}{second:02}", u8::from(month))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_tells_its_name_and_version_or_the_clock_does() {
        let now = time::macros::datetime!(2026-01-02 03:04:05 UTC);
        let told = |filename: &str| of_file(filename, now);
        let pair = |name: &str, version: &str| (name.to_owned(), version.to_owned());
        assert_eq!(told("jsonlite_1.8.8.tar.gz"), pair("jsonlite", "1.8.8"));
        assert_eq!(told("my-app-2.0.zip"), pair("my-app", "2.0"));
        assert_eq!(told("my-app.tar.bz2"), pair("my-app", "2026.01.02.030405"));
        assert_eq!(told("notes.txt"), pair("notes", "2026.01.02.030405"));
        assert_eq!(told("-1.0.zip"), pair("-1.0", "2026.01.02.030405"));
        assert_eq!(told("übung-1.TAR.GZ"), pair("übung", "1"));
    }
}
