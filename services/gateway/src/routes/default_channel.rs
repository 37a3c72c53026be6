//! The channel that somebody who signs in as to Anaconda's products finds there: named after them, open to all, and each
//! package in it private where its owner says so.

use axum::response::{IntoResponse, Response};
use proto::auth::v1::{DefaultChannelReply, SetDefaultChannelRequest};
use proto::catalog::v1::CreateChannelRequest;
use proto::event::v1::Privacy;
use runtime::{Code, Failure};
use serde::Deserialize;
use serde_json::json;

use crate::caller::Presented;
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::rest::json::Json;
use crate::state::App;
use crate::upstream;

/// Makes it if no channel bears the name; signing in does not fail for it.
pub(crate) async fn ensure(app: &App, session: &Presented, login: &str) {
    if app.view.read(|table| table.channel_named(login).is_some()) {
        return;
    }
    let message = CreateChannelRequest {
        name: login.to_owned(),
        privacy: Privacy::Public.into(),
        ..CreateChannelRequest::default()
    };
    let request = upstream::request(session, message, WRITE_CALL);
    match app.upstreams.catalog().create_channel(request).await.map_err(Failure::from_status) {
        Ok(reply) => {
            // The client's next request may be for this channel.
            app.view.wait_for(reply.into_inner().authz_seq, WRITE_CALL).await.ok();
        }
        // Somebody was quicker, in another window.
        Err(failure) if failure.code == Code::Exists => {}
        Err(failure) => {
            tracing::warn!(%failure, "a default channel was not made; the next sign-in tries again")
        }
    }
}

/// Where uploads are to go that name no channel; null is the channel named after the account.
#[derive(Deserialize)]
pub(crate) struct Choice {
    channel: Option<String>,
}

/// `PUT /api/v1/default-channel`.
pub(crate) async fn choose(given: Given<()>, Json(body): Json<Choice>) -> Result<Response, Problem> {
    if body.channel.as_deref() == Some("") {
        return Err(Problem::invalid(
            "channel is a channel's name, or null for the one named after the account",
        ));
    }
    let DefaultChannelReply { channel, authz_seq } = set(&given, body.channel.unwrap_or_default()).await?;
    Ok(axum::Json(json!({ "channel": channel, "authz_seq": authz_seq })).into_response())
}

/// Chooses the caller's default channel.
pub(crate) async fn set(given: &Given<()>, channel: String) -> Result<DefaultChannelReply, Problem> {
    let message = SetDefaultChannelRequest { channel, login: String::new() };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    Ok(given.app.upstreams.auth().set_default_channel(request).await?.into_inner())
}
