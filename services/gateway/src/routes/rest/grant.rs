//! `/api/v1/channels/{channel}/grants`: which accounts were given which level on a channel.

use access::TokenKind;
use axum::response::{IntoResponse, Response};
use names::{AccountId, Level};
use proto::auth::v1::DescribeAccountsRequest;
use proto::catalog::v1::GrantChannelRequest;
use proto::event::v1 as stored;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::channel::{Named, changed};
use super::json::Json;
use super::vocabulary::level;
use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::upstream;

#[derive(Debug, Serialize)]
struct HeldDocument {
    account_id: String,
    /// Where the caller may look accounts up.
    login: Option<String>,
    level: &'static str,
}

/// `GET …/grants`. Those who manage the channel see all, others what they hold themselves.
pub(crate) async fn list(given: Given<Named>) -> Result<Response, Problem> {
    let mut held = visible(&given);
    held.sort_unstable();
    let ids = held.iter().map(|(id, _)| id.to_string()).collect();
    let request = upstream::request(&given.admitted.presented, DescribeAccountsRequest { ids }, READ_CALL);
    // A token that opens this and no accounts is shown ids.
    let described = match held.is_empty() {
        true => Vec::new(),
        false => match given.app.upstreams.auth().describe_accounts(request).await {
            Ok(reply) => reply.into_inner().accounts,
            Err(status) if status.code() == tonic::Code::PermissionDenied => Vec::new(),
            Err(status) => return Err(status.into()),
        },
    };
    let document = |(id, level): (AccountId, Level)| {
        let account_id = id.to_string();
        let login = described.iter().find(|account| account.id == account_id);
        HeldDocument { login: login.map(|account| account.login.clone()), account_id, level: level.as_str() }
    };
    let grants: Vec<_> = held.into_iter().map(document).collect();
    Ok(axum::Json(json!({ "grants": grants })).into_response())
}

fn visible(given: &Given<Named>) -> Vec<(AccountId, Level)> {
    let (caller, room) = (&given.admitted.caller, given.admitted.room());
    given.app.view.read(|table| {
        let Some(channel) = table.channel(room.id) else { return Vec::new() };
        let token = caller.token().and_then(|token| table.token(token));
        let level = token.and_then(|token| match token.kind {
            // The scope that let it in opens this up to what its owner holds.
            TokenKind::Session | TokenKind::Scoped => table.account_level(token.owner, room.id),
            TokenKind::Resource => table.level(caller, room.id),
        });
        let all = level == Some(Level::Manage);
        let own = token.map(|token| token.owner);
        channel.grants.iter().filter(|(id, _)| all || Some(*id) == own).copied().collect()
    })
}

/// An account's level on a channel.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    channel: String,
    login: String,
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    level: String,
}

/// `PUT …/grants/{login}`: gives the account this level in place of what it had. Lowered, it returns like a revocation.
pub(crate) async fn give(given: Given<Place>, Json(body): Json<Wanted>) -> Result<Response, Problem> {
    set(&given, level(&body.level)?).await
}

/// `DELETE …/grants/{login}`: returns like a revocation.
pub(crate) async fn take(given: Given<Place>) -> Result<Response, Problem> {
    set(&given, stored::Level::None).await
}

async fn set(given: &Given<Place>, level: stored::Level) -> Result<Response, Problem> {
    let message = GrantChannelRequest {
        channel: given.path.channel.clone(),
        login: given.path.login.clone(),
        level: level.into(),
        account_id: String::new(),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().grant_channel(request).await?.into_inner();
    Ok(changed(reply).into_response())
}
