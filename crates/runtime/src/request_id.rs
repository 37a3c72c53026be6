//! The id by which a caller, a log line and a trace speak of the same request.
//!
//! It is taken from the caller if it looks like an id and made otherwise. Only hexadecimal digits and
//! hyphens pass: a token sent in the wrong header must not end up in a log.

use std::future::Future;

use crate::Ids;

/// The header and gRPC metadata key that carries it.
pub const HEADER: &str = "x-request-id";

/// The longest one accepted from a caller, in characters; two UUIDs with a hyphen between.
const MAX_LENGTH: usize = 73;
const MIN_LENGTH: usize = 8;

/// One request's id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

impl RequestId {
    /// Takes a caller's own id if it is sane.
    pub fn accept(text: &str) -> Option<Self> {
        let sane = (MIN_LENGTH..=MAX_LENGTH).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        sane.then(|| Self(text.to_owned()))
    }

    /// Makes a new one.
    pub fn make(ids: &dyn Ids) -> Self {
        Self(ids.uuid().to_string())
    }

    /// The text itself; always fit for a header.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for RequestId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
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
pub async fn scope<F: Future>(id: RequestId, future: F) -> F::Output {
    CURRENT.scope(id, future).await
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
