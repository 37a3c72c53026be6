//! `/api/account/tokens`, also spelt `/api/account/token`: list, make, edit, refresh, delete.

mod expiry;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use names::Scope;
use proto::auth::v1::{
    EditTokenRequest, Grant, IssueTokenRequest, ListTokensRequest, ReissueTokenRequest, RevokeTokenRequest,
    Token, TokenRequest,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::unprocessable;
use super::window::Window;
use crate::limits::{READ_CALL, WRITE_CALL};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::rest::json::{Json, query};
use crate::routes::rest::uses::UsesDocument;
use crate::routes::rest::vocabulary::{given as nonempty, level, level_word};
use crate::upstream;

/// Tokens that auth is asked for at a time.
const PAGE: u32 = 200;

/// A token as these clients know it.
#[derive(Debug, Serialize)]
pub(crate) struct TokenDocument {
    id: String,
    name: String,
    description: String,
    r#type: &'static str,
    created_at: String,
    expires_at: String,
    overlap_ends_at: Option<String>,
    scopes: Vec<String>,
    resources: Vec<Resource>,
    #[serde(flatten)]
    uses: UsesDocument,
}

/// A level on a channel.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Resource {
    resource_type: String,
    resource_id: String,
    permission: String,
}

impl From<Token> for TokenDocument {
    fn from(token: Token) -> Self {
        use proto::event::v1::TokenKind;
        let kind = match token.kind() {
            TokenKind::Unspecified => "unknown",
            TokenKind::Session => "session",
            TokenKind::Resource => "resources",
            TokenKind::Scoped => "scopes",
        };
        let resource = |grant: Grant| Resource {
            resource_type: "channel".into(),
            permission: level_word(grant.level()).into(),
            resource_id: grant.channel,
        };
        Self {
            id: token.id,
            name: token.name,
            description: token.description,
            r#type: kind,
            created_at: token.issued_at,
            expires_at: token.expires_at,
            overlap_ends_at: nonempty(token.overlap_ends_at),
            scopes: token.scopes,
            resources: token.grants.into_iter().map(resource).collect(),
            uses: token.uses.into(),
        }
    }
}

