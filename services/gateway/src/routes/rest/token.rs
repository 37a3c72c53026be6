//! `/api/v1/tokens`: issue, list, show, edit, reissue, revoke.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use proto::auth::v1::{
    EditTokenRequest, Grant, IssueTokenRequest, IssuedToken, ListTokensRequest, ReissueTokenRequest,
    RevokeTokenRequest, Revoked, Token, TokenRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Confirmed;
use super::json::{Json, query};
use super::uses::UsesDocument;
use super::vocabulary::{given as nonempty, level, level_word, token_kind_word};
use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::upstream;

/// A token as it is shown: without its string.
#[derive(Debug, Serialize)]
pub(crate) struct TokenDocument {
    id: String,
    name: String,
    description: String,
    kind: &'static str,
    owner: String,
    issued_at: String,
    expires_at: String,
    revoked_at: Option<String>,
    state: String,
    grants: Vec<GrantDocument>,
    scopes: Vec<String>,
    overlap_ends_at: Option<String>,
    #[serde(flatten)]
    uses: UsesDocument,
}

#[derive(Debug, Serialize)]
struct GrantDocument {
    channel: String,
    level: &'static str,
}

impl From<Token> for TokenDocument {
    fn from(token: Token) -> Self {
        let kind = token_kind_word(token.kind());
        let grant = |grant: Grant| GrantDocument { level: level_word(grant.level()), channel: grant.channel };
        Self {
            id: token.id,
            name: token.name,
            description: token.description,
            kind,
            owner: token.owner,
            issued_at: token.issued_at,
            expires_at: token.expires_at,
            revoked_at: nonempty(token.revoked_at),
            state: token.state,
            grants: token.grants.into_iter().map(grant).collect(),
            scopes: token.scopes,
            overlap_ends_at: nonempty(token.overlap_ends_at),
            uses: token.uses.into(),
        }
    }
}

/// A new token with its string: the only answer that ever holds one.
pub(crate) fn issued(issued: IssuedToken) -> Result<Value, Problem> {
    let token = issued
        .token
        .ok_or_else(|| runtime::Failure::internal("auth issued a token and did not describe it"))?;
    let mut document = serde_json::to_value(TokenDocument::from(token)).expect("texts are JSON");
    document["token"] = json!(issued.secret);
    document["authz_seq"] = json!(issued.authz_seq);
    document["receipt"] = json!(issued.receipt.map(Confirmed::from));
    Ok(document)
}

/// What came of a change, with its receipt.
pub(crate) fn revoked(revoked: Revoked) -> Value {
    json!({
        "token": revoked.token.map(TokenDocument::from),
        "authz_seq": revoked.authz_seq,
        "receipt": revoked.receipt.map(Confirmed::from),
    })
}

/// A token to be.
#[derive(Deserialize)]
pub(crate) struct NewToken {
    name: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
    #[serde(default)]
    grants: Vec<NewGrant>,
    #[serde(default)]
    scopes: Vec<String>,
    #[serde(default)]
    owner: Option<String>,
}

#[derive(Deserialize)]
struct NewGrant {
    channel: String,
    level: String,
}

/// `POST /api/v1/tokens`.
pub(crate) async fn issue(given: Given<()>, Json(body): Json<NewToken>) -> Result<Response, Problem> {
    if body.grants.is_empty() == body.scopes.is_empty() {
        let words = "a token has either grants on channels or scopes: give one of the two";
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, words));
    }
    let grant = |grant: NewGrant| {
        let level = level(&grant.level)?.into();
        Ok::<_, Problem>(Grant { channel: grant.channel, level, channel_id: String::new() })
    };
    let message = IssueTokenRequest {
        name: body.name,
        description: body.description.unwrap_or_default(),
        expires_at: body.expires_at.unwrap_or_default(),
        grants: body.grants.into_iter().map(grant).collect::<Result<_, _>>()?,
        owner: body.owner.unwrap_or_default(),
        scopes: body.scopes,
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.auth().issue_token(request).await?.into_inner();
    Ok((StatusCode::CREATED, axum::Json(issued(reply)?)).into_response())
}

