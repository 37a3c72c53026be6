//! `/api/v1/organisations/{organisation}/groups`: an organisation's groups and who is in them. Its owners change them;
//! members see the groups they are in.

use access::{Action, Caller, Group, Object, Subject, Table, Verdict};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use names::{AccountId, GroupId, GroupName};
use proto::auth::v1::{AccountRequest, DescribeAccountsRequest};
use proto::catalog::v1::{
    ChangeMembersRequest, CreateGroupRequest, GroupReply, GroupRequest, SetGroupRequest,
};
use proto::event::v1::AccountKind;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Confirmed;
use super::json::Json;
use super::vocabulary::{level, level_word};
use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::refuse::{self, Family};
use crate::routes::given::Given;
use crate::routes::reach;
use crate::upstream;

/// Accounts that auth describes at a time.
const DESCRIBED: usize = 1_000;

/// The organisation's login in the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Organisation {
    organisation: String,
}

/// A group in the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    organisation: String,
    group: String,
}

/// A member in the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Membership {
    organisation: String,
    group: String,
    login: String,
}

/// A group as it is listed.
#[derive(Debug, Serialize)]
pub(crate) struct GroupDocument {
    /// None has the group of the owners.
    pub(crate) id: Option<String>,
    organisation_id: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) level: &'static str,
    pub(crate) members: usize,
}

impl GroupDocument {
    fn of(group: &Group) -> Self {
        Self {
            id: Some(group.id.to_string()),
            organisation_id: group.organisation.to_string(),
            name: group.name.to_string(),
            description: group.description.to_string(),
            level: group.level.as_str(),
            members: group.members.len(),
        }
    }

    /// The group that every organisation has.
    fn owners(table: &Table, organisation: AccountId) -> Option<Self> {
        let account = table.account(organisation).filter(|it| it.kind == AccountKind::Organisation)?;
        Some(Self {
            id: None,
            organisation_id: organisation.to_string(),
            name: GroupName::OWNERS.to_owned(),
            description: "The organisation's owners, who may do everything in it".to_owned(),
            level: names::Level::Manage.as_str(),
            members: account.owners.len(),
        })
    }
}

/// `GET …/groups`: all for the owners, one's own for members.
pub(crate) async fn list(given: Given<Organisation>) -> Result<Response, Problem> {
    Ok(axum::Json(json!({ "groups": documents(&given).await? })).into_response())
}

/// The groups of the organisation in the address that the caller may see, the owners' first.
pub(crate) async fn documents(given: &Given<Organisation>) -> Result<Vec<GroupDocument>, Problem> {
    Ok(shown(given, organisation(given, &given.path.organisation).await?))
}

/// An organisation's groups that the caller may see, the owners' first.
pub(crate) fn shown<P>(given: &Given<P>, organisation: AccountId) -> Vec<GroupDocument> {
    let mut groups = given.app.view.read(|table| {
        let all = changes(table, &given.admitted.caller, organisation);
        let own = account(&given.admitted.caller).map(|account| table.groups_of(account)).unwrap_or_default();
        let groups = table.groups().filter(|group| group.organisation == organisation);
        let shown = groups.filter(|group| all || own.contains(&group.id)).map(GroupDocument::of);
        let owners = all.then(|| GroupDocument::owners(table, organisation)).flatten();
        owners.into_iter().chain(shown).collect::<Vec<_>>()
    });
    groups.sort_by_key(|group| (group.id.is_some(), group.name.to_ascii_lowercase()));
    groups
}

/// A group with who is in it.
pub(crate) struct Shown {
    pub(crate) group: GroupDocument,
    /// None of the group of the owners.
    pub(crate) id: Option<GroupId>,
    pub(crate) members: Vec<AccountId>,
}

