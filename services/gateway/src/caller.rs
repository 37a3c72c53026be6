//! What comes first: the credential is taken out of the request, before anything routes, traces or counts it.
//!
//! What comes after sees a path without token, headers without credential, and a [`Presented`] that cannot be
//! printed. A token that stands where none belongs is blotted out and the request refused.

mod header;
mod host;
pub(crate) mod jwt;
mod path;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use access::{Credential, token_string};
use http::header::REFERER;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};
use path::Stripped;
use runtime::Secret;

use crate::origin::Host;

/// What the path or a header carried.
#[derive(Clone)]
pub(crate) struct Presented {
    carrier: Carrier,
    secret: Option<Arc<Secret>>,
    credential: Credential,
    pair: Option<Arc<Pair>>,
    astray: bool,
    repository: bool,
}

/// A login and its password, sent as Basic credentials of which neither half is a token. For signing in and nothing else.
pub(crate) struct Pair {
    pub(crate) login: Secret,
    pub(crate) password: Secret,
}

/// Where the credential stood. Python clients need other answers when it was the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Carrier {
    None,
    Path,
    Header,
}

impl Presented {
    pub(crate) fn nothing() -> Self {
        let credential = Credential::None;
        Self {
            carrier: Carrier::None,
            secret: None,
            credential,
            pair: None,
            astray: false,
            repository: false,
        }
    }

    /// A session's string may come wrapped in the JWT that Anaconda Server's clients were given at their login.
    fn new(carrier: Carrier, text: String) -> Self {
        let text = jwt::carried(&text).unwrap_or(text);
        let credential = Credential::of(&text);
        let secret = Some(Arc::new(Secret::new(text)));
        Self { carrier, secret, credential, pair: None, astray: false, repository: false }
    }

    /// A token that this server was just given, for a call in its owner's name.
    pub(crate) fn own(token: String) -> Self {
        Self::new(Carrier::Header, token)
    }

    /// As if a header had carried this string, which has just been issued.
    pub(crate) fn issued(text: &str) -> Self {
        Self::new(Carrier::Header, text.to_owned())
    }

    pub(crate) fn carrier(&self) -> Carrier {
        self.carrier
    }

    /// What the access table is asked with.
    pub(crate) fn credential(&self) -> Credential {
        self.credential
    }

    /// The login and password that were sent in place of a token.
    pub(crate) fn pair(&self) -> Option<&Pair> {
        self.pair.as_deref()
    }

    /// Whether a token stood in the path where none belongs.
    pub(crate) fn astray(&self) -> bool {
        self.astray
    }

    /// Whether Anaconda Repository's interface is spoken.
    pub(crate) fn speaks_repository(&self) -> bool {
        self.repository
    }

    /// The header with which another service is asked on the caller's behalf.
    pub(crate) fn bearer(&self) -> Option<HeaderValue> {
        // Garbage is refused here: nobody else needs to look at it.
        let secret = self.secret.as_ref().filter(|_| self.credential != Credential::Garbage)?;
        let mut value = HeaderValue::from_str(&format!("Bearer {}", secret.expose())).ok()?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").field("carrier", &self.carrier).finish_non_exhaustive()
    }
}

/// What was taken out of a request.
pub(crate) struct Taken {
    pub(crate) presented: Presented,
    pub(crate) host: Host,
    pub(crate) address: Address,
}

impl Taken {
    /// Leaves it with the request, for whoever stands behind the router.
    pub(crate) fn leave<B>(&self, request: &mut http::Request<B>) {
        *request.uri_mut() = self.address.uri();
        request.extensions_mut().insert(self.presented.clone());
        request.extensions_mut().insert(self.host.clone());
    }
}

/// Takes the address and the credential out of a request: what comes after sees neither token nor credential.
pub(crate) fn take<B>(request: &mut http::Request<B>) -> Taken {
    let host = Host::of(request.headers(), request.uri());
    let sent = std::mem::take(request.uri_mut());
    let stripped = path::strip(sent.path());
    // A token may stand behind the mount that the host stands for.
    let mounted = host::mounted(host.as_str(), &stripped.path);
    let behind = mounted.as_deref().map(path::strip);
    let behind = behind.unwrap_or(Stripped { path: stripped.path, token: None });
    let carried = header::token(request.headers());
    let mut presented = match (stripped.token.or(behind.token), carried) {
        // uv and twine insist on some Basic credentials beside a token in the path.
        (Some(token), _) => Presented::new(Carrier::Path, token.into_owned()),
        (None, Some(token)) => {
            let pair = header::pair(request.headers()).map(Arc::new);
            Presented { pair, ..Presented::new(Carrier::Header, token) }
        }
        (None, None) => Presented::nothing(),
    };
    presented.repository = header::speaks_repository(request.headers());
    for name in header::CARRIERS {
        request.headers_mut().remove(name);
    }
    // It may hold the address of an index, with the token in it.
    request.headers_mut().remove(REFERER);
    let (clean, astray) = blotted(behind.path);
    presented.astray = astray;
    let path = match clean {
        Cow::Borrowed(rest) if mounted.is_none() => Clean::From(sent.path().len() - rest.len()),
        Cow::Borrowed(_) | Cow::Owned(_) => Clean::Written(clean.into_owned()),
    };
    Taken { presented, host, address: Address { sent, path } }
}

/// Where a request goes. It keeps the address as it was sent, with the token in it, and shows it to nobody.
pub(crate) struct Address {
    sent: Uri,
    path: Clean,
}

/// A path without token.
enum Clean {
    /// What was sent, from this byte on.
    From(usize),
    Written(String),
}

impl Address {
    /// What is routed, still percent-encoded.
    pub(crate) fn path(&self) -> &str {
        match &self.path {
            Clean::From(begin) => &self.sent.path()[*begin..],
            Clean::Written(path) => path,
        }
    }

    /// The same with the query.
    pub(crate) fn uri(&self) -> Uri {
        let parts = match self.sent.query() {
            Some(query) => PathAndQuery::try_from(format!("{}?{query}", self.path())),
            None => PathAndQuery::try_from(self.path()),
        };
        parts.map(Uri::from).expect("parts of a valid address, joined by slashes, are one")
    }
}

/// Replaces whole tokens that stand elsewhere in the path.
fn blotted(clean: Cow<'_, str>) -> (Cow<'_, str>, bool) {
    // What is escaped is longer than what it stands for.
    let is_token = |segment: &str| {
        segment.len() >= token_string::CHARS && token_string::check(&path::decoded(segment)).is_some()
    };
    if !clean.split('/').any(is_token) {
        return (clean, false);
    }
    let segments: Vec<&str> =
        clean.split('/').map(|segment| if is_token(segment) { "-" } else { segment }).collect();
    (Cow::Owned(segments.join("/")), true)
}

#[cfg(test)]
mod tests;
