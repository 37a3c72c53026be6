//! `/api/v1/roles`: what holds everywhere on the server, and for whom.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use names::RoleCategory;
use proto::auth::v1::{
    ChangeRoleRequest, CreateRoleRequest, Holder, ListRolesRequest, Role, RoleHolderRequest, RoleLevels,
    RoleReply, RoleRequest,
};
use proto::event::v1 as stored;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::Confirmed;
use super::json::Json;
use super::vocabulary::{level, role_category, role_levels};
use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::upstream;

/// A role by its name or id.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    role: String,
}

/// A role, and an account or a group.
#[derive(Debug, Deserialize)]
pub(crate) struct Held {
    role: String,
    #[serde(default)]
    login: String,
    /// Of a group, its organisation's login and its name.
    #[serde(default)]
    organisation: String,
    #[serde(default)]
    group: String,
}

#[derive(Debug, Serialize)]
struct RoleDocument {
    /// None has one that comes with the server.
    id: Option<String>,
    name: String,
    shipped: bool,
    description: String,
    levels: Map<String, Value>,
    accounts: u32,
    groups: u32,
}

impl From<Role> for RoleDocument {
    fn from(role: Role) -> Self {
        Self {
            id: Some(role.id).filter(|id| !id.is_empty()),
            name: role.name,
            shipped: role.shipped,
            description: role.description,
            levels: role_levels(&role.levels),
            accounts: role.accounts,
            groups: role.groups,
        }
    }
}

/// `GET /api/v1/roles`: those that come with the server first.
pub(crate) async fn list(given: Given<()>) -> Result<Response, Problem> {
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, ListRolesRequest {}, READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.list_roles(request).await }
    });
    let roles: Vec<_> = reply.await?.roles.into_iter().map(RoleDocument::from).collect();
    Ok(axum::Json(json!({ "roles": roles })).into_response())
}

/// `GET /api/v1/roles/{role}`: with who holds it.
pub(crate) async fn show(given: Given<Named>) -> Result<Response, Problem> {
    let reply = upstream::retried(|| {
        let message = RoleRequest { role: given.path.role.clone() };
        let request = upstream::request(&given.admitted.presented, message, READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.show_role(request).await }
    });
    let role = reply.await?;
    let holders: Vec<_> = role.holders.iter().map(holder).collect();
    let mut document = document(role);
    document["holders"] = json!(holders);
    Ok(axum::Json(document).into_response())
}

fn holder(holder: &Holder) -> Value {
    match holder.group_id.is_empty() {
        true => json!({ "account_id": holder.account_id, "login": holder.login }),
        false => json!({
            "group_id": holder.group_id,
            "organisation": holder.organisation,
            "group": holder.group,
        }),
    }
}

/// A role to be. What is left out, it does not give.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    levels: BTreeMap<String, String>,
}

/// `POST /api/v1/roles`.
pub(crate) async fn create(given: Given<()>, Json(wish): Json<Wish>) -> Result<Response, Problem> {
    let Wish { name, description, levels } = wish;
    let message = CreateRoleRequest { name, description, levels: stored_levels(&levels)? };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.auth().create_role(request).await?.into_inner();
    Ok((StatusCode::CREATED, axum::Json(changed(reply))).into_response())
}

/// What of a role is to change; levels are set in place of all that it gave.
#[derive(Debug, Deserialize)]
pub(crate) struct Changes {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    levels: Option<BTreeMap<String, String>>,
}

/// `PATCH /api/v1/roles/{role}`: where somebody may do less afterwards, it returns like a revocation.
pub(crate) async fn change(given: Given<Named>, Json(changes): Json<Changes>) -> Result<Response, Problem> {
    let levels = changes.levels.as_ref().map(stored_levels).transpose()?;
    let message = ChangeRoleRequest {
        role: given.path.role.clone(),
        name: changes.name,
        description: changes.description,
        levels: levels.map(|levels| RoleLevels { levels }),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    Ok(axum::Json(changed(given.app.upstreams.auth().change_role(request).await?.into_inner()))
        .into_response())
}

/// `DELETE /api/v1/roles/{role}`: returns like a revocation.
pub(crate) async fn delete(given: Given<Named>) -> Result<Response, Problem> {
    let message = RoleRequest { role: given.path.role.clone() };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    Ok(axum::Json(changed(given.app.upstreams.auth().delete_role(request).await?.into_inner()))
        .into_response())
}

/// `PUT /api/v1/roles/{role}/accounts/{login}` and `…/groups/{organisation}/{group}`.
pub(crate) async fn assign(given: Given<Held>) -> Result<Response, Problem> {
    let request = upstream::request(&given.admitted.presented, whom(&given.path), WRITE_CALL);
    Ok(axum::Json(changed(given.app.upstreams.auth().assign_role(request).await?.into_inner()))
        .into_response())
}

/// `DELETE` of the same: returns like a revocation.
pub(crate) async fn unassign(given: Given<Held>) -> Result<Response, Problem> {
    let request = upstream::request(&given.admitted.presented, whom(&given.path), WRITE_CALL);
    Ok(axum::Json(changed(given.app.upstreams.auth().unassign_role(request).await?.into_inner()))
        .into_response())
}

fn whom(held: &Held) -> RoleHolderRequest {
    RoleHolderRequest {
        role: held.role.clone(),
        login: held.login.clone(),
        organisation: held.organisation.clone(),
        group: held.group.clone(),
    }
}

fn stored_levels(levels: &BTreeMap<String, String>) -> Result<Vec<stored::RoleLevel>, Problem> {
    let one = |(category, word): (&String, &String)| {
        let category =
            category.parse::<RoleCategory>().map_err(|error| Problem::invalid(error.to_string()))?;
        let level = if word == "none" { stored::Level::None } else { level(word)? };
        Ok(stored::RoleLevel { category: role_category(category).into(), level: level.into() })
    };
    levels.iter().map(one).collect()
}

fn document(role: Role) -> Value {
    serde_json::to_value(RoleDocument::from(role)).expect("texts and numbers are JSON")
}

fn changed(reply: RoleReply) -> Value {
    let mut document = document(reply.role.unwrap_or_default());
    document["authz_seq"] = json!(reply.authz_seq);
    document["receipt"] = json!(reply.receipt.map(Confirmed::from));
    document
}
