//! `/api/v1/explain`: what a token may do with a channel, in words.

use axum::response::{IntoResponse, Response};
use proto::auth::v1::ExplainRequest;
use serde::Deserialize;
use serde_json::json;

use super::json::Json;
use super::token::TokenDocument;
use crate::limits::READ_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::upstream;

/// A question. Without a token it is about the one that asks.
#[derive(Deserialize)]
pub(crate) struct Question {
    #[serde(default)]
    token: Option<String>,
    action: String,
    channel: String,
    #[serde(default)]
    owner: Option<String>,
}

/// `POST /api/v1/explain`.
pub(crate) async fn explain(given: Given<()>, Json(body): Json<Question>) -> Result<Response, Problem> {
    let message = ExplainRequest {
        token: body.token.unwrap_or_default(),
        action: body.action,
        channel: body.channel,
        owner: body.owner.unwrap_or_default(),
    };
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.explain(request).await }
    });
    let reply = reply.await?;
    let document = json!({
        "allowed": reply.allowed,
        "words": reply.words,
        "token": reply.token.map(TokenDocument::from),
        "authz_seq": reply.authz_seq,
    });
    Ok(axum::Json(document).into_response())
}
