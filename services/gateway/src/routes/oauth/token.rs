//! The token endpoint (RFC 6749, section 3.2): a session for a code.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::PRAGMA;
use http::{HeaderValue, StatusCode};
use proto::auth::v1::ExchangeCodeRequest;
use runtime::{Code, Failure};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::parameters::Parameters;
use crate::caller::Presented;
use crate::limits::{MAX_SIGN_IN_BYTES, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::rest::json::text;
use crate::upstream;

/// The session's name in lists.
const SESSION: &str = "browser sign-in";

/// Why there is no session (RFC 6749, section 5.2): one of the standard's words, and a sentence.
struct Refusal(&'static str, String);

/// `POST`. The program has no secret: that it knows the verifier is its proof.
pub(crate) async fn exchange(given: Given<()>, body: Body) -> Result<Response, Problem> {
    let body = text(body, MAX_SIGN_IN_BYTES).await?;
    let message = match read(&body) {
        Ok(message) => message,
        Err(refusal) => return Ok(refusal.into_response()),
    };
    let request = upstream::request(&Presented::nothing(), message, WRITE_CALL);
    let issued = match given.app.upstreams.auth().exchange_code(request).await {
        Ok(reply) => reply.into_inner(),
        Err(status) => return refused(Failure::from_status(status)),
    };
    let ends_at = issued.token.and_then(|token| OffsetDateTime::parse(&token.expires_at, &Rfc3339).ok());
    let ends_at =
        ends_at.ok_or_else(|| Failure::internal("auth opened a session and did not describe it"))?;
    let left = ends_at - given.app.ambient.clock.now();
    let session = json!({
        "access_token": issued.secret,
        "token_type": "Bearer",
        "expires_in": left.whole_seconds(),
        "scope": "all",
    });
    Ok(answer(StatusCode::OK, session))
}

fn read(body: &[u8]) -> Result<ExchangeCodeRequest, Refusal> {
    let parameters = Parameters::parse(body).map_err(|words| Refusal("invalid_request", words))?;
    let wanted = |name: &str| {
        let value = parameters.get(name).map(str::to_owned);
        value.ok_or_else(|| Refusal("invalid_request", format!("{name} is missing")))
    };
    if wanted("grant_type")? != "authorization_code" {
        return Err(Refusal("unsupported_grant_type", "grant_type is authorization_code here".into()));
    }
    Ok(ExchangeCodeRequest {
        code: wanted("code")?,
        client_id: wanted("client_id")?,
        redirect_uri: wanted("redirect_uri")?,
        code_verifier: wanted("code_verifier")?,
        note: SESSION.into(),
    })
}

fn refused(failure: Failure) -> Result<Response, Problem> {
    match failure.code {
        // A disabled account's code is as good as none.
        Code::Invalid | Code::Forbidden | Code::NotFound | Code::Exists => {
            Ok(Refusal("invalid_grant", failure.message).into_response())
        }
        Code::Unauthenticated
        | Code::Conflict
        | Code::TooLarge
        | Code::TooMany
        | Code::Unavailable
        | Code::Internal => Err(failure.into()),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        // The standard's alphabet for it.
        let allowed =
            |c: char| if (c.is_ascii_graphic() || c == ' ') && !"\"\\".contains(c) { c } else { '\'' };
        let words: String = self.1.chars().map(allowed).collect();
        answer(StatusCode::BAD_REQUEST, json!({ "error": self.0, "error_description": words }))
    }
}

/// Section 5.1 asks for both headers; the gate sets the other.
fn answer(status: StatusCode, document: Value) -> Response {
    (status, [(PRAGMA, HeaderValue::from_static("no-cache"))], axum::Json(document)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> &'static str {
        read(body.as_bytes()).map_or_else(|refusal| refusal.0, |_| "none")
    }

    #[test]
    fn a_request_without_one_part_is_told_which_kind_of_fault_it_is() {
        let good = "grant_type=authorization_code&code=a&client_id=b&redirect_uri=c&code_verifier=d";
        assert_eq!(error(good), "none");
        for part in good.split('&') {
            assert_eq!(error(&good.replace(part, "x=y")), "invalid_request", "{part}");
        }
        assert_eq!(error(&good.replace("authorization_code", "password")), "unsupported_grant_type");
        assert_eq!(error(&format!("{good}&code=a")), "invalid_request");
    }

    #[test]
    fn a_refusal_keeps_to_the_standards_alphabet() {
        let response = Refusal("invalid_grant", "say \"ü\"\\".into()).into_response();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert_eq!(response.headers()[PRAGMA], "no-cache");
    }
}
