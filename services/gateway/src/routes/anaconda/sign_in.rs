//! `POST /api/authentications`: a token for a login and its password, as `anaconda login` and `anaconda auth --create`
//! ask for it, or for a session that is there already.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use names::Scope;
use proto::auth::v1::{IssueTokenRequest, RevokeTokenRequest, SignInRequest};
use runtime::{Code, Failure};
use serde::Deserialize;
use serde_json::json;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::token::MADE_ON;
use crate::caller::{Carrier, Pair, Presented};
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::default_channel;
use crate::routes::given::Given;
use crate::routes::rest::json::Json;
use crate::state::App;
use crate::upstream;

/// A session that lives as long as this request, in the list of whoever looks meanwhile.
const SESSION: &str = "anaconda sign-in";

/// A token to be. What else the client sends is of no use here: every token is long, and no address is shown.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Wish {
    /// Its name.
    note: String,
    #[serde(default)]
    hostname: Option<String>,
    /// None and an empty list mean everything that the owner may do.
    #[serde(default)]
    scopes: Option<Vec<String>>,
    /// An organisation that is to own it.
    #[serde(default)]
    user: Option<String>,
    /// Seconds.
    #[serde(default)]
    max_age: Option<i64>,
    /// When false, the token that has the name is revoked and replaced.
    #[serde(default)]
    fail_if_exists: Option<bool>,
}

/// `POST /api/authentications`.
pub(crate) async fn issue(given: Given<()>, Json(wish): Json<Wish>) -> Result<Response, Problem> {
    let (app, presented) = (&given.app, &given.admitted.presented);
    let request = wish.request(app.ambient.clock.now())?;
    let token = match presented.pair() {
        Some(pair) => {
            let (session, login) = sign_in(app, pair).await?;
            default_channel::ensure(app, &session, &login).await;
            let token = made(app, &session, request, &wish).await;
            end(app, &session).await;
            token?
        }
        None if presented.carrier() == Carrier::None => {
            let words = "sign in first: send your login and password as Basic credentials";
            return Err(Problem::new(StatusCode::UNAUTHORIZED, words));
        }
        None => made(app, presented, request, &wish).await?,
    };
    Ok(axum::Json(json!({ "token": token })).into_response())
}

impl Wish {
    fn request(&self, now: OffsetDateTime) -> Result<IssueTokenRequest, Problem> {
        let scopes = self.scopes.iter().flatten().filter(|scope| !scope.is_empty()).cloned();
        let mut scopes: Vec<String> = scopes.collect();
        if scopes.is_empty() {
            scopes.push(Scope::All.as_str().into());
        }
        let hostname = self.hostname.as_deref().filter(|name| !name.is_empty());
        Ok(IssueTokenRequest {
            name: self.note.clone(),
            description: hostname.map_or_else(String::new, |name| format!("{MADE_ON}{name}")),
            expires_at: self.max_age.map(|seconds| end_after(now, seconds)).transpose()?.unwrap_or_default(),
            grants: vec![],
            owner: self.user.clone().unwrap_or_default(),
            scopes,
        })
    }
}

fn end_after(now: OffsetDateTime, seconds: i64) -> Result<String, Problem> {
    let end = now.checked_add(Duration::seconds(seconds)).and_then(|end| end.format(&Rfc3339).ok());
    end.ok_or_else(|| unusable(format!("max-age of {seconds} seconds is out of any range")))
}

async fn sign_in(app: &App, pair: &Pair) -> Result<(Presented, String), Problem> {
    let message = SignInRequest {
        login: pair.login.expose().to_owned(),
        password: pair.password.expose().to_owned(),
        note: SESSION.into(),
    };
    let request = upstream::request(&Presented::nothing(), message, WRITE_CALL);
    let issued = app.upstreams.auth().sign_in(request).await.map_err(refused)?.into_inner();
    let login = issued.token.map(|token| token.owner).unwrap_or_default();
    Ok((Presented::own(issued.secret), login))
}

/// The string of a new token.
async fn made(
    app: &App,
    presented: &Presented,
    message: IssueTokenRequest,
    wish: &Wish,
) -> Result<String, Problem> {
    let issue = async || {
        let request = upstream::request(presented, message.clone(), WRITE_CALL);
        let reply = app.upstreams.auth().issue_token(request).await.map_err(Failure::from_status)?;
        Ok::<_, Failure>(reply.into_inner().secret)
    };
    let failure = match issue().await {
        Ok(token) => return Ok(token),
        Err(failure) => failure,
    };
    if failure.code != Code::Exists {
        return Err(problem(failure));
    }
    if wish.fail_if_exists != Some(false) {
        // On this status alone the client asks whether to replace it.
        return Err(Problem::invalid(failure.message));
    }
    let older = RevokeTokenRequest {
        token: message.name.clone(),
        owner: message.owner.clone(),
        reason: "replaced by a token of the same name".into(),
    };
    let request = upstream::request(presented, older, WRITE_CALL);
    app.upstreams.auth().revoke_token(request).await.map_err(refused)?;
    issue().await.map_err(problem)
}

/// Ends the session of this request. Nobody else knows its string, so it may as well end by itself.
async fn end(app: &App, session: &Presented) {
    let message = RevokeTokenRequest { reason: "signed in for one token".into(), ..Default::default() };
    let request = upstream::request(session, message, WRITE_CALL);
    if let Err(status) = app.upstreams.auth().revoke_token(request).await {
        tracing::warn!(code = ?status.code(), "a session that was used once ends by its date only");
    }
}

fn refused(status: tonic::Status) -> Problem {
    problem(Failure::from_status(status))
}

/// 400 means that the name is taken, so what cannot be used is 422.
fn problem(failure: Failure) -> Problem {
    match failure.code {
        Code::Invalid => unusable(failure.message),
        Code::Unauthenticated
        | Code::Forbidden
        | Code::NotFound
        | Code::Exists
        | Code::Conflict
        | Code::TooLarge
        | Code::TooMany
        | Code::Unavailable
        | Code::Internal => failure.into(),
    }
}

fn unusable(words: impl Into<String>) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-21 23:00 UTC);

    fn request(body: &str) -> IssueTokenRequest {
        serde_json::from_str::<Wish>(body).unwrap().request(NOW).unwrap()
    }

    #[test]
    fn no_scopes_in_any_form_are_all() {
        for scopes in ["", r#","scopes":null"#, r#","scopes":[]"#, r#","scopes":[""]"#] {
            assert_eq!(request(&format!(r#"{{"note":"n"{scopes}}}"#)).scopes, ["all"], "{scopes}");
        }
        assert_eq!(request(r#"{"note":"n","scopes":["repos","conda:download"]}"#).scopes.len(), 2);
    }

    #[test]
    fn an_age_becomes_a_date_and_the_host_a_description() {
        let made = request(r#"{"note":"n","max-age":3600,"hostname":"build-7","user":null}"#);
        assert_eq!(made.expires_at, "2026-11-22T00:00:00Z");
        assert_eq!(made.description, "made on build-7");
        assert_eq!((made.owner.as_str(), made.name.as_str()), ("", "n"));
        let endless: Wish = serde_json::from_str(r#"{"note":"n","max-age":9223372036854775807}"#).unwrap();
        assert_eq!(endless.request(NOW).unwrap_err().status(), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn only_a_name_that_is_taken_is_400() {
        let status = |code| problem(Failure::new(code, "words")).status().as_u16();
        assert_eq!((status(Code::Invalid), status(Code::Unauthenticated)), (422, 401));
    }
}
