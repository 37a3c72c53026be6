//! What a program is told of signing in here (RFC 8414), also at the address where OpenID Connect looks for it
//! (OpenID Connect Discovery 1.0, section 4).

use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{AUTHORIZE, TOKEN};
use crate::origin::Origin;

/// `/.well-known/openid-configuration` and `/.well-known/oauth-authorization-server`.
pub(crate) async fn document(origin: Origin) -> Response {
    let issuer = origin.address();
    axum::Json(json!({
        "authorization_endpoint": format!("{issuer}{AUTHORIZE}"),
        "token_endpoint": format!("{issuer}{TOKEN}"),
        "issuer": issuer,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": ["all"],
        "authorization_response_iss_parameter_supported": true,
    }))
    .into_response()
}
