//! `/api/v1/channels/{channel}/grants`: which accounts and groups were given which level on a channel.

use access::{Caller, Subject, Table, Token, TokenKind};
use axum::response::{IntoResponse, Response};
use names::{AccountId, Level, RoleCategory};
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
pub(crate) struct HeldDocument {
    /// One of the two is there.
    account_id: Option<String>,
    group_id: Option<String>,
    /// The account's, where the caller may look accounts up.
    login: Option<String>,
    /// The group's name, and whose it is.
    group: Option<String>,
    organisation_id: Option<String>,
    level: &'static str,
}

impl HeldDocument {
    /// The account's login, or its id where the caller may not look accounts up; a group has none.
    pub(crate) fn account(&self) -> Option<&str> {
        self.login.as_deref().or(self.account_id.as_deref())
    }

    pub(super) fn of(table: &Table, subject: Subject, level: Level) -> Self {
        let (account_id, group_id) = match subject {
            Subject::Account(id) => (Some(id.to_string()), None),
            Subject::Group(id) => (None, Some(id)),
        };
        let group = group_id.and_then(|id| table.group(id));
        Self {
            account_id,
            group_id: group_id.map(|id| id.to_string()),
            login: None,
            group: group.map(|group| group.name.to_string()),
            organisation_id: group.map(|group| group.organisation.to_string()),
            level: level.as_str(),
        }
    }
}

impl HeldDocument {
    /// As Anaconda Server's clients know a group's level; nothing for an account's.
    pub(crate) fn group_document(self) -> Option<serde_json::Value> {
        let (id, name) = (self.group_id?, self.group?);
        Some(json!({
            "id": id, "name": name, "organization_id": self.organisation_id, "permission": self.level,
        }))
    }
}

/// `GET …/grants`. Those who manage the channel see all, others what they hold themselves.
pub(crate) async fn list(given: Given<Named>) -> Result<Response, Problem> {
    let grants = visible(&given);
    answer(&given, grants).await
}

pub(super) async fn answer<P>(given: &Given<P>, grants: Vec<HeldDocument>) -> Result<Response, Problem> {
    let grants = with_logins(given, grants).await?;
    Ok(axum::Json(json!({ "grants": grants })).into_response())
}

/// The same with logins, where the caller may look accounts up.
pub(crate) async fn with_logins<P>(
    given: &Given<P>,
    mut grants: Vec<HeldDocument>,
) -> Result<Vec<HeldDocument>, Problem> {
    let ids: Vec<String> = grants.iter().filter_map(|grant| grant.account_id.clone()).collect();
    let nobody = ids.is_empty();
    let request = upstream::request(&given.admitted.presented, DescribeAccountsRequest { ids }, READ_CALL);
    // A token that opens this and no accounts is shown ids.
    let described = match nobody {
        true => Vec::new(),
        false => match given.app.upstreams.auth().describe_accounts(request).await {
            Ok(reply) => reply.into_inner().accounts,
            Err(status) if status.code() == tonic::Code::PermissionDenied => Vec::new(),
            Err(status) => return Err(status.into()),
        },
    };
    for grant in &mut grants {
        let account = described.iter().find(|account| Some(&account.id) == grant.account_id.as_ref());
        grant.login = account.map(|account| account.login.clone());
    }
    Ok(grants)
}

/// Whether something given to this subject is given to the account.
pub(super) fn is_own(table: &Table, account: AccountId, subject: &Subject) -> bool {
    match subject {
        Subject::Account(id) => *id == account,
        Subject::Group(id) => table.groups_of(account).contains(id),
    }
}

/// The token that asks, if it is alive: a dead one holds nothing, not even what its owner does.
pub(crate) fn live<'a>(table: &'a Table, caller: &Caller) -> Option<&'a Token> {
    let Caller::Token { token, .. } = caller else { return None };
    table.token(*token)
}

/// Whether a role of the token's owner shows what was given to anybody; a resource token has nothing of its owner's roles.
pub(super) fn sees_all(table: &Table, token: Option<&Token>, below: bool) -> bool {
    let category = if below { RoleCategory::SubchannelGroups } else { RoleCategory::ChannelGroups };
    token.is_some_and(|token| {
        token.kind != TokenKind::Resource && table.everywhere(token.owner).get(category).is_some()
    })
}

/// What was given on the channel of the address, as far as the caller may see it.
pub(crate) fn visible<P>(given: &Given<P>) -> Vec<HeldDocument> {
    let (caller, room) = (&given.admitted.caller, given.admitted.room());
    given.app.view.read(|table| {
        let Some(channel) = table.channel(room.id) else { return Vec::new() };
        let token = live(table, caller);
        let level = token.and_then(|token| match token.kind {
            // The scope that let it in opens this up to what its owner holds.
            TokenKind::Session | TokenKind::Scoped => table.account_level(token.owner, room.id),
            TokenKind::Resource => table.level(caller, room.id),
        });
        let all = level == Some(Level::Manage) || sees_all(table, token, channel.parent.is_some());
        let own = |subject: &Subject| token.is_some_and(|token| is_own(table, token.owner, subject));
        let shown = channel.grants.iter().filter(|(subject, _)| all || own(subject));
        shown.map(|(subject, level)| HeldDocument::of(table, *subject, *level)).collect()
    })
}

/// An account's level on a channel.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    channel: String,
    #[serde(default)]
    login: String,
    /// Of a group, its organisation's login and its name.
    #[serde(default)]
    organisation: String,
    #[serde(default)]
    group: String,
}

#[derive(Deserialize)]
pub(crate) struct Wanted {
    pub(super) level: String,
}

/// `PUT …/grants/{login}`: gives the account this level in place of what it had. Lowered, it returns like a revocation.
pub(crate) async fn give(given: Given<Place>, Json(body): Json<Wanted>) -> Result<Response, Problem> {
    set(&given, level(&body.level)?).await
}

/// `DELETE …/grants/{login}`: returns like a revocation.
pub(crate) async fn take(given: Given<Place>) -> Result<Response, Problem> {
    set(&given, stored::Level::None).await
}

/// `PUT …/groups/{organisation}/{group}`: gives a group this level in place of what it had.
pub(crate) async fn give_group(given: Given<Place>, Json(body): Json<Wanted>) -> Result<Response, Problem> {
    set(&given, level(&body.level)?).await
}

/// `DELETE …/groups/{organisation}/{group}`: returns like a revocation.
pub(crate) async fn take_group(given: Given<Place>) -> Result<Response, Problem> {
    set(&given, stored::Level::None).await
}

async fn set(given: &Given<Place>, level: stored::Level) -> Result<Response, Problem> {
    let Place { channel, login, organisation, group } = &given.path;
    let message = GrantChannelRequest {
        channel: channel.clone(),
        login: login.clone(),
        group: (!group.is_empty()).then(|| super::group::named(organisation, group)),
        level: level.into(),
        account_id: String::new(),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().grant_channel(request).await?.into_inner();
    Ok(changed(reply).into_response())
}
