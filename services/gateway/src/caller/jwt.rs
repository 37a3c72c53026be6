//! The token that Anaconda Server's clients get at their login: a JWT (RFC 7519) around a session's string.
//!
//! The string inside is the credential and is looked up by its hash like any other; the signature, whose key is that
//! string, only keeps the rest of the claims from being changed. Clients read the claims and trust them.

use access::token_string;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use runtime::Secret;
use serde::{Deserialize, Serialize};

/// How the encoding of every `{"` begins; anything else is not decoded at all.
const BEGINNING: &str = "eyJ";

/// What a JWT says of its session.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Claims {
    /// The account's id.
    pub(crate) sub: String,
    /// The session's id.
    pub(crate) jti: String,
    /// Seconds since 1970.
    pub(crate) iat: i64,
    pub(crate) exp: i64,
    /// The account's login.
    pub(crate) preferred_username: String,
    pub(crate) realm_access: RealmAccess,
}

/// `conda repo` reads the roles right after a login and fails without them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct RealmAccess {
    pub(crate) roles: Vec<&'static str>,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    #[serde(flatten)]
    claims: &'a Claims,
    latchkey_session: &'a str,
}

#[derive(Deserialize)]
struct Incoming {
    latchkey_session: String,
}

/// A JWT around a session's string.
pub(crate) fn wrap(session: &Secret, claims: &Claims) -> Secret {
    let payload = Outgoing { claims, latchkey_session: session.expose() };
    let payload = ascii(&serde_json::to_string(&payload).expect("texts and numbers are JSON"));
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
    let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&key(session.expose()), signed.as_bytes()));
    Secret::new(format!("{signed}.{signature}"))
}

/// The session's string in a JWT of ours whose claims are as they were made.
pub(crate) fn carried(text: &str) -> Option<String> {
    if !text.starts_with(BEGINNING) {
        return None;
    }
    let (signed, signature) = text.rsplit_once('.')?;
    let (_header, payload) = signed.split_once('.')?;
    let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let session = serde_json::from_slice::<Incoming>(&payload).ok()?.latchkey_session;
    token_string::check(&session)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    hmac::verify(&key(&session), signed.as_bytes(), &signature).ok()?;
    Some(session)
}

fn key(session: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, session.as_bytes())
}

/// The same JSON in characters whose base64 has neither `-` nor `_`: clients decode it with the other alphabet.
fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c.is_ascii() && !['>', '?', '~', '\u{7f}'].contains(&c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use proptest::prelude::*;

    fn session() -> Secret {
        Secret::new(token_string::mint(token_string::Kind::Session, [3; token_string::RANDOM_BYTES]))
    }

    fn jwt(login: &str) -> String {
        let claims = Claims {
            sub: "018f0000-0000-7000-8000-000000000001".into(),
            jti: "018f0000-0000-7000-8000-000000000002".into(),
            iat: 1_700_000_000,
            exp: 1_800_000_000,
            preferred_username: login.into(),
            realm_access: RealmAccess { roles: vec!["author"] },
        };
        wrap(&session(), &claims).expose().to_owned()
    }

    proptest! {
        #[test]
        fn a_client_with_the_other_alphabet_reads_the_claims(login in "\\PC{0,40}|[>?~\u{7f}]{1,9}") {
            let text = jwt(&login);
            let payload = text.split('.').nth(1).unwrap();
            prop_assert!(!payload.contains(['-', '_']));
            let claims: serde_json::Value =
                serde_json::from_slice(&STANDARD_NO_PAD.decode(payload).unwrap()).unwrap();
            prop_assert_eq!(&claims["preferred_username"], &login);
            prop_assert_eq!(&claims["realm_access"]["roles"][0], "author");
            prop_assert_eq!(carried(&text), Some(session().expose().to_owned()));
        }

        #[test]
        fn nothing_makes_it_fail(text in "\\PC{0,80}|eyJ[A-Za-z0-9_.-]{0,80}") {
            prop_assert_eq!(carried(&text), None);
        }
    }

    #[test]
    fn changed_claims_are_no_credential() {
        let text = jwt("anna");
        let [header, _, signature] = text.split('.').collect::<Vec<_>>()[..] else { panic!("{text}") };
        let claims = format!(r#"{{"exp":9e9,"latchkey_session":"{}"}}"#, session().expose());
        assert_eq!(carried(&format!("{header}.{}.{signature}", URL_SAFE_NO_PAD.encode(claims))), None);
        assert_eq!(carried(&format!("{header}.{signature}")), None);
    }
}
