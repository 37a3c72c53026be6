//! `/api/groups` and `/api/group`: an organisation's groups in the words of Anaconda Repository. What a group holds there
//! are packages, at the group's own level, in whatever kinds bear the name.
//!
//! These clients take 204 for what was done, and 200 for what is read.

use std::collections::BTreeMap;

use access::{Action, Subject};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use names::{AccountId, ChannelId, GroupId};
use proto::auth::v1::DescribeAccountsRequest;
use proto::catalog::v1::{
    ChangeMembersRequest, CreateGroupRequest, GrantPackageRequest, GroupRequest, PackageRequest,
};
use proto::event::v1::{self as stored, AccountKind};
use readmodel::Wanted;
use serde::Deserialize;
use serde_json::{Value, json};

use super::files::meant;
use super::search;
use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::routes::reach;
use crate::routes::rest::group::{GroupDocument, described, find, named, organisation, shown};
use crate::routes::rest::json::Json;
use crate::routes::rest::search::summary;
use crate::upstream;

/// An organisation by its login.
#[derive(Debug, Deserialize)]
pub(crate) struct Organisation {
    organisation: String,
}

/// A group of an organisation.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    organisation: String,
    group: String,
}

/// Somebody in a group.
#[derive(Debug, Deserialize)]
pub(crate) struct Membership {
    organisation: String,
    group: String,
    login: String,
}

/// A package of the organisation's channel, and a group.
#[derive(Debug, Deserialize)]
pub(crate) struct Held {
    channel: String,
    group: String,
    package: String,
}

/// These clients' word for a level.
fn permission(level: &str) -> &str {
    match level {
        "manage" => "admin",
        other => other,
    }
}

/// The level that these clients mean.
fn level(permission: &str) -> Result<stored::Level, Problem> {
    match permission {
        "read" => Ok(stored::Level::Read),
        "write" => Ok(stored::Level::Write),
        "admin" => Ok(stored::Level::Manage),
        _ => Err(Problem::invalid(format!(
            "{permission:?} is no permission of a group: expected read, write or admin"
        ))),
    }
}

fn document(organisation: &str, group: &GroupDocument) -> Value {
    json!({
        "id": group.id,
        "name": group.name,
        "organization": organisation,
        "permission": permission(group.level),
        "description": group.description,
        "members": group.members,
    })
}

/// `GET /api/groups`: those of every organisation whose groups the caller knows.
pub(crate) async fn own(given: Given<()>) -> Result<Response, Problem> {
    let mut documents = Vec::new();
    for (organisation, login) in organisations(&given).await? {
        documents.extend(shown(&given, organisation).iter().map(|group| document(&login, group)));
    }
    Ok(axum::Json(json!({ "groups": documents })).into_response())
}

/// The organisations that the caller owns or is in a group of, with their logins.
async fn organisations(given: &Given<()>) -> Result<Vec<(AccountId, String)>, Problem> {
    let mut ids: Vec<AccountId> = given.app.view.read(|table| {
        let token = given.admitted.caller.token().and_then(|token| table.token(token));
        let Some(account) = token.map(|token| token.owner) else { return Vec::new() };
        let groups = table.groups_of(account).iter().filter_map(|id| table.group(*id));
        let inside = groups.map(|group| group.organisation);
        let owned = table
            .accounts()
            .filter(|it| it.kind == AccountKind::Organisation && it.owners.contains(&account));
        inside.chain(owned.map(|it| it.id)).collect()
    });
    ids.sort_unstable();
    ids.dedup();
    let message = DescribeAccountsRequest { ids: ids.iter().map(AccountId::to_string).collect() };
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.describe_accounts(request).await }
    });
    let accounts = reply.await?.accounts.into_iter();
    Ok(accounts.filter_map(|account| Some((account.id.parse().ok()?, account.login))).collect())
}

