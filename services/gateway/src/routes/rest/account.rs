//! `/api/v1/accounts`: make, disable, enable, change owners.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use proto::auth::v1::{Account, AccountRequest, CreateAccountRequest, SetOwnersRequest};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Confirmed;
use super::json::Json;
use super::vocabulary::{account_kind, account_kind_word};
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::upstream;

/// An account as it is shown.
#[derive(Debug, Serialize)]
pub(crate) struct AccountDocument {
    id: String,
    login: String,
    kind: &'static str,
    admin: bool,
    disabled: bool,
    created_at: String,
}

impl From<Account> for AccountDocument {
    fn from(account: Account) -> Self {
        let kind = account_kind_word(account.kind());
        Self {
            id: account.id,
            login: account.login,
            kind,
            admin: account.admin,
            disabled: account.disabled,
            created_at: account.created_at,
        }
    }
}

/// An account to be.
#[derive(Deserialize)]
pub(crate) struct NewAccount {
    login: String,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    admin: bool,
    /// Logins; without one the caller owns it.
    #[serde(default)]
    owners: Vec<String>,
}

/// `POST /api/v1/accounts`.
pub(crate) async fn create(given: Given<()>, Json(body): Json<NewAccount>) -> Result<Response, Problem> {
    let message = CreateAccountRequest {
        login: body.login,
        kind: account_kind(body.kind.as_deref().unwrap_or("person"))?.into(),
        password: body.password.unwrap_or_default(),
        admin: body.admin,
        owners: body.owners,
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let account = given.app.upstreams.auth().create_account(request).await?.into_inner();
    let authz_seq = account.authz_seq;
    let mut document =
        serde_json::to_value(AccountDocument::from(account)).expect("texts and booleans are JSON");
    document["authz_seq"] = json!(authz_seq);
    Ok((StatusCode::CREATED, axum::Json(document)).into_response())
}

/// An account by its login.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    login: String,
}

/// `POST /api/v1/accounts/{login}/disable`: returns like a revocation.
pub(crate) async fn disable(given: Given<Named>) -> Result<Response, Problem> {
    let message = AccountRequest { login: given.path.login.clone() };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.auth().disable_account(request).await?.into_inner();
    Ok(changed(reply))
}

/// `POST /api/v1/accounts/{login}/enable`.
pub(crate) async fn enable(given: Given<Named>) -> Result<Response, Problem> {
    let message = AccountRequest { login: given.path.login.clone() };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.auth().enable_account(request).await?.into_inner();
    Ok(changed(reply))
}

/// Who owns an account from now on.
#[derive(Deserialize)]
pub(crate) struct Owners {
    owners: Vec<String>,
}

/// `PUT /api/v1/accounts/{login}/owners`: returns like a revocation.
pub(crate) async fn set_owners(given: Given<Named>, Json(body): Json<Owners>) -> Result<Response, Problem> {
    let message = SetOwnersRequest { login: given.path.login.clone(), owners: body.owners };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.auth().set_owners(request).await?.into_inner();
    Ok(changed(reply))
}

fn changed(reply: proto::auth::v1::Revoked) -> Response {
    let receipt = reply.receipt.map(Confirmed::from);
    axum::Json(json!({ "authz_seq": reply.authz_seq, "receipt": receipt })).into_response()
}
