//! How far a change must have come before it is answered: everywhere, or into the log. The header `Latchkey-Wait` says
//! `all-gateways`, which is the default, or `committed`; auth and catalog are told.

use std::future::Future;

use feed::deadline::{COMMITTED, WAIT};
use http::{HeaderMap, HeaderName};
use tonic::metadata::{MetadataMap, MetadataValue};

const HEADER: HeaderName = HeaderName::from_static(WAIT);
const ALL_GATEWAYS: &str = "all-gateways";

/// What a caller asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    AllGateways,
    Committed,
}

/// Neither of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Latchkey-Wait is {ALL_GATEWAYS} or {COMMITTED}")]
pub(crate) struct Unknown;

tokio::task_local! {
    static ASKED: Wait;
}

/// What the headers ask for.
pub(crate) fn of(headers: &HeaderMap) -> Result<Wait, Unknown> {
    match headers.get(HEADER).map(|value| value.as_bytes()) {
        None => Ok(Wait::AllGateways),
        Some(value) if value == ALL_GATEWAYS.as_bytes() => Ok(Wait::AllGateways),
        Some(value) if value == COMMITTED.as_bytes() => Ok(Wait::Committed),
        Some(_) => Err(Unknown),
    }
}

/// Does this for a caller who asks for that.
pub(crate) fn asked<F: Future>(wait: Wait, work: F) -> impl Future<Output = F::Output> {
    ASKED.scope(wait, work)
}

/// Tells it to a service that is called meanwhile.
pub(crate) fn tell(metadata: &mut MetadataMap) {
    if ASKED.try_with(|wait| *wait) == Ok(Wait::Committed) {
        metadata.insert(WAIT, MetadataValue::from_static(COMMITTED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_asked_for_is_told() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers), Ok(Wait::AllGateways));
        headers.insert(WAIT, "all-gateways".parse().unwrap());
        assert_eq!(of(&headers), Ok(Wait::AllGateways));
        headers.insert(WAIT, "soon".parse().unwrap());
        assert_eq!(of(&headers), Err(Unknown));
        headers.insert(WAIT, "committed".parse().unwrap());
        let told = |wait| {
            asked(wait, async {
                let mut metadata = MetadataMap::new();
                tell(&mut metadata);
                metadata.get(WAIT).map(|value| value.to_str().unwrap().to_owned())
            })
        };
        assert_eq!(told(of(&headers).unwrap()).await.as_deref(), Some("committed"));
        assert_eq!(told(Wait::AllGateways).await, None);
    }
}