/// `GET /api/account/tokens`. Those that live: a client looks for its own by name, and must not find a dead one.
pub(crate) async fn list(given: Given<()>) -> Result<Response, Problem> {
    let window: Window = query(&given.uri)?;
    let (mut tokens, mut page_token) = (Vec::new(), String::new());
    loop {
        let message =
            ListTokensRequest { owner: String::new(), page_size: PAGE, page_token, sessions: false };
        let reply = upstream::retried(|| {
            let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
            let mut auth = given.app.upstreams.auth();
            async move { auth.list_tokens(request).await }
        });
        let reply = reply.await?;
        tokens.extend(reply.tokens.into_iter().filter(|token| token.state == "live"));
        page_token = reply.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let total = tokens.len();
    let items: Vec<TokenDocument> = window.of(tokens).into_iter().map(TokenDocument::from).collect();
    Ok(axum::Json(json!({ "items": items, "total_count": total })).into_response())
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
    scopes: Option<Vec<String>>,
    #[serde(default)]
    resources: Option<Vec<Resource>>,
}

/// `POST /api/account/tokens`.
pub(crate) async fn create(given: Given<()>, Json(body): Json<NewToken>) -> Result<Response, Problem> {
    let (scopes, resources) = (body.scopes.unwrap_or_default(), body.resources.unwrap_or_default());
    match (scopes.is_empty(), resources.is_empty()) {
        (true, true) => return Err(unprocessable("a token needs scopes or resources: this names neither")),
        (false, false) => return Err(unprocessable("a token has scopes or resources, never both")),
        (true, false) | (false, true) => {}
    }
    let message = IssueTokenRequest {
        name: body.name,
        description: body.description.unwrap_or_default(),
        expires_at: body.expires_at.as_deref().map(expiry::read).transpose()?.unwrap_or_default(),
        grants: resources.into_iter().map(grant).collect::<Result<_, _>>()?,
        scopes: scopes.iter().map(|word| scope(word)).collect::<Result<_, _>>()?,
        owner: String::new(),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let issued = given.app.upstreams.auth().issue_token(request).await?.into_inner();
    Ok(axum::Json(with_string(issued.token, issued.secret)).into_response())
}

fn scope(word: &str) -> Result<String, Problem> {
    word.parse::<Scope>()
        .map(|scope| scope.as_str().to_owned())
        .map_err(|error| unprocessable(error.to_string()))
}

fn grant(resource: Resource) -> Result<Grant, Problem> {
    if !["channel", "subchannel"].contains(&resource.resource_type.as_str()) {
        return Err(unprocessable("a resource's type is channel or subchannel"));
    }
    let level = level(&resource.permission)
        .map_err(|_other| unprocessable("a resource's permission is read, write or manage"))?;
    Ok(Grant { channel: resource.resource_id, level: level.into(), channel_id: String::new() })
}

/// A token with its new string: the only answers that ever hold one.
fn with_string(token: Option<Token>, string: String) -> Value {
    let mut document = token.map_or_else(
        || json!({}),
        |token| serde_json::to_value(TokenDocument::from(token)).expect("texts are JSON"),
    );
    document["token"] = json!(string);
    document
}

/// A token by id, or by name.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    token: String,
}

/// `GET /api/account/tokens/{token}`.
pub(crate) async fn show(given: Given<Named>) -> Result<Response, Problem> {
    let message = TokenRequest { token: given.path.token.clone(), owner: String::new() };
    let reply = upstream::retried(|| {
        let request = upstream::request(&given.admitted.presented, message.clone(), READ_CALL);
        let mut auth = given.app.upstreams.auth();
        async move { auth.show_token(request).await }
    });
    Ok(axum::Json(TokenDocument::from(reply.await?)).into_response())
}

/// What may change. Nothing at all asks for a refresh.
#[derive(Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    expires_at: Option<String>,
    /// The tick on the edit form: the older string dies at once.
    #[serde(default, alias = "issue_new_token")]
    reissue: bool,
}

/// `PUT /api/account/tokens/{token}`.
///
/// `conda repo auth --list` refreshes with an empty body and throws the new string away: the one it saved must go on.
pub(crate) async fn change(given: Given<Named>, Json(change): Json<Change>) -> Result<Response, Problem> {
    let Change { name, description, expires_at, reissue } = change;
    let expires_at = expires_at.as_deref().map(expiry::read).transpose()?;
    let edits = name.is_some() || description.is_some() || expires_at.is_some();
    let mut edited = None;
    if edits {
        let token = given.path.token.clone();
        let message = EditTokenRequest { token, owner: String::new(), name, description, expires_at };
        let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
        edited = given.app.upstreams.auth().edit_token(request).await?.into_inner().token;
    }
    if edits && !reissue {
        return Ok(axum::Json(edited.map(TokenDocument::from)).into_response());
    }
    // Its name may have been changed just now.
    let token = edited.map_or_else(|| given.path.token.clone(), |token| token.id);
    let message = ReissueTokenRequest { token, keep_older: !reissue, ..ReissueTokenRequest::default() };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let issued = given.app.upstreams.auth().reissue_token(request).await?.into_inner();
    Ok(axum::Json(with_string(issued.token, issued.secret)).into_response())
}

/// `DELETE /api/account/tokens/{token}`: returns when every gateway has applied it.
pub(crate) async fn remove(given: Given<Named>) -> Result<StatusCode, Problem> {
    let message = RevokeTokenRequest { token: given.path.token.clone(), ..RevokeTokenRequest::default() };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    given.app.upstreams.auth().revoke_token(request).await?;
    Ok(StatusCode::NO_CONTENT)
}
