//! What a program on somebody's own computer sends to have them sign in with their browser.

use crate::{InvalidName, text};

/// Where such a program waits for its answer: `http://127.0.0.1` or `http://[::1]`, any port, any path (RFC 8252,
/// section 7.3). No other address ever gets one, so an answer never leaves the computer that the browser runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopbackUri(String);

impl LoopbackUri {
    /// Longest address, in bytes.
    pub const MAX_BYTES: usize = 1024;

    /// The two addresses of loopback. A name for them can be made to stand for another (RFC 8252, section 8.3).
    const ORIGINS: [&str; 2] = ["http://127.0.0.1", "http://[::1]"];

    /// Checks an address.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        if text.len() > Self::MAX_BYTES {
            let words =
                format!("a redirect_uri has at most {} bytes, this one has {}", Self::MAX_BYTES, text.len());
            return Err(InvalidName::because(words));
        }
        let rest = Self::ORIGINS.iter().find_map(|origin| text.strip_prefix(origin));
        match rest.map(Self::is_tail) {
            Some(true) => Ok(Self(text.to_owned())),
            Some(false) | None => Err(InvalidName::because(
                "a redirect_uri is http://127.0.0.1:PORT/PATH or http://[::1]:PORT/PATH here: \
                 only a program on the same computer can be answered",
            )),
        }
    }

    /// What may follow the host: a port, a path, a query; no fragment (RFC 6749, section 3.1.2).
    fn is_tail(rest: &str) -> bool {
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (port, path) = rest.split_at(end);
        let port_fits = match port.strip_prefix(':') {
            None => port.is_empty(),
            Some(digits) => {
                digits.bytes().all(|digit| digit.is_ascii_digit())
                    && digits.parse::<u16>().is_ok_and(|port| port > 0)
            }
        };
        // RFC 3986, appendix A: what may stand in a path or a query as it is.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:@/?".contains(&byte);
        port_fits && path.bytes().all(plain)
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        let after_scheme = "http://".len();
        let end = self.0[after_scheme..].find(['/', '?']).map_or(self.0.len(), |at| after_scheme + at);
        &self.0[..end]
    }
}

text!(LoopbackUri);

/// The SHA-256 of a secret that only the program knows, in base64 for addresses: `code_challenge` by `S256` (RFC 7636,
/// section 4.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge(String);

impl CodeChallenge {
    /// 32 bytes in base64 without padding.
    pub const CHARS: usize = 43;

    /// Checks a challenge.
    pub fn parse(text: &str) -> Result<Self, InvalidName> {
        let url_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        if text.len() != Self::CHARS || !text.bytes().all(url_safe) {
            let words = format!("a code_challenge is a SHA-256 in base64url: {} characters", Self::CHARS);
            return Err(InvalidName::because(words));
        }
        Ok(Self(text.to_owned()))
    }
}

text!(CodeChallenge);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_by_its_address_is_answered() {
        for good in [
            "http://127.0.0.1:8000/auth/oidc",
            "http://127.0.0.1",
            "http://127.0.0.1/",
            "http://[::1]:65535/cb?a=b&c=%20",
            "http://127.0.0.1?x",
        ] {
            assert!(LoopbackUri::parse(good).is_ok(), "{good}");
        }
        let long = format!("http://127.0.0.1/{}", "a".repeat(LoopbackUri::MAX_BYTES));
        for bad in [
            "",
            "https://127.0.0.1/",
            "http://localhost:8000/",
            "http://127.0.0.1.evil.example/",
            "http://127.0.0.10/",
            "http://127.0.0.1:80@evil.example/",
            "http://127.0.0.1@evil.example/",
            "http://user@127.0.0.1/",
            "http://127.0.0.1:/",
            "http://127.0.0.1:0/",
            "http://127.0.0.1:65536/",
            "http://127.0.0.1:+80/",
            "http://127.0.0.1/#fragment",
            "http://127.0.0.1\\@evil.example/",
            "http://127.0.0.1/\r\nSet-Cookie: a=b",
            "http://127.0.0.1/\"><script>",
            "HTTP://127.0.0.1/",
            "http://[::1",
            "http://[::2]/",
            "//127.0.0.1/",
            "javascript:alert(1)",
            "http://evil.example/?http://127.0.0.1",
            long.as_str(),
        ] {
            assert!(LoopbackUri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_longest_address_is_one_and_its_origin_ends_before_the_path() {
        let longest = format!("http://127.0.0.1/{}", "a".repeat(LoopbackUri::MAX_BYTES - 17));
        assert_eq!(LoopbackUri::parse(&longest).unwrap().origin(), "http://127.0.0.1");
        let origin = |text: &str| LoopbackUri::parse(text).unwrap().origin().to_owned();
        assert_eq!(origin("http://[::1]:9/a/b?c"), "http://[::1]:9");
        assert_eq!(origin("http://127.0.0.1:8000?c=/"), "http://127.0.0.1:8000");
    }

    #[test]
    fn a_challenge_is_the_encoding_of_32_bytes() {
        // RFC 7636, appendix B.
        assert!(CodeChallenge::parse("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM").is_ok());
        for bad in
            ["", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-c", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw+cM"]
        {
            assert!(CodeChallenge::parse(bad).is_err(), "{bad}");
        }
    }
}
