//! Single byte ranges (RFC 9110, section 14). Anything else is answered with the whole file, as the RFC allows.

use std::ops::Range;

/// What of a file is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Whole,
    Part(Range<u64>),
    /// No byte of it is there: 416.
    Nothing,
}

/// Reads a `Range` header against a file of this size.
pub(crate) fn wanted(header: Option<&str>, size: u64) -> Wanted {
    let Some(spec) = header.and_then(|text| text.trim().strip_prefix("bytes=")) else { return Wanted::Whole };
    let Some((first, last)) = spec.trim().split_once('-') else { return Wanted::Whole };
    match (number(first), number(last)) {
        // rattler asks for the last 64 KiB of files that are smaller: they get all of it, as a part.
        (None, Some(count)) if first.trim().is_empty() => part(size.saturating_sub(count), size, size),
        (Some(start), None) if last.trim().is_empty() => part(start, size, size),
        (Some(start), Some(end)) if start <= end => part(start, end.saturating_add(1).min(size), size),
        (_, _) => Wanted::Whole,
    }
}

fn part(start: u64, end: u64, size: u64) -> Wanted {
    if start < end && start < size { Wanted::Part(start..end) } else { Wanted::Nothing }
}

fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn clients_ranges_are_understood() {
        assert_eq!(wanted(Some("bytes=0-99"), 1000), Wanted::Part(0..100));
        assert_eq!(wanted(Some("bytes=900-"), 1000), Wanted::Part(900..1000));
        assert_eq!(wanted(Some("bytes=-100"), 1000), Wanted::Part(900..1000));
        assert_eq!(wanted(Some("bytes=-65536"), 1000), Wanted::Part(0..1000));
        assert_eq!(wanted(Some("bytes=500-5000"), 1000), Wanted::Part(500..1000));
    }

    #[test]
    fn a_range_past_the_end_is_nothing() {
        assert_eq!(wanted(Some("bytes=1000-"), 1000), Wanted::Nothing);
        assert_eq!(wanted(Some("bytes=-0"), 1000), Wanted::Nothing);
        assert_eq!(wanted(Some("bytes=0-0"), 0), Wanted::Nothing);
    }

    #[test]
    fn what_is_not_one_range_is_ignored() {
        for header in
            ["bytes=1-0", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=", "bytes=-", "bytes=+1-2"]
        {
            assert_eq!(wanted(Some(header), 1000), Wanted::Whole, "{header}");
        }
        assert_eq!(wanted(None, 1000), Wanted::Whole);
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_nor_past_the_end(spec in "[0-9]{0,21}-[0-9]{0,21}", size: u64) {
            if let Wanted::Part(range) = wanted(Some(&format!("bytes={spec}")), size) {
                prop_assert!(range.start < range.end && range.end <= size);
            }
        }
    }
}