/// A group that the caller may know of.
pub(crate) fn find<P>(
    given: &Given<P>,
    organisation: AccountId,
    (login, name): (&str, &str),
) -> Result<Shown, Problem> {
    let found = given.app.view.read(|table| {
        let (caller, all) = (&given.admitted.caller, changes(table, &given.admitted.caller, organisation));
        if all && name.eq_ignore_ascii_case(GroupName::OWNERS) {
            let group = GroupDocument::owners(table, organisation)?;
            return Some(Shown { group, id: None, members: table.account(organisation)?.owners.to_vec() });
        }
        let group = table.group_named(organisation, name)?;
        let inside = account(caller).is_some_and(|account| group.members.contains(&account));
        let (id, members) = (Some(group.id), group.members.iter().copied().collect());
        (all || inside).then(|| Shown { group: GroupDocument::of(group), id, members })
    });
    found.ok_or_else(|| Problem::not_found(format!("{login} has no group called {name}")))
}

/// `GET …/groups/{group}`: with its members and what it was given.
pub(crate) async fn show(given: Given<Named>) -> Result<Response, Problem> {
    let Named { organisation: login, group: name } = &given.path;
    let organisation = organisation(&given, login).await?;
    let Shown { group, id, members } = find(&given, organisation, (login, name))?;
    let grants = given.app.view.read(|table| {
        let group = id.and_then(|id| table.group(id));
        group.map(|group| held(table, &given.admitted.caller, group)).unwrap_or_default()
    });
    let members = described(&given, &members).await?;
    let mut document = serde_json::to_value(group).expect("texts and numbers are JSON");
    document["members"] = json!(members);
    document["grants"] = json!(grants);
    Ok(axum::Json(document).into_response())
}

/// What a group was given, as far as the caller may know of the channels and sees the packages: those who change a group
/// need not be in it.
pub(crate) fn held(table: &Table, caller: &Caller, group: &Group) -> Vec<Value> {
    let known = |held: &access::HeldOn<'_>| match held.package {
        Some(package) => reach::may(table, caller, Action::ArtifactView, held.channel.id, package),
        None => {
            let verdict = table.decide(caller, Action::ChannelView, &Object::Channel(held.channel.id));
            matches!(verdict, Verdict::Allowed(_))
        }
    };
    let given = table.given_to(Subject::Group(group.id)).into_iter().filter(known);
    let document = |held: access::HeldOn<'_>| {
        json!({
            "channel": held.channel.name,
            "kind": held.package.map(|(kind, _)| kind.as_str()),
            "package": held.package.map(|(_, name)| name),
            "level": held.level.as_str(),
        })
    };
    given.map(document).collect()
}

/// A group to be.
#[derive(Deserialize)]
pub(crate) struct NewGroup {
    name: String,
    #[serde(default)]
    description: String,
    /// What it is given on a package unless something else is said.
    #[serde(default)]
    level: Option<String>,
}

