//! From a verdict to an answer: the refusals table of the design, section 8, for every family of routes.
//!
//! One situation has one answer for every name, so that nothing can be enumerated.

use access::{Caller, Refusal, TokenKind, TokenString, Why};
use http::{HeaderName, HeaderValue, StatusCode};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use crate::caller::Carrier;
use crate::problem::Problem;

/// conda shows its text to the user beside a good answer.
pub(crate) const TOKEN_WARNING: HeaderName = HeaderName::from_static("conda-token-warning");

/// How long before its end a token's holder is told of it.
const ENDS_SOON: Duration = Duration::days(14);

/// Who speaks on a route, which decides how a refusal is best put.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// conda, mamba, rattler, pixi and their uploaders.
    Conda,
    /// pip, uv, poetry, twine.
    Python,
    /// The REST interface.
    Api,
    /// People and orchestrators: no credential is asked for.
    Page,
}

/// The answer to a refused request. `words` are the authoriser's own.
pub(crate) fn answer(family: Family, carrier: Carrier, refusal: &Refusal, words: String) -> Problem {
    match refusal.why {
        // One text for every name: it must not even depend on whether the name could be one.
        Why::NotSignedIn => Problem::new(
            StatusCode::UNAUTHORIZED,
            "this needs a token: put /t/<token>/ first in the address, or send it as the Basic password",
        ),
        Why::Unknown | Why::Expired { .. } | Why::Revoked { .. } | Why::Disabled => {
            Problem::new(dead(family, carrier), words)
        }
        Why::Missing | Why::Frozen | Why::SessionNeeded | Why::ScopeMissing => {
            Problem::new(StatusCode::FORBIDDEN, words)
        }
        Why::Absent => Problem::not_found(words),
    }
}

/// A 401 makes pip ask for a password, which cannot help when the token stands in the path.
fn dead(family: Family, carrier: Carrier) -> StatusCode {
    match (family, carrier) {
        (Family::Python, Carrier::Path) => StatusCode::FORBIDDEN,
        (Family::Python, Carrier::Header | Carrier::None)
        | (Family::Conda | Family::Api | Family::Page, _) => StatusCode::UNAUTHORIZED,
    }
}

/// What a caller is told whose credential opens nothing, on something that is open to all.
pub(crate) fn warning(caller: &Caller) -> Option<HeaderValue> {
    let text = match caller {
        Caller::Nobody | Caller::Token { .. } | Caller::Service(_) => return None,
        Caller::Unknown => "this token is unknown to the server and was ignored",
        Caller::Expired { .. } => "this token has expired and was ignored",
        Caller::Revoked { .. } => "this token was revoked and was ignored",
        Caller::Disabled { .. } => "this token belongs to a disabled account and was ignored",
    };
    Some(HeaderValue::from_static(text))
}

/// What the holder of a good token is told that will soon be none: the token ends, or this string of it does.
pub(crate) fn ending(now: OffsetDateTime, string: TokenString<'_>) -> Option<HeaderValue> {
    // A session ends soon by its nature.
    if string.token().kind == TokenKind::Session || !string.ends_by(now + ENDS_SOON) {
        return None;
    }
    let (token, ends_at) = (string.token(), string.ends_at());
    let when = ends_at.replace_nanosecond(0).ok()?.format(&Rfc3339).ok()?;
    let words = if ends_at < token.expires_at() {
        format!("this token has been reissued and its older string ends at {when}: use the newer one")
    } else {
        format!("this token ends at {when}: give it a later end with `latchkey token edit` or make a new one")
    };
    HeaderValue::from_str(&words).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(family: Family, carrier: Carrier, why: Why) -> u16 {
        let refusal = Refusal { why, needed: None, may_read: false };
        answer(family, carrier, &refusal, "words".into()).status().as_u16()
    }

    #[test]
    fn a_dead_token_in_a_python_path_is_forbidden_and_elsewhere_unauthenticated() {
        let since = OffsetDateTime::UNIX_EPOCH;
        for why in [Why::Unknown, Why::Expired { since }, Why::Revoked { since }, Why::Disabled] {
            assert_eq!(status(Family::Python, Carrier::Path, why), 403);
            assert_eq!(status(Family::Python, Carrier::Header, why), 401);
            assert_eq!(status(Family::Conda, Carrier::Path, why), 401);
            assert_eq!(status(Family::Api, Carrier::Header, why), 401);
        }
    }

    #[test]
    fn nobody_is_asked_for_a_token_and_a_good_token_without_the_right_is_told_so() {
        for family in [Family::Conda, Family::Python, Family::Api] {
            assert_eq!(status(family, Carrier::None, Why::NotSignedIn), 401);
            assert_eq!(status(family, Carrier::Path, Why::Missing), 403);
            assert_eq!(status(family, Carrier::Header, Why::SessionNeeded), 403);
        }
    }
}
