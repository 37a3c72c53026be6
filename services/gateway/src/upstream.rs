//! auth and catalog, asked on the caller's behalf: with the caller's own credential, request id and trace.

use std::future::Future;
use std::time::Duration;

use proto::auth::v1::auth_client::AuthClient;
use proto::catalog::v1::catalog_client::CatalogClient;
use proto::events::v1::events_client::EventsClient;
use runtime::grpc::{Again, Replicas};
use runtime::{request_id, trace};
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Code, Request, Response, Status};

use crate::address;
use crate::caller::Presented;
use crate::limits::{BETWEEN_TRIES, TRIES};
use crate::wait;

/// Channels to both; each connects at the first call and again after a loss.
#[derive(Clone, Debug)]
pub(crate) struct Upstreams {
    pub(crate) auth: Again,
    pub(crate) catalog: Again,
    /// All replicas of both, for what is asked of everybody.
    pub(crate) all_auth: Replicas,
    pub(crate) all_catalog: Replicas,
}

impl Upstreams {
    /// Over one channel to each, and all replicas of each.
    pub(crate) fn over(auth: Channel, catalog: Channel, all: (Replicas, Replicas)) -> Self {
        let (all_auth, all_catalog) = all;
        Self { auth: Again::over(auth), catalog: Again::over(catalog), all_auth, all_catalog }
    }

    pub(crate) fn auth(&self) -> AuthClient<Again> {
        AuthClient::new(self.auth.clone())
    }

    pub(crate) fn catalog(&self) -> CatalogClient<Again> {
        CatalogClient::new(self.catalog.clone())
    }

    pub(crate) fn authz_events(&self) -> EventsClient<Again> {
        EventsClient::new(self.auth.clone())
    }

    pub(crate) fn catalog_events(&self) -> EventsClient<Again> {
        EventsClient::new(self.catalog.clone())
    }
}

/// Metadata with the address that the caller's own request came from.
const CLIENT_ADDRESS: &str = "x-client-address";

/// A message as the caller's own. It is given up after `limit`.
pub(crate) fn request<T>(presented: &Presented, message: T, limit: Duration) -> Request<T> {
    let mut request = endless(presented, message);
    request.set_timeout(limit);
    request
}

/// The same without an end, for streams.
pub(crate) fn endless<T>(presented: &Presented, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let metadata = request.metadata_mut();
    if let Some(bearer) = presented.bearer() {
        let mut value =
            MetadataValue::try_from(bearer.as_bytes()).expect("a header's value is metadata's too");
        value.set_sensitive(true);
        metadata.insert("authorization", value);
    }
    if let Some(id) = request_id::current() {
        let value = MetadataValue::try_from(id.as_str())
            .expect("a request id has hexadecimal digits and hyphens only");
        metadata.insert(request_id::HEADER, value);
    }
    if let Some(address) = address::current() {
        let value = MetadataValue::try_from(address.to_string()).expect("an address is ASCII");
        metadata.insert(CLIENT_ADDRESS, value);
    }
    wait::tell(request.metadata_mut());
    trace::inject_grpc(&mut request);
    request
}

/// Repeats a call that changes nothing while the other side is away.
pub(crate) async fn retried<T, F>(call: impl Fn() -> F) -> Result<T, Status>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    let mut tries = 1;
    loop {
        match call().await {
            Ok(response) => return Ok(response.into_inner()),
            Err(status) if status.code() == Code::Unavailable && tries < TRIES => {
                tries += 1;
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            Err(status) => return Err(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{IpAddr, Ipv4Addr};

    #[tokio::test]
    async fn a_call_on_a_clients_behalf_says_where_the_client_is() {
        let presented = Presented::nothing();
        let address = |request: Request<()>| request.metadata().get(CLIENT_ADDRESS).cloned();
        assert_eq!(address(endless(&presented, ())), None);
        let client = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
        let told = address::known_as(client, async { address(endless(&presented, ())) }).await;
        assert_eq!(told.unwrap(), "192.0.2.1");
    }
}
