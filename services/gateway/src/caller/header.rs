//! The token in headers: `Authorization` in its three schemes, `X-API-Key`, `X-Auth`.
//!
//! Clients need some user name or some password beside the token; whichever half is no token is ignored.

use access::token_string;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName};
use runtime::Secret;

use super::Pair;

/// quetz's and rattler-build's uploads send this.
pub(crate) const X_API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// Anaconda Server's clients send this.
pub(crate) const X_AUTH: HeaderName = HeaderName::from_static("x-auth");

/// The token that the headers carry, if any; it may be garbage.
pub(crate) fn token(headers: &HeaderMap) -> Option<String> {
    let text = |name: &HeaderName| {
        headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    let plain = |name: &HeaderName| text(name).map(|value| without_scheme(value.trim()).to_owned());
    text(&AUTHORIZATION)
        .and_then(|value| authorization(value.trim()))
        .or_else(|| plain(&X_API_KEY))
        .or_else(|| plain(&X_AUTH))
}

/// Clients of Anaconda Repository send it with every request.
const REPOSITORY_VERSION: HeaderName = HeaderName::from_static("x-binstar-api-version");

/// Whether the one who asks speaks Anaconda Repository's interface and not Anaconda Server's, where one address is of
/// both.
pub(crate) fn speaks_repository(headers: &HeaderMap) -> bool {
    let scheme = headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().first_chunk::<6>());
    headers.contains_key(REPOSITORY_VERSION)
        || scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"token "))
}

/// Everything in which a credential may stand, for whoever takes it out.
pub(crate) const CARRIERS: [HeaderName; 3] = [AUTHORIZATION, X_API_KEY, X_AUTH];

fn authorization(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => Some(rest.to_owned()),
        "basic" => basic(rest),
        // An unknown scheme is a credential that opens nothing, not the absence of one.
        _ => Some(value.to_owned()),
    }
}

fn without_scheme(value: &str) -> &str {
    let scheme = |word: &str| {
        value
            .get(..word.len())
            .filter(|head| head.eq_ignore_ascii_case(word))
            .map(|_| value[word.len()..].trim())
    };
    scheme("bearer ").or_else(|| scheme("token ")).unwrap_or(value)
}

/// The login and password in Basic credentials of which neither half is a token.
pub(crate) fn pair(headers: &HeaderMap) -> Option<Pair> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    let (_, encoded) = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"))?;
    let decoded = unpacked(encoded.trim());
    let (login, password) = decoded.expose().split_once(':')?;
    let is_token = |half: &str| token_string::check(half).is_some();
    let pair = || Pair { login: Secret::new(login), password: Secret::new(password) };
    (!is_token(login) && !is_token(password)).then(pair)
}

fn unpacked(encoded: &str) -> Secret {
    let bytes = STANDARD.decode(encoded).unwrap_or_default();
    Secret::new(String::from_utf8_lossy(&bytes).into_owned())
}

fn basic(encoded: &str) -> Option<String> {
    let pair = unpacked(encoded);
    let pair = pair.expose();
    let (user, password) = pair.split_once(':').unwrap_or((pair, ""));
    let halves = [password, user];
    let token = halves.iter().find(|half| token_string::check(half).is_some());
    // Neither half is a token: what stands in the password's place says which error the user made.
    let given = token.or_else(|| halves.iter().find(|half| !half.is_empty()));
    Some(given.map_or_else(String::new, |half| (*half).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn live() -> String {
        token_string::mint(token_string::Kind::Resource, [7; token_string::RANDOM_BYTES])
    }

    fn carried(name: HeaderName, value: &str) -> Option<String> {
        token(&HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]))
    }

    fn basic_header(pair: &str) -> Option<String> {
        carried(AUTHORIZATION, &format!("Basic {}", STANDARD.encode(pair)))
    }

    #[test]
    fn every_carrier_carries_the_token() {
        let live = live();
        for scheme in ["Bearer", "bearer", "token", "Token"] {
            assert_eq!(carried(AUTHORIZATION, &format!("{scheme} {live}")), Some(live.clone()));
        }
        for pair in ["__token__:T", "T:x-auth-token", "T:", "anyone:T", "T"] {
            assert_eq!(basic_header(&pair.replace('T', &live)), Some(live.clone()), "{pair}");
        }
        assert_eq!(carried(X_API_KEY, &live), Some(live.clone()));
        assert_eq!(carried(X_AUTH, &live), Some(live.clone()));
        assert_eq!(carried(X_AUTH, &format!("Bearer {live}")), Some(live));
    }

    #[test]
    fn two_interfaces_are_told_apart_by_the_version_or_the_scheme() {
        let speaks = |name: HeaderName, value: &str| {
            speaks_repository(&HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())]))
        };
        assert!(speaks(REPOSITORY_VERSION, "1.12.2") && speaks(AUTHORIZATION, "Token abc"));
        assert!(!speaks(AUTHORIZATION, "Bearer abc") && !speaks(AUTHORIZATION, "token"));
        assert!(!speaks(X_AUTH, "token abc") && !speaks_repository(&HeaderMap::new()));
    }

    #[test]
    fn a_login_and_its_password_are_a_pair_unless_one_is_a_token() {
        let header = |pair: &str| {
            let value = format!("Basic {}", STANDARD.encode(pair));
            let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&value).unwrap())]);
            let pair = super::pair(&headers)?;
            Some((pair.login.expose().to_owned(), pair.password.expose().to_owned()))
        };
        assert_eq!(header("anna:a:b c"), Some(("anna".into(), "a:b c".into())));
        for pair in ["T:x-auth-token", "__token__:T", "T", "anna"] {
            assert_eq!(header(&pair.replace('T', &live())), None, "{pair}");
        }
    }

    #[test]
    fn a_credential_that_is_no_token_is_still_a_credential() {
        assert_eq!(basic_header("anna:secret"), Some("secret".into()));
        assert_eq!(carried(AUTHORIZATION, "Basic ???"), Some(String::new()));
        assert_eq!(carried(AUTHORIZATION, "Digest abc"), Some("Digest abc".into()));
        assert_eq!(token(&HeaderMap::new()), None);
    }
}
