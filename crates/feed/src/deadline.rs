//! How long a caller is going to wait, as gRPC says it in the `grpc-timeout` header.

use std::time::Duration;

use tonic::metadata::MetadataMap;

/// Kept back from the caller's time, so that the answer is there before the caller gives up.
const MARGIN: Duration = Duration::from_millis(100);

/// Metadata with how far a change must have come before the call returns: `all-gateways`, which is the default, or
/// [`COMMITTED`].
pub const WAIT: &str = "latchkey-wait";
/// It is recorded; the receipt says who has not confirmed, and by when it holds all the same.
pub const COMMITTED: &str = "committed";

/// The caller's remaining time less a margin, at most `most`; none if the caller does not want to wait for others.
pub fn within(metadata: &MetadataMap, most: Duration) -> Duration {
    if metadata.get(WAIT).is_some_and(|wait| wait == COMMITTED) {
        return Duration::ZERO;
    }
    let given = metadata.get("grpc-timeout").and_then(|value| parse(value.to_str().ok()?));
    given.map_or(most, |given| given.saturating_sub(MARGIN.min(given / 10)).min(most))
}

/// gRPC over HTTP/2, "Timeout": at most eight digits and a unit.
fn parse(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 {
        return None;
    }
    let count: u64 = digits.parse().ok()?;
    match unit {
        "H" => Some(Duration::from_secs(count * 3600)),
        "M" => Some(Duration::from_secs(count * 60)),
        "S" => Some(Duration::from_secs(count)),
        "m" => Some(Duration::from_millis(count)),
        "u" => Some(Duration::from_micros(count)),
        "n" => Some(Duration::from_nanos(count)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(value: &'static str) -> MetadataMap {
        let mut metadata = MetadataMap::new();
        metadata.insert("grpc-timeout", value.parse().unwrap());
        metadata
    }

    #[test]
    fn the_callers_time_is_kept_to_with_a_margin() {
        let most = Duration::from_secs(15);
        assert_eq!(within(&MetadataMap::new(), most), most);
        assert_eq!(within(&header("5000m"), most), Duration::from_millis(4900));
        assert_eq!(within(&header("100m"), most), Duration::from_millis(90));
        assert_eq!(within(&header("1H"), most), most);
    }

    #[test]
    fn whoever_wants_it_recorded_and_no_more_waits_for_nobody() {
        let mut metadata = header("5000m");
        metadata.insert(WAIT, "all-gateways".parse().unwrap());
        assert_eq!(within(&metadata, Duration::from_secs(1)), Duration::from_secs(1));
        metadata.insert(WAIT, COMMITTED.parse().unwrap());
        assert_eq!(within(&metadata, Duration::from_secs(1)), Duration::ZERO);
    }

    #[test]
    fn nonsense_is_as_if_nothing_was_said() {
        for text in ["", "m", "5", "5x", "-5S", "123456789S", "é"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
