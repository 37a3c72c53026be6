//! What a caller is told when something did not work: a code, one sentence, perhaps when to retry.
//! Why it happened stays beside it as the source, which is logged once at the rim and never sent.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use tonic::Status;

use crate::Code;

/// The metadata key under which seconds to wait travel through gRPC.
const RETRY_AFTER: &str = "retry-after";

/// A refusal or fault at the rim of a service.
#[derive(Clone)]
pub struct Failure {
    /// Which of the closed list it is.
    pub code: Code,
    /// One sentence for whoever called, lower case, saying what to do. Never holds a secret.
    pub message: String,
    /// When asking again makes sense.
    pub retry_after_s: Option<u32>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A failure without a deeper reason.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), retry_after_s: None, source: None }
    }

    /// Something needed is away; asking again in a second makes sense.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { retry_after_s: Some(1), ..Self::new(Code::Unavailable, message) }
    }

    /// A fault of ours. The caller learns nothing but that; the source goes to the log.
    pub fn internal(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Code::Internal, "something went wrong here; the operator finds the reason in the log")
            .because(source)
    }

    /// Keeps what led to it, for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Says when asking again makes sense.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Reads what another service answered. A service that cannot be reached is `Unavailable`.
    pub fn from_status(status: Status) -> Self {
        let away = status.code() == tonic::Code::Unknown && from_transport(&status);
        let code = match Code::from_grpc(status.code()) {
            Some(code) if !away => code,
            Some(_) => Code::Unavailable,
            // A status that says OK is no answer to fail with.
            None => Code::Internal,
        };
        let retry_after_s =
            status.metadata().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        // What the transport says names addresses, not what the caller can do about it.
        let local = status.source().is_some();
        let message = match code {
            Code::Unavailable if local || status.message().is_empty() => {
                "a service this needs cannot be reached; try again in a moment".into()
            }
            Code::Internal => "something went wrong here; the operator finds the reason in the log".into(),
            Code::Invalid
            | Code::Unauthenticated
            | Code::Forbidden
            | Code::NotFound
            | Code::Exists
            | Code::Conflict
            | Code::TooLarge
            | Code::TooMany
            | Code::Unavailable => status.message().to_owned(),
        };
        let retry_after_s = retry_after_s.or((code == Code::Unavailable).then_some(1));
        Self { code, message, retry_after_s, source: Some(Arc::new(status)) }
    }

    /// The reasons below the message, outermost first, for the log.
    pub fn chain(&self) -> String {
        chain(self.source())
    }
}

/// Joins an error and everything beneath it.
pub(crate) fn chain(first: Option<&(dyn Error + 'static)>) -> String {
    let mut reasons = Vec::new();
    let mut next = first;
    while let Some(error) = next {
        reasons.push(error.to_string());
        next = error.source();
    }
    reasons.join(": ")
}

fn from_transport(status: &Status) -> bool {
    let mut next = status.source();
    while let Some(error) = next {
        if error.is::<tonic::transport::Error>() {
            return true;
        }
        next = error.source();
    }
    false
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.message)?;
        match self.chain() {
            reasons if reasons.is_empty() => Ok(()),
            reasons => write!(f, ": {reasons}"),
        }
    }
}

impl Error for Failure {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        let mut status = Status::new(failure.code.grpc(), failure.message);
        if let Some(seconds) = failure.retry_after_s {
            status.metadata_mut().insert(RETRY_AFTER, seconds.into());
        }
        // It stays in this process: the server's trace layer logs it.
        if let Some(source) = failure.source {
            status.set_source(source);
        }
        status
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::from_status(status)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_crosses_grpc_without_its_reason() {
        let sent = Failure::new(Code::TooMany, "slow down").retry_after_s(7).because("bucket empty");
        let headers = Status::from(sent).into_http::<()>();
        let status = Status::from_header_map(headers.headers()).expect("a status in the headers");
        let received = Failure::from_status(status);
        assert_eq!((received.code, received.retry_after_s), (Code::TooMany, Some(7)));
        assert_eq!(received.to_string(), "slow down");
        assert!(!format!("{received:?}").contains("bucket"));
    }

    #[test]
    fn the_reason_is_in_the_chain_and_not_in_the_message() {
        let failure = Failure::internal(std::io::Error::other("disk on fire"));
        assert!(!failure.to_string().contains("fire"));
        assert_eq!(failure.chain(), "disk on fire");
    }

    #[tokio::test]
    async fn a_service_that_is_away_is_unavailable() {
        let endpoint = tonic::transport::Endpoint::from_static("http://127.0.0.1:1");
        let error = endpoint.connect().await.expect_err("nothing listens on port 1");
        let failure = Failure::from_status(Status::from_error(error.into()));
        assert_eq!(failure.code, Code::Unavailable);
        assert!(failure.retry_after_s.is_some());
        assert!(!failure.message.contains("127.0.0.1"));
    }
}