#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default)]
    owner: String,
    #[serde(default)]
    page_size: u32,
    #[serde(default)]
    page_token: String,
    #[serde(default = "shown")]
    sessions: bool,
}

/// Sessions are tokens too: whoever lists their tokens should see what is open.
fn shown() -> bool {
    true
}

/// `GET /api/v1/tokens`.
pub(crate) async fn list(given: Given<()>) -> Result<Response, Problem> {
    let listing: Listing = query(&given.uri)?;
    let message = ListTokensRequest {
        owner: listing.owner,
        page_size: listing.page_size,
        page_token: listing.page_token,
        sessions: listing.sessions,
    };
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.list_tokens(request).await }
    });
    let reply = reply.await?;
    let tokens: Vec<_> = reply.tokens.into_iter().map(TokenDocument::from).collect();
    let document =
        json!({ "tokens": tokens, "next_page_token": nonempty(reply.next_page_token), "total": reply.total });
    Ok(axum::Json(document).into_response())
}

/// A token by id, or by name among its owner's.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    token: String,
}

#[derive(Debug, Deserialize)]
struct Which {
    #[serde(default)]
    owner: String,
    #[serde(default)]
    reason: String,
}

/// `GET /api/v1/tokens/{token}`.
pub(crate) async fn show(given: Given<Named>) -> Result<Response, Problem> {
    let which: Which = query(&given.uri)?;
    let message = TokenRequest { token: given.path.token.clone(), owner: which.owner };
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.show_token(request).await }
    });
    Ok(axum::Json(TokenDocument::from(reply.await?)).into_response())
}

/// `DELETE /api/v1/tokens/{token}`: returns when every gateway has applied it.
pub(crate) async fn revoke(given: Given<Named>) -> Result<Response, Problem> {
    let which: Which = query(&given.uri)?;
    let message =
        RevokeTokenRequest { token: given.path.token.clone(), owner: which.owner, reason: which.reason };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.auth().revoke_token(request).await?.into_inner();
    Ok(axum::Json(revoked(reply)).into_response())
}

/// What of a token is to change.
#[derive(Deserialize)]
pub(crate) struct Changes {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
}

/// `PATCH /api/v1/tokens/{token}`: its strings stay valid.
pub(crate) async fn edit(given: Given<Named>, Json(body): Json<Changes>) -> Result<Response, Problem> {
    let which: Which = query(&given.uri)?;
    let message = EditTokenRequest {
        token: given.path.token.clone(),
        owner: which.owner,
        name: body.name,
        description: body.description,
        expires_at: body.expires_at,
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.auth().edit_token(request).await?.into_inner();
    Ok(axum::Json(revoked(reply)).into_response())
}

/// How a token gets a new string.
#[derive(Deserialize)]
pub(crate) struct Reissue {
    #[serde(default)]
    overlap_s: u64,
    #[serde(default)]
    expires_at: Option<String>,
}

/// `POST /api/v1/tokens/{token}/reissue`: a new string, shown here and nowhere else.
pub(crate) async fn reissue(given: Given<Named>, Json(body): Json<Reissue>) -> Result<Response, Problem> {
    let which: Which = query(&given.uri)?;
    let message = ReissueTokenRequest {
        token: given.path.token.clone(),
        owner: which.owner,
        overlap_s: body.overlap_s,
        expires_at: body.expires_at.unwrap_or_default(),
        keep_older: false,
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.auth().reissue_token(request).await?.into_inner();
    Ok(axum::Json(issued(reply)?).into_response())
}

/// `DELETE /api/v1/tokens/{token}/overlap`: only the newest string is left.
pub(crate) async fn end_overlap(given: Given<Named>) -> Result<Response, Problem> {
    let which: Which = query(&given.uri)?;
    let message = TokenRequest { token: given.path.token.clone(), owner: which.owner };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.auth().end_overlap(request).await?.into_inner();
    Ok(axum::Json(revoked(reply)).into_response())
}
