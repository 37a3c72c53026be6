//! What is told of a request that showed one of our tokens: which string, from where, with what, and what became of it.
//! Never the string, and never what was asked for.

use std::net::IpAddr;

use access::{Caller, token_string};
use http::header::USER_AGENT;
use http::{HeaderMap, StatusCode};
use names::TokenId;
use time::OffsetDateTime;
use usage::{Outcome, Use};

use crate::refuse::Family;
use crate::state::App;

/// Longest name of a client, in characters: a name and a version.
const MAX_CLIENT_CHARS: usize = 64;

/// A string of one of our tokens, as it stood when its request came.
#[derive(Debug, Clone)]
pub(crate) struct Shown {
    pub(crate) token: TokenId,
    string_no: u32,
    alive: bool,
    at: OffsetDateTime,
    address: Option<IpAddr>,
    client: String,
}

impl Shown {
    /// Nothing where no token of this server was shown.
    pub(crate) fn of(
        caller: &Caller,
        string_no: Option<u32>,
        at: OffsetDateTime,
        address: Option<IpAddr>,
        headers: &HeaderMap,
    ) -> Option<Self> {
        Some(Self {
            token: caller.token()?,
            string_no: string_no?,
            alive: matches!(caller, Caller::Token { .. }),
            at,
            address,
            client: client(headers),
        })
    }

    /// Tells what became of its request.
    pub(crate) fn tell(self, app: &App, family: Family, status: StatusCode) {
        let Self { token, string_no, alive, at, address, client } = self;
        let outcome = if alive { outcome(status) } else { Outcome::Dead };
        let family = match family {
            Family::Conda => usage::Family::Conda,
            Family::Python => usage::Family::Python,
            Family::Api => usage::Family::Api,
            Family::Page => usage::Family::Page,
        };
        app.usage.note(Use { token, string_no, outcome, family, at, requests: 1, address, client });
    }
}

fn outcome(status: StatusCode) -> Outcome {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Outcome::Refused,
        status if status.is_client_error() || status.is_server_error() => Outcome::Failed,
        _ => Outcome::Served,
    }
}

/// The first word of User-Agent: pip sends a whole description of its machine behind it.
fn client(headers: &HeaderMap) -> String {
    let told = headers.get(USER_AGENT).and_then(|told| told.to_str().ok()).unwrap_or_default();
    let word = told.split_ascii_whitespace().next().unwrap_or_default();
    if holds_token(word) {
        return "(hidden: it holds a token)".into();
    }
    word.chars().take(MAX_CLIENT_CHARS).collect()
}

fn holds_token(word: &str) -> bool {
    let is_token = |window| std::str::from_utf8(window).is_ok_and(|text| token_string::check(text).is_some());
    word.as_bytes().windows(token_string::CHARS).any(is_token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use access::token_string::{Kind, RANDOM_BYTES, mint};

    fn told(agent: &str) -> String {
        client(&HeaderMap::from_iter([(USER_AGENT, agent.parse().unwrap())]))
    }

    #[test]
    fn a_client_is_its_first_word_shortened() {
        assert_eq!(told("pip/24.0 {\"ci\":null,\"cpu\":\"x86_64\"}"), "pip/24.0");
        assert_eq!(told(""), "");
        assert_eq!(client(&HeaderMap::new()), "");
        assert_eq!(told(&"x".repeat(MAX_CLIENT_CHARS)), "x".repeat(MAX_CLIENT_CHARS));
        assert_eq!(told(&"x".repeat(MAX_CLIENT_CHARS + 1)), "x".repeat(MAX_CLIENT_CHARS));
    }

    #[test]
    fn a_token_in_the_name_of_a_client_is_not_told() {
        let token = mint(Kind::Resource, [1; RANDOM_BYTES]);
        // Cut in the middle, it would still be most of a secret.
        for agent in [token.clone(), format!("{}{token}", "x".repeat(40)), format!("curl/{token}")] {
            assert!(!told(&agent).contains(&token[..12]), "{agent}");
        }
    }
}