/// `GET /api/groups/<organisation>`.
pub(crate) async fn list(given: Given<Organisation>) -> Result<Response, Problem> {
    let login = &given.path.organisation;
    let organisation = organisation(&given, login).await?;
    let groups: Vec<_> = shown(&given, organisation).iter().map(|group| document(login, group)).collect();
    Ok(axum::Json(json!({ "groups": groups })).into_response())
}

/// `GET /api/group/<organisation>/<group>`.
pub(crate) async fn show(given: Given<Named>) -> Result<Response, Problem> {
    let Named { organisation: login, group } = &given.path;
    let organisation = organisation(&given, login).await?;
    let found = find(&given, organisation, (login, group))?;
    Ok(axum::Json(document(login, &found.group)).into_response())
}

/// What a group is to be; these clients say read where nothing is said.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    #[serde(default)]
    perms: Option<String>,
}

/// `POST /api/group/<organisation>/<group>`.
pub(crate) async fn create(given: Given<Named>, Json(wish): Json<Wish>) -> Result<Response, Problem> {
    let level = level(wish.perms.as_deref().unwrap_or("read"))?;
    let group = Some(named(&given.path.organisation, &given.path.group));
    let message = CreateGroupRequest { group, description: String::new(), level: level.into() };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let seq = given.app.upstreams.catalog().create_group(request).await?.into_inner().authz_seq;
    Ok(done(&given, seq).await)
}

/// The next request may ask for it here.
async fn done<P>(given: &Given<P>, seq: u64) -> Response {
    given.app.view.wait_for(seq, WRITE_CALL).await.ok();
    StatusCode::NO_CONTENT.into_response()
}

/// `GET /api/group/<organisation>/<group>/members`.
pub(crate) async fn members(given: Given<Named>) -> Result<Response, Problem> {
    let Named { organisation: login, group } = &given.path;
    let organisation = organisation(&given, login).await?;
    let found = find(&given, organisation, (login, group))?;
    let members = described(&given, &found.members).await?;
    let document = |member: &Value| json!({ "login": member["login"], "name": member["login"] });
    Ok(axum::Json(members.iter().map(document).collect::<Vec<_>>()).into_response())
}

/// `GET /api/group/<organisation>/<group>/members/<login>`: 204 for somebody who is in it.
pub(crate) async fn member(given: Given<Membership>) -> Result<Response, Problem> {
    let Membership { organisation: login, group, login: wanted } = &given.path;
    let organisation = organisation(&given, login).await?;
    let found = find(&given, organisation, (login, group))?;
    let members = described(&given, &found.members).await?;
    match members.iter().any(|member| member["login"] == json!(wanted)) {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(Problem::not_found(format!("{wanted} is not in the group {group}"))),
    }
}

/// `PUT …/members/<login>`.
pub(crate) async fn add_member(given: Given<Membership>) -> Result<Response, Problem> {
    let add = vec![given.path.login.clone()];
    change(&given, ChangeMembersRequest { add, ..ChangeMembersRequest::default() }).await
}

/// `DELETE …/members/<login>`: returns like a revocation.
pub(crate) async fn remove_member(given: Given<Membership>) -> Result<Response, Problem> {
    let remove = vec![given.path.login.clone()];
    change(&given, ChangeMembersRequest { remove, ..ChangeMembersRequest::default() }).await
}

async fn change(given: &Given<Membership>, message: ChangeMembersRequest) -> Result<Response, Problem> {
    let group = Some(named(&given.path.organisation, &given.path.group));
    let message = ChangeMembersRequest { group, ..message };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let seq = given.app.upstreams.catalog().change_members(request).await?.into_inner().authz_seq;
    Ok(done(given, seq).await)
}

