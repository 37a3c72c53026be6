//! Where this server is, as the client that asks has reached it: scheme and host of absolute addresses.
//!
//! The host is what the client says, which is no secret from it; answers that hold it are kept by no cache.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};

use crate::address::{self, Peer};
use crate::problem::Problem;
use crate::state::App;

const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Host and port that the request was sent to, from where they stand.
#[derive(Debug, Clone)]
pub(crate) enum Host {
    /// Nowhere.
    Unsaid,
    /// In a header: HTTP/1.
    Header(HeaderValue),
    /// In the address: HTTP/2.
    Address(Authority),
}

impl Host {
    pub(crate) fn of(headers: &HeaderMap, uri: &Uri) -> Self {
        match (uri.authority(), headers.get(HOST)) {
            (Some(authority), _) => Self::Address(authority.clone()),
            (None, Some(value)) => Self::Header(value.clone()),
            (None, None) => Self::Unsaid,
        }
    }

    /// Nothing where it is no text.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Unsaid => "",
            Self::Header(value) => value.to_str().unwrap_or_default(),
            Self::Address(authority) => authority.as_str(),
        }
    }
}

/// An origin (RFC 6454), for example `https://packages.example:8443`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    secure: bool,
    host: Authority,
}

impl Origin {
    /// Whether the client speaks TLS, to this server or to the proxy in front of it.
    pub(crate) fn is_secure(&self) -> bool {
        self.secure
    }

    /// The origin itself, without a slash at its end.
    pub(crate) fn address(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }
}

impl FromRequestParts<App> for Origin {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let host = parts.extensions.get::<Host>().map_or("", Host::as_str);
        let host = host.parse::<Authority>().ok().filter(|host| !host.as_str().contains('@'));
        let host = host.ok_or_else(|| Problem::invalid("the request names no host: send a Host header"))?;
        Ok(Self { secure: app.https || is_told_https(parts, &app.trusted_proxies), host })
    }
}

/// Whether the proxy that the request came through says that its client speaks HTTPS; its own word stands last.
fn is_told_https(parts: &Parts, trusted: &[IpAddr]) -> bool {
    let by_proxy = parts.extensions.get::<Peer>().is_some_and(|peer| address::is_proxy(*peer, trusted));
    let said = parts.headers.get_all(FORWARDED_PROTO).iter().next_back();
    let last = said.and_then(|value| value.to_str().ok()?.rsplit(',').next());
    by_proxy && last.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    fn proxy(peer: &str, proto: &[&str]) -> bool {
        let mut request = http::Request::get("/");
        for value in proto {
            request = request.header(FORWARDED_PROTO, *value);
        }
        let (mut parts, ()) = request.body(()).expect("it is a request").into_parts();
        parts.extensions.insert(Peer(SocketAddr::new(peer.parse().expect("it is an address"), 1)));
        is_told_https(&parts, &["10.0.0.1".parse().expect("it is an address")])
    }

    #[test]
    fn only_a_proxy_is_believed_about_https() {
        assert!(proxy("127.0.0.1", &["https"]));
        assert!(proxy("10.0.0.1", &["http", "http, https"]));
        assert!(!proxy("10.0.0.1", &["https, http"]));
        assert!(!proxy("10.0.0.1", &[]));
        assert!(!proxy("192.0.2.1", &["https"]));
    }
}
