//! `/api/v1/tokens/leaked`: which of the caller's tokens stand in a text that has got about.
//!
//! The text is looked through here and forgotten; auth is asked for hashes.

use std::collections::HashSet;

use access::{SecretHash, token_string};
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use proto::auth::v1::IdentifyTokensRequest;
use serde_json::json;

use super::json::text;
use super::token::TokenDocument;
use crate::limits::{MAX_LEAKED_STRINGS, MAX_LEAKED_TEXT_BYTES, READ_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::upstream;

/// `POST /api/v1/tokens/leaked`: the body is the text, whatever it is.
pub(crate) async fn leaked(given: Given<()>, body: Body) -> Result<Response, Problem> {
    let hashes = strings_in(&text(body, MAX_LEAKED_TEXT_BYTES).await?);
    if hashes.len() > MAX_LEAKED_STRINGS {
        return Err(Problem::invalid(format!(
            "more than {MAX_LEAKED_STRINGS} strings of tokens stand in it: send it in parts"
        )));
    }
    let message =
        IdentifyTokensRequest { sha256: hashes.iter().map(|SecretHash(hash)| hash.to_vec()).collect() };
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.identify_tokens(request).await }
    });
    let tokens: Vec<_> = reply.await?.tokens.into_iter().map(TokenDocument::from).collect();
    Ok(axum::Json(json!({ "strings": hashes.len(), "tokens": tokens })).into_response())
}

/// Every string in it that has a token's shape and checksum.
fn strings_in(text: &[u8]) -> HashSet<SecretHash> {
    let shaped = |window: &[u8]| {
        let string = std::str::from_utf8(window.strip_prefix(b"lk").and(Some(window))?).ok()?;
        token_string::check(string).map(|_| SecretHash::of(string))
    };
    text.windows(token_string::CHARS).filter_map(shaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use access::token_string::{Kind, RANDOM_BYTES, mint};

    #[test]
    fn tokens_are_found_wherever_they_stand_and_once() {
        let (one, two) = (mint(Kind::Resource, [1; RANDOM_BYTES]), mint(Kind::Session, [2; RANDOM_BYTES]));
        let mut wrong = mint(Kind::Resource, [3; RANDOM_BYTES]);
        wrong.replace_range(10..11, if &wrong[10..11] == "a" { "b" } else { "a" });
        let text = format!("x{one}\u{fc}\"{two}\"\n/t/{one}/{wrong} ");
        let found = strings_in(&[text.as_bytes(), &[0xff, 0xfe]].concat());
        assert_eq!(found, HashSet::from([SecretHash::of(&one), SecretHash::of(&two)]));
        assert!(strings_in(b"short").is_empty());
    }
}
