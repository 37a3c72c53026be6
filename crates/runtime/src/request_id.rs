//! The id by which a caller, a log line and a trace speak of the same request.
//!
//! It is taken from the caller if it looks like an id and made otherwise. Only hexadecimal digits and
//! hyphens pass: a token sent in the wrong header must not end up in a log.

use std::future::Future;

use http::{HeaderName, HeaderValue};
use uuid::fmt::Hyphenated;

use crate::Ids;

/// The header and gRPC metadata key that carries it.
pub const HEADER: &str = "x-request-id";
/// The same as HTTP has it.
pub const HEADER_NAME: HeaderName = HeaderName::from_static(HEADER);

/// The longest one accepted from a caller, in characters; two UUIDs with a hyphen between.
const MAX_LENGTH: usize = 73;
const MIN_LENGTH: usize = 8;

/// One request's id, and how long it is. Every request has one: it is copied, not shared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId([u8; MAX_LENGTH], usize);

impl RequestId {
    /// Takes a caller's own id if it is sane.
    pub fn accept(text: &str) -> Option<Self> {
        let sane = (MIN_LENGTH..=MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        sane.then(|| Self::fitting(text))
    }

    /// Makes a new one.
    pub fn make(ids: &dyn Ids) -> Self {
        Self::fitting(ids.uuid().hyphenated().encode_lower(&mut [0; Hyphenated::LENGTH]))
    }

    /// The text itself.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0[..self.1]).expect("digits and hyphens are ASCII")
    }

    /// The same as a header's value.
    pub fn header(&self) -> HeaderValue {
        HeaderValue::from_str(self.as_str()).expect("digits and hyphens are visible ASCII")
    }

    fn fitting(text: &str) -> Self {
        let mut id = [0; MAX_LENGTH];
        id[..text.len()].copy_from_slice(text.as_bytes());
        Self(id, text.len())
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

tokio::task_local! {
    static CURRENT: RequestId;
}

/// The id of the request that this task serves, if it serves one.
pub fn current() -> Option<RequestId> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Runs a future on behalf of a request.
pub fn scope<F: Future>(id: RequestId, future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(id, future)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CountingIds;

    #[test]
    fn a_token_in_the_header_is_not_taken_for_an_id() {
        assert_eq!(RequestId::accept("lkr-000000000000000000000000000000AAAAAA"), None);
        assert_eq!(RequestId::accept("short"), None);
        assert_eq!(RequestId::accept(&"a".repeat(74)), None);
        assert!(RequestId::accept(&"a".repeat(73)).is_some());
        let made = RequestId::make(&CountingIds::new());
        assert_eq!(RequestId::accept(made.as_str()), Some(made));
    }

    #[tokio::test]
    async fn a_task_knows_the_request_it_serves() {
        assert_eq!(current(), None);
        let id = RequestId::make(&CountingIds::new());
        assert_eq!(scope(id.clone(), async { current() }).await, Some(id));
    }
}
