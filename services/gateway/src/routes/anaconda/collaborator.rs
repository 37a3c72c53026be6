//! `/api/packages/<owner>/<package>/collaborators`: people who may read and write one package, in whatever kinds bear its
//! name.

use access::{Action, Subject};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use names::Level;
use proto::auth::v1::AccountRequest;
use proto::catalog::v1::{GrantPackageRequest, PackageRequest};
use proto::event::v1 as stored;
use serde::Deserialize;
use serde_json::json;

use super::files::meant;
use super::package::Named;
use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::routes::rest::grant::with_logins;
use crate::routes::rest::package::held;
use crate::upstream;

/// Somebody, and a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Collaborator {
    channel: String,
    package: String,
    login: String,
}

/// `GET …/collaborators`: all for those who manage the package, oneself for others.
pub(crate) async fn list(given: Given<Named>) -> Result<Response, Problem> {
    let kinds = meant(&given, Action::PackageGrantView, &given.path.package)?;
    let held = kinds.iter().flat_map(|(kind, name)| held(&given, (*kind, name))).collect();
    let held = with_logins(&given, held).await?;
    let mut logins: Vec<&str> = held.iter().filter_map(|grant| grant.account()).collect();
    logins.sort_unstable();
    logins.dedup();
    let documents: Vec<_> = logins.into_iter().map(|login| json!({ "login": login })).collect();
    Ok(axum::Json(documents).into_response())
}

/// `PUT …/collaborators/<login>`: gives them write; who holds more keeps it.
pub(crate) async fn add(given: Given<Collaborator>) -> Result<Response, Problem> {
    let message = AccountRequest { login: given.path.login.clone() };
    let request = upstream::request(&given.admitted.presented, message, READ_CALL);
    let account = match given.app.upstreams.auth().find_account(request).await {
        Ok(reply) => reply.into_inner().id.parse().ok(),
        // Who may give and not look up: catalog knows whom they mean.
        Err(status) if status.code() == tonic::Code::PermissionDenied => None,
        Err(status) => return Err(status.into()),
    };
    let room = given.admitted.room().id;
    set(&given, stored::Level::Write, |kind, name| {
        let subject = account.map(Subject::Account);
        given.app.view.read(|table| {
            let package = table.package(room, kind, name);
            let held = package.and_then(|package| package.grants.iter().find(|(it, _)| Some(*it) == subject));
            held.is_some_and(|(_, level)| *level >= Level::Write)
        })
    })
    .await
}

/// `DELETE …/collaborators/<login>`: returns like a revocation.
pub(crate) async fn remove(given: Given<Collaborator>) -> Result<Response, Problem> {
    set(&given, stored::Level::None, |_, _| false).await
}

/// Where it is so already, nothing is asked of catalog.
async fn set(
    given: &Given<Collaborator>,
    level: stored::Level,
    is_so: impl Fn(names::PackageKind, &str) -> bool,
) -> Result<Response, Problem> {
    let mut seq = 0;
    for (kind, name) in meant(given, Action::PackageGrantEdit, &given.path.package)? {
        if is_so(kind, &name) {
            continue;
        }
        let place =
            PackageRequest { channel: given.path.channel.clone(), kind: stored_kind(kind).into(), name };
        let message = GrantPackageRequest {
            package: Some(place),
            login: given.path.login.clone(),
            level: level.into(),
            ..GrantPackageRequest::default()
        };
        let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
        seq = given.app.upstreams.catalog().grant_package(request).await?.into_inner().authz_seq.max(seq);
    }
    // The next request may ask for it here.
    given.app.view.wait_for(seq, WRITE_CALL).await.ok();
    Ok((StatusCode::CREATED, axum::Json(json!(null))).into_response())
}
