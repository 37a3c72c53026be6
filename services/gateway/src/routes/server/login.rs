//! `POST /api/auth/login`: a session, in the form of a JWT.

use access::Caller;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use proto::auth::v1::{IssuedToken, SignInRequest, Token};
use runtime::{Failure, Secret};
use serde::Deserialize;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::roles;
use crate::caller::Presented;
use crate::caller::jwt::{self, Claims, RealmAccess};
use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::default_channel;
use crate::routes::rest::json::Json;
use crate::state::App;
use crate::upstream;

/// The session's name in lists.
const SESSION: &str = "conda repo";

/// A login and its password.
#[derive(Deserialize)]
pub(crate) struct Login {
    username: String,
    password: String,
}

/// No token is needed, and none that was sent is passed on.
pub(crate) async fn login(State(app): State<App>, Json(body): Json<Login>) -> Result<Response, Problem> {
    let password = Secret::new(body.password);
    let message =
        SignInRequest { login: body.username, password: password.expose().to_owned(), note: SESSION.into() };
    let request = upstream::request(&Presented::nothing(), message, WRITE_CALL);
    let IssuedToken { token, secret, authz_seq, .. } =
        app.upstreams.auth().sign_in(request).await?.into_inner();
    let token = token.ok_or_else(|| Failure::internal("auth opened a session and did not describe it"))?;
    let session = Secret::new(secret);
    let login = token.owner.clone();
    let claims = claims(&app, token, &session, authz_seq).await?;
    default_channel::ensure(&app, &Presented::issued(session.expose()), &login).await;
    Ok(axum::Json(json!({ "token": jwt::wrap(&session, &claims).expose() })).into_response())
}

/// What the client is told of itself: the roles are in the access table as soon as it has the session.
async fn claims(app: &App, token: Token, session: &Secret, authz_seq: u64) -> Result<Claims, Problem> {
    app.view
        .wait_for(authz_seq, READ_CALL)
        .await
        .map_err(|_behind| Problem::unavailable("the session is not known here yet; sign in again"))?;
    let now = app.ambient.clock.now();
    let owner =
        app.view.read(|table| match table.caller(now, &Presented::issued(session.expose()).credential()) {
            Caller::Token { account, .. } => {
                table.account(account).map(|account| (account.id, account.admin))
            }
            Caller::Nobody
            | Caller::Unknown
            | Caller::Expired { .. }
            | Caller::Revoked { .. }
            | Caller::Disabled { .. }
            | Caller::Service(_) => None,
        });
    // Revoked or disabled between the two calls.
    let (account, admin) =
        owner.ok_or_else(|| Problem::unavailable("the session has ended already; sign in again"))?;
    Ok(Claims {
        sub: account.to_string(),
        jti: token.id,
        iat: seconds(&token.issued_at),
        exp: seconds(&token.expires_at),
        preferred_username: token.owner,
        realm_access: RealmAccess { roles: roles(admin) },
    })
}

fn seconds(text: &str) -> i64 {
    OffsetDateTime::parse(text, &Rfc3339).map_or(0, OffsetDateTime::unix_timestamp)
}
