//! What a program asks for when it sends the browser here, and how it is answered: by sending the browser back.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::LOCATION;
use names::{CodeChallenge, LoopbackUri};

use super::parameters::Parameters;

/// Longest name of a program, in bytes; auth has the same limit.
const MAX_CLIENT_ID_BYTES: usize = 200;

/// Longest `state`, in bytes: it is carried along unread.
const MAX_STATE_BYTES: usize = 1024;

/// An authorisation request that can be granted (RFC 6749, section 4.1.1; RFC 7636, section 4.3).
pub(super) struct Wish {
    pub(super) client_id: String,
    pub(super) back: Back,
    pub(super) challenge: CodeChallenge,
}

/// Where the answer goes, and what is sent back with it unread.
pub(super) struct Back {
    pub(super) redirect_uri: LoopbackUri,
    pub(super) state: Option<String>,
}

/// Why it cannot be granted.
pub(super) enum Fault {
    /// Nobody can be answered but whoever sits at the browser (RFC 6749, section 4.1.2.1).
    Here(String),
    /// The program is told, by one of the standard's words and a sentence.
    There(Back, &'static str, &'static str),
}

impl Wish {
    pub(super) fn read(parameters: &Parameters) -> Result<Self, Fault> {
        let redirect_uri = parameters.get("redirect_uri").unwrap_or_default();
        let redirect_uri =
            LoopbackUri::parse(redirect_uri).map_err(|error| Fault::Here(error.to_string()))?;
        let client_id = parameters.get("client_id").unwrap_or_default();
        let visible = |c: char| c == ' ' || c.is_ascii_graphic();
        if client_id.is_empty() || client_id.len() > MAX_CLIENT_ID_BYTES || !client_id.chars().all(visible) {
            let words = format!("a client_id has 1 to {MAX_CLIENT_ID_BYTES} printable ASCII characters");
            return Err(Fault::Here(words));
        }
        let state = parameters.get("state").map(str::to_owned);
        if state.as_ref().is_some_and(|state| state.len() > MAX_STATE_BYTES) {
            return Err(Fault::Here(format!("a state has at most {MAX_STATE_BYTES} bytes")));
        }
        let back = Back { redirect_uri, state };
        match parameters.get("response_type") {
            Some("code") => {}
            Some(_) => {
                return Err(Fault::There(back, "unsupported_response_type", "response_type is code here"));
            }
            None => return Err(Fault::There(back, "invalid_request", "response_type is missing")),
        }
        // Without a method the standard means "plain", which shows the secret to whoever reads the address.
        if parameters.get("code_challenge_method") != Some("S256") {
            let words =
                "code_challenge_method is S256 here: a code is given only with proof of who asked for it";
            return Err(Fault::There(back, "invalid_request", words));
        }
        match CodeChallenge::parse(parameters.get("code_challenge").unwrap_or_default()) {
            Ok(challenge) => Ok(Self { client_id: client_id.to_owned(), back, challenge }),
            Err(_) => {
                let words = "code_challenge is a SHA-256 in base64url, 43 characters";
                Err(Fault::There(back, "invalid_request", words))
            }
        }
    }

    /// The same as hidden fields of a form.
    pub(super) fn fields(&self) -> Vec<(&'static str, &str)> {
        let mut fields = vec![
            ("response_type", "code"),
            ("client_id", self.client_id.as_str()),
            ("redirect_uri", self.back.redirect_uri.as_str()),
            ("code_challenge", self.challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        fields.extend(self.back.state.as_deref().map(|state| ("state", state)));
        fields
    }
}

impl Back {
    /// Sends the browser to the program with these parameters, by GET whatever came before (RFC 9110, section 15.4.4),
    /// and with the issuer beside them (RFC 9207).
    pub(super) fn with(&self, parameters: &[(&str, &str)], issuer: &str) -> Response {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(parameters);
        query.extend_pairs(self.state.as_deref().map(|state| ("state", state)));
        query.append_pair("iss", issuer);
        let uri = self.redirect_uri.as_str();
        let joint = if uri.contains('?') { '&' } else { '?' };
        let location = format!("{uri}{joint}{}", query.finish());
        let mut response = StatusCode::SEE_OTHER.into_response();
        let mut location =
            http::HeaderValue::try_from(location).expect("a checked address and an encoded query are ASCII");
        // It may hold a code.
        location.set_sensitive(true);
        response.headers_mut().insert(LOCATION, location);
        response
    }

    /// The program is told why it gets nothing.
    pub(super) fn refused(&self, error: &str, words: &str, issuer: &str) -> Response {
        self.with(&[("error", error), ("error_description", words)], issuer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "response_type=code&client_id=a+program&redirect_uri=http%3A%2F%2F127.0.0.1%3A8000%2Fcb&state=s%26t\
        &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

    fn read(text: &str) -> Result<Wish, Fault> {
        Wish::read(&Parameters::parse(text.as_bytes()).unwrap())
    }

    fn without(name: &str) -> String {
        let kept = GOOD.split('&').map(str::trim).filter(|part| !part.starts_with(&format!("{name}=")));
        kept.collect::<Vec<_>>().join("&")
    }

    #[test]
    fn the_answer_goes_back_with_the_state_and_the_issuer() {
        let wish = read(&without("none")).ok().unwrap();
        assert_eq!(wish.client_id, "a program");
        let response = wish.back.with(&[("code", "a b")], "https://h");
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let location = response.headers()[LOCATION].to_str().unwrap();
        assert_eq!(location, "http://127.0.0.1:8000/cb?code=a+b&state=s%26t&iss=https%3A%2F%2Fh");
    }

    #[test]
    fn an_address_with_a_query_keeps_it() {
        let uri = without("redirect_uri") + "&redirect_uri=http://127.0.0.1/?a=b";
        let response = read(&uri).ok().unwrap().back.with(&[("code", "c")], "https://h");
        assert!(response.headers()[LOCATION].to_str().unwrap().starts_with("http://127.0.0.1/?a=b&code=c&"));
    }

    #[test]
    fn without_a_good_address_or_name_nobody_is_sent_anywhere() {
        let long_id = format!("{}&client_id={}", without("client_id"), "x".repeat(MAX_CLIENT_ID_BYTES + 1));
        let long_state = format!("{}&state={}", without("state"), "x".repeat(MAX_STATE_BYTES + 1));
        for bad in [
            without("redirect_uri"),
            without("client_id"),
            without("redirect_uri") + "&redirect_uri=https://evil.example/",
            long_id,
            long_state,
        ] {
            assert!(matches!(read(&bad), Err(Fault::Here(_))), "{bad}");
        }
        let longest = format!("{}&state={}", without("state"), "x".repeat(MAX_STATE_BYTES));
        assert!(read(&longest).is_ok());
    }

    #[test]
    fn a_program_is_told_what_is_wrong_with_the_rest() {
        let error = |text: &str| match read(text) {
            Err(Fault::There(_, error, _)) => error,
            Err(Fault::Here(words)) => panic!("{words}"),
            Ok(_) => "none",
        };
        assert_eq!(error(&without("response_type")), "invalid_request");
        assert_eq!(error(&(without("response_type") + "&response_type=token")), "unsupported_response_type");
        assert_eq!(error(&without("code_challenge")), "invalid_request");
        assert_eq!(error(&without("code_challenge_method")), "invalid_request");
        let plain = without("code_challenge_method") + "&code_challenge_method=plain";
        assert_eq!(error(&plain), "invalid_request");
    }
}
