//! `GET /api/account`, `/api/account/me` and `/api/account/token-info`: who is asking, with what.

use axum::response::{IntoResponse, Response};
use proto::auth::v1::{Account, WhoAmIReply, WhoAmIRequest};
use runtime::Failure;
use serde::Deserialize;
use serde_json::json;

use super::token::TokenDocument;
use crate::limits::READ_CALL;
use crate::problem::Problem;
use crate::routes::anaconda::account::{caller, organisations_known};
use crate::routes::default_channel;
use crate::routes::given::Given;
use crate::routes::rest::json::Json;
use crate::upstream;

/// What a caller changes of their own account.
#[derive(Deserialize)]
pub(crate) struct Changes {
    default_channel_name: String,
}

/// `PUT /api/account`: chooses the default channel.
pub(crate) async fn change(given: Given<()>, Json(body): Json<Changes>) -> Result<Response, Problem> {
    if body.default_channel_name.is_empty() {
        return Err(Problem::invalid("default_channel_name is a channel's name"));
    }
    let chosen = default_channel::set(&given, body.default_channel_name).await?;
    Ok(axum::Json(json!({ "default_channel_name": chosen.channel })).into_response())
}

/// `GET /api/account`. The default channel is the one that was chosen, or is named after the account: nobody else can
/// take that name.
pub(crate) async fn show(given: Given<()>) -> Result<Response, Problem> {
    let reply = who(&given).await?;
    let account = reply.account.ok_or_else(|| Failure::internal("auth did not describe the caller"))?;
    let document = json!({
        "id": account.id,
        "username": account.login,
        "default_channel_name": reply.default_channel,
        "roles": reply.roles,
        "created_at": account.created_at,
    });
    Ok(axum::Json(document).into_response())
}

/// `GET /api/account/token-info`.
pub(crate) async fn token_info(given: Given<()>) -> Result<Response, Problem> {
    let token = who(&given).await?.token.ok_or_else(|| Problem::not_found("this credential is no token"))?;
    Ok(axum::Json(TokenDocument::from(token)).into_response())
}

/// `GET /api/organizations/my`: those that the caller owns.
pub(crate) async fn organizations(given: Given<()>) -> Result<Response, Problem> {
    let account = caller(&given).await?;
    let known = organisations_known(&given, &account, &account).await?;
    let document =
        |account: Account| json!({ "id": account.id, "name": account.login, "title": account.login });
    Ok(axum::Json(known.into_iter().map(document).collect::<Vec<_>>()).into_response())
}

async fn who(given: &Given<()>) -> Result<WhoAmIReply, Problem> {
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, WhoAmIRequest {}, READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.who_am_i(request).await }
    });
    Ok(reply.await?)
}