/// `POST …/groups`.
pub(crate) async fn create(
    given: Given<Organisation>,
    Json(body): Json<NewGroup>,
) -> Result<Response, Problem> {
    let group = GroupRequest { organisation: given.path.organisation.clone(), group: body.name };
    let message = CreateGroupRequest {
        group: Some(group),
        description: body.description,
        level: level(body.level.as_deref().unwrap_or("read"))?.into(),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().create_group(request).await?.into_inner();
    Ok((StatusCode::CREATED, changed(reply)).into_response())
}

/// What of a group is to change.
#[derive(Deserialize)]
pub(crate) struct Changes {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    level: Option<String>,
}

/// `PATCH …/groups/{group}`.
pub(crate) async fn set(given: Given<Named>, Json(body): Json<Changes>) -> Result<Response, Problem> {
    let message = SetGroupRequest {
        group: Some(named(&given.path.organisation, &given.path.group)),
        name: body.name,
        description: body.description,
        level: body.level.as_deref().map(level).transpose()?.map(i32::from),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().set_group(request).await?.into_inner();
    Ok(changed(reply).into_response())
}

/// `DELETE …/groups/{group}`: returns like a revocation.
pub(crate) async fn delete(given: Given<Named>) -> Result<Response, Problem> {
    let message = named(&given.path.organisation, &given.path.group);
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().delete_group(request).await?.into_inner();
    Ok(changed(reply).into_response())
}

/// `PUT …/groups/{group}/members/{login}`.
pub(crate) async fn add(given: Given<Membership>) -> Result<Response, Problem> {
    let add = vec![given.path.login.clone()];
    members(&given, ChangeMembersRequest { add, ..ChangeMembersRequest::default() }).await
}

/// `DELETE …/groups/{group}/members/{login}`: returns like a revocation.
pub(crate) async fn remove(given: Given<Membership>) -> Result<Response, Problem> {
    let remove = vec![given.path.login.clone()];
    members(&given, ChangeMembersRequest { remove, ..ChangeMembersRequest::default() }).await
}

async fn members(given: &Given<Membership>, message: ChangeMembersRequest) -> Result<Response, Problem> {
    let group = Some(named(&given.path.organisation, &given.path.group));
    let message = ChangeMembersRequest { group, ..message };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().change_members(request).await?.into_inner();
    Ok(changed(reply).into_response())
}

/// A group by its organisation's login and its name, as they stand in an address.
pub(crate) fn named(organisation: &str, group: &str) -> GroupRequest {
    GroupRequest { organisation: organisation.to_owned(), group: group.to_owned() }
}

fn changed(reply: GroupReply) -> axum::Json<Value> {
    let group = reply.group.unwrap_or_default();
    axum::Json(json!({
        "id": group.id,
        "organisation_id": group.organisation_id,
        "name": group.name,
        "description": group.description,
        "level": level_word(group.level()),
        "members": group.member_ids.len(),
        "authz_seq": reply.authz_seq,
        "receipt": reply.receipt.map(Confirmed::from),
    }))
}

/// The organisation's id, if the caller may see something of its groups.
pub(crate) async fn organisation<P>(given: &Given<P>, login: &str) -> Result<AccountId, Problem> {
    let presented = &given.admitted.presented;
    let account = upstream::retried(|| {
        let request = upstream::request(presented, AccountRequest { login: login.to_owned() }, READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.find_account(request).await }
    });
    let account = account.await?;
    let id: AccountId = account.id.parse().map_err(|_| Problem::not_found("there is no such account"))?;
    given.app.view.read(|table| {
        let (caller, object) = (&given.admitted.caller, Object::Account(id));
        match table.decide(caller, Action::GroupView, &object) {
            Verdict::Allowed(_) => Ok(id),
            Verdict::Refused(refusal) => {
                let words = table.refusal_words(caller, &refusal, Action::GroupView, &object);
                Err(refuse::answer(Family::Api, presented.carrier(), &refusal, words))
            }
        }
    })
}

/// Whether the caller's account may change the organisation's groups, and so sees all of them.
pub(crate) fn changes(table: &Table, caller: &Caller, organisation: AccountId) -> bool {
    account(caller).is_some_and(|account| table.owns_groups(account, organisation))
}

pub(crate) fn account(caller: &Caller) -> Option<AccountId> {
    match caller {
        Caller::Token { account, .. } => Some(*account),
        Caller::Nobody
        | Caller::Unknown
        | Caller::Expired { .. }
        | Caller::Revoked { .. }
        | Caller::Disabled { .. }
        | Caller::Service(_) => None,
    }
}

/// Accounts with their logins.
pub(crate) async fn described<P>(given: &Given<P>, accounts: &[AccountId]) -> Result<Vec<Value>, Problem> {
    let mut documents = Vec::new();
    for part in accounts.chunks(DESCRIBED) {
        let ids = part.iter().map(ToString::to_string).collect();
        let message = DescribeAccountsRequest { ids };
        let request = upstream::request(&given.admitted.presented, message, READ_CALL);
        let reply = given.app.upstreams.auth().describe_accounts(request).await?.into_inner();
        let document =
            |account: proto::auth::v1::Account| json!({ "account_id": account.id, "login": account.login });
        documents.extend(reply.accounts.into_iter().map(document));
    }
    Ok(documents)
}
