//! One call: who sent it, for which request, and how long the sender waits.

use std::net::IpAddr;
use std::time::Duration;

use access::Credential;
use feed::deadline;
use feed::server::RECEIPT_LIMIT;
use tonic::metadata::MetadataMap;

/// What every use case is told about the call it serves.
#[derive(Debug, Clone)]
pub struct Call {
    pub credential: Credential,
    /// How long a receipt may be waited for.
    pub limit: Duration,
    pub request_id: String,
    /// The address that the caller's own request came from, if the gateway says so.
    pub from: Option<IpAddr>,
    pub traceparent: String,
}

impl Call {
    /// Reads a gRPC call's metadata, in the task that serves it.
    pub fn of(metadata: &MetadataMap) -> Self {
        Self {
            credential: credential(metadata),
            limit: deadline::within(metadata, RECEIPT_LIMIT),
            from: from(metadata),
            request_id: runtime::request_id::current().map(|id| id.to_string()).unwrap_or_default(),
            traceparent: runtime::trace::current_traceparent(),
        }
    }
}

/// Metadata with the address of the gateway's caller. It is written down, and decides nothing.
pub const CLIENT_ADDRESS: &str = "x-client-address";

fn from(metadata: &MetadataMap) -> Option<IpAddr> {
    metadata.get(CLIENT_ADDRESS)?.to_str().ok()?.parse().ok()
}

/// The token in `authorization: Bearer`.
pub fn credential(metadata: &MetadataMap) -> Credential {
    let Some(value) = metadata.get("authorization") else { return Credential::None };
    let bearer = value.to_str().ok().and_then(|value| value.split_once(' '));
    match bearer {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Credential::of(token.trim()),
        Some(_) | None => Credential::Garbage,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use access::token_string::{self, Kind};

    #[test]
    fn a_token_is_read_whatever_the_schemes_case() {
        let token = token_string::mint(Kind::Session, [7; 32]);
        for (header, expected) in [
            (format!("Bearer {token}"), Credential::of(&token)),
            (format!("bearer  {token}"), Credential::of(&token)),
            (format!("Basic {token}"), Credential::Garbage),
            (token.clone(), Credential::Garbage),
            ("Bearer x".into(), Credential::Garbage),
        ] {
            let mut metadata = MetadataMap::new();
            metadata.insert("authorization", header.parse().unwrap());
            assert_eq!(credential(&metadata), expected);
        }
        assert_eq!(credential(&MetadataMap::new()), Credential::None);
    }
}