/// `GET /api/group/<organisation>/<group>/packages`: those that the caller may list, of all kinds by one name.
pub(crate) async fn packages(given: Given<Named>) -> Result<Response, Problem> {
    let Named { organisation: login, group } = &given.path;
    let organisation = organisation(&given, login).await?;
    let found = find(&given, organisation, (login, group))?;
    let mut told = found.id.map(|id| held(&given, id)).unwrap_or_default();
    let channels: BTreeMap<ChannelId, String> =
        told.keys().map(|(channel, id, _)| (*id, channel.clone())).collect();
    let ids: Vec<_> = channels.keys().copied().collect();
    let listed = match ids.is_empty() {
        true => Vec::new(),
        false => search::all(&given, &ids, &Wanted { text: String::new(), kind: None, subdir: None }).await?,
    };
    for package in &listed {
        let Some(channel) = channels.get(&package.channel_id) else { continue };
        let key = (channel.clone(), package.channel_id, package.name.clone());
        if let Some(said) = told.get_mut(&key).filter(|said| said.is_empty()) {
            *said = summary(package);
        }
    }
    let document = |((channel, _, name), summary): (&(String, ChannelId, String), &String)| json!({ "full_name": format!("{channel}/{name}"), "name": name, "owner": channel, "summary": summary });
    Ok(axum::Json(told.iter().map(document).collect::<Vec<_>>()).into_response())
}

/// The packages given to a group that the caller may list, each with an empty summary.
fn held<P>(given: &Given<P>, group: GroupId) -> BTreeMap<(String, ChannelId, String), String> {
    let caller = &given.admitted.caller;
    given.app.view.read(|table| {
        let held = table.given_to(Subject::Group(group)).into_iter();
        let packages = held.filter_map(|held| {
            let (id, package) = (held.channel.id, held.package?);
            let listed = reach::may(table, caller, Action::ArtifactView, id, package);
            listed.then(|| ((held.channel.name.to_string(), id, package.1.to_owned()), String::new()))
        });
        packages.collect()
    })
}

/// `PUT …/packages/<package>`: gives it to the group, at the group's level.
pub(crate) async fn add_package(given: Given<Held>) -> Result<Response, Problem> {
    // A channel that bears an organisation's login is that organisation's: names and logins share one space.
    let level = given.app.view.read(|table| {
        let owner = table.channel(given.admitted.room().id)?.owner;
        Some(match table.group_named(owner, &given.path.group)?.level {
            names::Level::Read => stored::Level::Read,
            names::Level::Write => stored::Level::Write,
            names::Level::Manage => stored::Level::Manage,
        })
    });
    let Held { channel, group, .. } = &given.path;
    let absent = || Problem::not_found(format!("{channel} has no group called {group}"));
    give(&given, level.ok_or_else(absent)?).await
}

/// `DELETE …/packages/<package>`: returns like a revocation.
pub(crate) async fn remove_package(given: Given<Held>) -> Result<Response, Problem> {
    give(&given, stored::Level::None).await
}

async fn give(given: &Given<Held>, level: stored::Level) -> Result<Response, Problem> {
    let Held { channel, group, package } = &given.path;
    let mut seq = 0;
    for (kind, name) in meant(given, Action::PackageGrantEdit, package)? {
        let place = PackageRequest { channel: channel.clone(), kind: stored_kind(kind).into(), name };
        let message = GrantPackageRequest {
            package: Some(place),
            group: Some(GroupRequest { organisation: channel.clone(), group: group.clone() }),
            level: level.into(),
            ..GrantPackageRequest::default()
        };
        let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
        seq = given.app.upstreams.catalog().grant_package(request).await?.into_inner().authz_seq.max(seq);
    }
    Ok(done(given, seq).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_are_the_levels_in_other_words() {
        for (word, wanted) in
            [("read", stored::Level::Read), ("write", stored::Level::Write), ("admin", stored::Level::Manage)]
        {
            assert_eq!(level(word).unwrap(), wanted);
        }
        assert!(level("manage").is_err() && level("").is_err());
        assert_eq!(["read", "write", "manage"].map(permission), ["read", "write", "admin"]);
    }
}
