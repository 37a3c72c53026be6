//! Conditional requests (RFC 9110, section 13): is what the client has still the thing?

use http::HeaderMap;
use http::header::{AsHeaderName, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, RANGE};
use time::OffsetDateTime;

/// Whether the client's copy is good: 304. ETags decide; times only if the client sent no ETag.
pub(crate) fn unchanged(headers: &HeaderMap, etag: &str, modified: Option<OffsetDateTime>) -> bool {
    match text(headers, IF_NONE_MATCH) {
        Some(list) => list.split(',').map(str::trim).any(|item| item == "*" || weak(item) == weak(etag)),
        None => {
            let since = text(headers, IF_MODIFIED_SINCE).and_then(seconds);
            since.zip(modified).is_some_and(|(since, modified)| modified.unix_timestamp() <= since)
        }
    }
}

/// The range asked for, unless it was asked of another version of the file.
pub(crate) fn range<'a>(
    headers: &'a HeaderMap,
    etag: &str,
    modified: Option<OffsetDateTime>,
) -> Option<&'a str> {
    let same = text(headers, IF_RANGE).is_none_or(|validator| {
        // A resumed download must not be glued from two versions: strong comparison only.
        let date = || seconds(validator).zip(modified).is_some_and(|(at, is)| at == is.unix_timestamp());
        validator == etag || date()
    });
    text(headers, RANGE).filter(|_| same)
}

fn text(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn weak(etag: &str) -> &str {
    etag.strip_prefix("W/").unwrap_or(etag)
}

fn seconds(date: &str) -> Option<i64> {
    let since = httpdate::parse_http_date(date).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};
    use time::macros::datetime;

    const MODIFIED: Option<OffsetDateTime> = Some(datetime!(2026-11-21 22:30:00.5 UTC));
    const SAME: &str = "Sat, 21 Nov 2026 22:30:00 GMT";
    const BEFORE: &str = "Sat, 21 Nov 2026 22:29:59 GMT";

    fn headers<const N: usize>(all: [(HeaderName, &'static str); N]) -> HeaderMap {
        all.into_iter().map(|(name, value)| (name, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn an_etag_in_the_list_means_unchanged() {
        for list in ["\"a\"", "\"b\", \"a\"", "W/\"a\"", "*"] {
            assert!(unchanged(&headers([(IF_NONE_MATCH, list)]), "\"a\"", MODIFIED), "{list}");
        }
        assert!(!unchanged(&headers([(IF_NONE_MATCH, "\"b\"")]), "\"a\"", MODIFIED));
    }

    #[test]
    fn a_wrong_etag_outweighs_a_right_time() {
        assert!(unchanged(&headers([(IF_MODIFIED_SINCE, SAME)]), "\"a\"", MODIFIED));
        assert!(!unchanged(&headers([(IF_MODIFIED_SINCE, BEFORE)]), "\"a\"", MODIFIED));
        assert!(!unchanged(
            &headers([(IF_NONE_MATCH, "\"b\""), (IF_MODIFIED_SINCE, SAME)]),
            "\"a\"",
            MODIFIED
        ));
        assert!(!unchanged(&HeaderMap::new(), "\"a\"", MODIFIED));
    }

    #[test]
    fn a_range_of_another_version_is_dropped() {
        let asked = |validator| headers([(RANGE, "bytes=5-"), (IF_RANGE, validator)]);
        assert_eq!(range(&asked("\"a\""), "\"a\"", MODIFIED), Some("bytes=5-"));
        assert_eq!(range(&asked(SAME), "\"a\"", MODIFIED), Some("bytes=5-"));
        for other in ["\"b\"", "W/\"a\"", BEFORE] {
            assert_eq!(range(&asked(other), "\"a\"", MODIFIED), None, "{other}");
        }
        assert_eq!(range(&headers([(RANGE, "bytes=5-")]), "\"a\"", MODIFIED), Some("bytes=5-"));
    }
}
