//! `/api/v1/session` and `/api/v1/whoami`: sign in, sign out, who am I.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use proto::auth::v1::{RevokeTokenRequest, SignInRequest, WhoAmIReply, WhoAmIRequest};
use runtime::Secret;
use serde::Deserialize;
use serde_json::json;

use super::account::AccountDocument;
use super::json::Json;
use super::token::{self, TokenDocument};
use crate::caller::Presented;
use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::state::App;
use crate::upstream;

/// A login and its password.
#[derive(Deserialize)]
pub(crate) struct SignIn {
    login: String,
    password: String,
    #[serde(default)]
    note: String,
}

/// `POST /api/v1/session`. No token is needed, and none that was sent is passed on.
pub(crate) async fn sign_in(State(app): State<App>, Json(body): Json<SignIn>) -> Result<Response, Problem> {
    let password = Secret::new(body.password);
    let message =
        SignInRequest { login: body.login, password: password.expose().to_owned(), note: body.note };
    let request = upstream::request(&Presented::nothing(), message, WRITE_CALL);
    let issued = app.upstreams.auth().sign_in(request).await?.into_inner();
    Ok((StatusCode::CREATED, axum::Json(token::issued(issued)?)).into_response())
}

/// `DELETE /api/v1/session`: ends the session that asks.
pub(crate) async fn sign_out(given: Given<()>) -> Result<Response, Problem> {
    let own = who(&given).await?.token.ok_or_else(|| Problem::not_found("this credential is no session"))?;
    let message =
        RevokeTokenRequest { token: own.id, reason: "signed out".into(), ..RevokeTokenRequest::default() };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let revoked = given.app.upstreams.auth().revoke_token(request).await?.into_inner();
    Ok(axum::Json(token::revoked(revoked)).into_response())
}

/// `GET /api/v1/whoami`.
pub(crate) async fn whoami(given: Given<()>) -> Result<Response, Problem> {
    let reply = who(&given).await?;
    let document = json!({
        "account": reply.account.map(AccountDocument::from),
        "default_channel": reply.default_channel,
        "roles": reply.roles,
        "token": reply.token.map(TokenDocument::from),
    });
    Ok(axum::Json(document).into_response())
}

async fn who(given: &Given<()>) -> Result<WhoAmIReply, Problem> {
    let presented = &given.admitted.presented;
    let reply = upstream::retried(|| {
        let request = upstream::request(presented, WhoAmIRequest {}, READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.who_am_i(request).await }
    });
    Ok(reply.await?)
}
