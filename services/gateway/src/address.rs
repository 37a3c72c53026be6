//! The address a request came from: failures are counted by it, and what is changed is written down with it.
//!
//! Behind a reverse proxy every peer is the proxy; then the last entry that it put into `X-Forwarded-For` counts.

use std::future::Future;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

tokio::task_local! {
    static CLIENT: Option<IpAddr>;
}

/// Does this for a client at this address: whatever auth is asked meanwhile, it is told from where.
pub(crate) fn known_as<F: Future>(client: Option<IpAddr>, work: F) -> impl Future<Output = F::Output> {
    CLIENT.scope(client, work)
}

/// Where the request in work came from.
pub(crate) fn current() -> Option<IpAddr> {
    CLIENT.try_with(|client| *client).ok().flatten()
}

/// Where a request with these headers came from.
pub(crate) fn of(peer: Option<Peer>, headers: &HeaderMap, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = peer?;
    let proxied = is_proxy(peer, trusted);
    let peer = peer.0.ip().to_canonical();
    if !proxied {
        return Some(peer);
    }
    let named = headers.get_all(FORWARDED_FOR).iter().next_back();
    let Some(named) = named else { return Some(peer).filter(IpAddr::is_loopback) };
    let last = named.to_str().ok()?.rsplit(',').next()?.trim();
    last.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Whether it is believed about whom it speaks for: this machine, and those that the operator names.
pub(crate) fn is_proxy(peer: Peer, trusted: &[IpAddr]) -> bool {
    let peer = peer.0.ip().to_canonical();
    peer.is_loopback() || trusted.contains(&peer)
}

/// Whose failures these are. Nobody's for a client on this machine itself, which no limit protects from.
pub(crate) fn counted(client: Option<IpAddr>) -> Option<IpAddr> {
    client.filter(|address| !address.is_loopback()).map(network)
}

/// One customer's part of IPv6, who may use every address in it.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(peer: &str, forwarded: Option<&str>, trusted: &[IpAddr]) -> Option<String> {
        let value = forwarded.map(|forwarded| (FORWARDED_FOR, forwarded.parse().unwrap()));
        let peer = Peer(SocketAddr::new(peer.parse().unwrap(), 1));
        counted(of(Some(peer), &HeaderMap::from_iter(value), trusted)).map(|address| address.to_string())
    }

    #[test]
    fn only_a_proxy_is_believed_about_somebody_else() {
        let proxy = ["10.0.0.1".parse().unwrap()];
        assert_eq!(address("192.0.2.1", Some("198.51.100.1"), &proxy).unwrap(), "192.0.2.1");
        assert_eq!(address("10.0.0.1", Some("203.0.113.9, 198.51.100.1"), &proxy).unwrap(), "198.51.100.1");
        assert_eq!(address("127.0.0.1", Some("198.51.100.1"), &[]).unwrap(), "198.51.100.1");
        assert_eq!(address("127.0.0.1", None, &[]), None);
        assert_eq!(address("10.0.0.1", Some("unknown"), &proxy), None);
        assert_eq!(address("::ffff:192.0.2.1", None, &[]).unwrap(), "192.0.2.1");
    }

    #[test]
    fn a_client_on_this_machine_is_known_and_not_counted() {
        let client = of(Some(Peer("[::1]:1".parse().unwrap())), &HeaderMap::new(), &[]);
        assert_eq!((client, counted(client)), (Some(IpAddr::V6(Ipv6Addr::LOCALHOST)), None));
    }

    #[test]
    fn one_customer_of_ipv6_is_one_address() {
        assert_eq!(address("2001:db8:1:2:3:4:5:6", None, &[]), address("2001:db8:1:2::9", None, &[]));
        assert_ne!(address("2001:db8:1:2::9", None, &[]), address("2001:db8:1:3::9", None, &[]));
    }
}
