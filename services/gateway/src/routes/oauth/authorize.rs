//! The authorisation endpoint (RFC 6749, section 3.1): a page with a form, and what becomes of it.

use axum::body::Body;
use axum::response::Response;
use http::header::{RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use proto::auth::v1::AuthorizeRequest;
use runtime::{Code, Failure, Secret};

use super::page::{self, Form, Page};
use super::parameters::Parameters;
use super::wish::{Fault, Wish};
use super::{AUTHORIZE, guard};
use crate::caller::Presented;
use crate::limits::{MAX_SIGN_IN_BYTES, WRITE_CALL};
use crate::problem::Problem;

use crate::origin::Origin;
use crate::routes::given::Given;
use crate::routes::rest::json::text;
use crate::upstream;

/// `GET`: the form, without anything done.
pub(crate) async fn show(origin: Origin, given: Given<()>) -> Response {
    let parameters = Parameters::parse(given.uri.query().unwrap_or_default().as_bytes());
    match parameters.map_err(Fault::Here).and_then(|parameters| Wish::read(&parameters)) {
        Ok(wish) => form(&given, &origin, &wish, StatusCode::OK, "", None),
        Err(fault) => told(fault, &origin),
    }
}

/// `POST`: the form as it was filled in.
pub(crate) async fn submit(origin: Origin, given: Given<()>, body: Body) -> Result<Response, Problem> {
    let body = text(body, MAX_SIGN_IN_BYTES).await?;
    let read = Parameters::parse(&body).map_err(Fault::Here);
    let read = read.and_then(|parameters| Ok((Wish::read(&parameters)?, parameters)));
    let (wish, parameters) = match read {
        Ok(read) => read,
        Err(fault) => return Ok(told(fault, &origin)),
    };
    let login = parameters.get("login").unwrap_or_default();
    let again = |status, words: &str| Ok(form(&given, &origin, &wish, status, login, Some(words)));
    if !guard::holds(parameters.get(guard::FIELD), &given.headers, &origin) {
        let words = "This page was open for too long, or the browser keeps no cookies. Please sign in again.";
        return again(StatusCode::BAD_REQUEST, words);
    }
    if parameters.get("answer") == Some("cancel") {
        return Ok(wish.back.refused("access_denied", "the sign-in was cancelled", &origin.address()));
    }
    let message = AuthorizeRequest {
        login: login.to_owned(),
        password: parameters.get("password").unwrap_or_default().to_owned(),
        client_id: wish.client_id.clone(),
        redirect_uri: wish.back.redirect_uri.to_string(),
        code_challenge: wish.challenge.to_string(),
    };
    let request = upstream::request(&Presented::nothing(), message, WRITE_CALL);
    let failure = match given.app.upstreams.auth().authorize(request).await {
        Ok(reply) => {
            let code = Secret::new(reply.into_inner().code);
            return Ok(wish.back.with(&[("code", code.expose())], &origin.address()));
        }
        Err(status) => Failure::from_status(status),
    };
    let mut response = match failure.code {
        Code::Unauthenticated => again(StatusCode::UNAUTHORIZED, "Login or password is wrong.")?,
        Code::Forbidden | Code::Invalid | Code::TooMany | Code::Unavailable => {
            let status = StatusCode::from_u16(failure.code.http_status()).unwrap_or(StatusCode::BAD_REQUEST);
            again(status, &failure.message)?
        }
        Code::NotFound | Code::Exists | Code::Conflict | Code::TooLarge | Code::Internal => {
            return Err(failure.into());
        }
    };
    let headers = response.headers_mut();
    if failure.code == Code::Unauthenticated {
        // A challenge that no browser opens a window of its own for.
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Form realm=\"latchkey\""));
    }
    if let Some(seconds) = failure.retry_after_s {
        headers.insert(RETRY_AFTER, seconds.into());
    }
    response.extensions_mut().insert(failure);
    Ok(response)
}

fn form(
    given: &Given<()>,
    origin: &Origin,
    wish: &Wish,
    status: StatusCode,
    login: &str,
    words: Option<&str>,
) -> Response {
    let token = guard::text(&given.app, &given.headers, origin);
    let mut hidden = wish.fields();
    hidden.push((guard::FIELD, &token));
    let page = Page::Form(Form {
        action: AUTHORIZE,
        program: &wish.client_id,
        answers_to: wish.back.redirect_uri.origin(),
        hidden: &hidden,
        login,
        words,
    });
    let mut response = page::answer(status, &page);
    let mut cookie = HeaderValue::try_from(guard::cookie(&token, origin)).expect("a cookie of ours is ASCII");
    cookie.set_sensitive(true);
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}

fn told(fault: Fault, origin: &Origin) -> Response {
    match fault {
        Fault::Here(words) => page::answer(StatusCode::BAD_REQUEST, &Page::Unusable(&words)),
        Fault::There(back, error, words) => back.refused(error, words, &origin.address()),
    }
}
