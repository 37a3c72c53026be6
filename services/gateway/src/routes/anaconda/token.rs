//! `/api/authentications` and `/api/authentication`: what tokens there are, which one this is, and their end.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use proto::auth::v1::{Grant, ListTokensRequest, RevokeTokenRequest, Token, WhoAmIRequest};
use runtime::{Code, Failure};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::rest::vocabulary::{given as nonempty, level_word};
use crate::upstream;

/// How the description of a token begins that was made here; the name of a machine follows.
pub(super) const MADE_ON: &str = "made on ";

/// As many as auth gives at a time.
const PAGE: u32 = 200;

/// A token as these clients print it.
#[derive(Debug, Serialize)]
struct Document {
    id: String,
    application: String,
    created: String,
    /// With its offset: the client cannot read a date without one.
    expires: Option<String>,
    scopes: Vec<String>,
    /// Where it was last used from.
    remote_addr: String,
    hostname: String,
}

impl From<Token> for Document {
    fn from(token: Token) -> Self {
        // The client has one column for what a token may do, and calls it scopes.
        let granted = |grant: &Grant| format!("{} on {}", level_word(grant.level()), grant.channel);
        let scopes = token.scopes.into_iter().chain(token.grants.iter().map(granted)).collect();
        let last = token.uses.and_then(|uses| uses.last);
        let remote_addr = last.map(|used| used.address).unwrap_or_default();
        let hostname = token.description.strip_prefix(MADE_ON).unwrap_or_default().to_owned();
        Self {
            id: token.id,
            application: token.name,
            created: token.issued_at,
            expires: nonempty(token.expires_at),
            scopes,
            remote_addr,
            hostname,
        }
    }
}

/// `GET /api/authentications`: the caller's live tokens, without sessions.
pub(crate) async fn list(given: Given<()>) -> Result<Response, Problem> {
    let mut tokens: Vec<Document> = Vec::new();
    let mut page_token = String::new();
    loop {
        let message = ListTokensRequest { page_size: PAGE, page_token, ..ListTokensRequest::default() };
        let reply = upstream::retried(|| {
            let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
            let mut auth = given.app.upstreams.auth();
            async move { auth.list_tokens(request).await }
        });
        let page = reply.await?;
        tokens.extend(page.tokens.into_iter().filter(|token| token.state == "live").map(Document::from));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(axum::Json(tokens).into_response());
        }
    }
}

/// `GET /api/authentication`: the token that asks.
pub(crate) async fn current(given: Given<()>) -> Result<Response, Problem> {
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, WhoAmIRequest {}, READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.who_am_i(request).await }
    });
    let token = reply.await?.token.ok_or_else(|| Problem::not_found("this credential is no token"))?;
    Ok(axum::Json(Document::from(token)).into_response())
}

/// `DELETE /api/authentications`: the token that asks.
pub(crate) async fn end(given: Given<()>) -> Result<Response, Problem> {
    let message = RevokeTokenRequest { reason: "signed out".into(), ..Default::default() };
    Ok(remove(&given, message).await?)
}

/// A token by name.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    name: String,
}

/// `DELETE /api/authentications/name/{*name}`.
pub(crate) async fn end_named(given: Given<Named>) -> Result<Response, Problem> {
    let message = RevokeTokenRequest { token: given.path.name.clone(), ..Default::default() };
    Ok(remove(&given, message).await?)
}

/// A token of an organisation.
#[derive(Debug, Deserialize)]
pub(crate) struct OfOrganisation {
    org: String,
    name: String,
}

/// `DELETE /api/authentications/org/{org}/name/{*name}`.
pub(crate) async fn end_of_organisation(given: Given<OfOrganisation>) -> Result<Response, Problem> {
    let OfOrganisation { org, name } = &given.path;
    let message = RevokeTokenRequest { token: name.clone(), owner: org.clone(), ..Default::default() };
    match remove(&given, message).await {
        // The gate has let the credential in, so it is the organisation that is not the caller's, or not there.
        Err(failure) if failure.code == Code::Forbidden => {
            Err(Problem::not_found("you own no organisation of this name"))
        }
        answer => Ok(answer?),
    }
}

async fn remove<P>(given: &Given<P>, message: RevokeTokenRequest) -> Result<Response, Failure> {
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    given.app.upstreams.auth().revoke_token(request).await.map_err(Failure::from_status)?;
    Ok((StatusCode::CREATED, axum::Json(json!(null))).into_response())
}
