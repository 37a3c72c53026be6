//! Every RPC with a token of each single scope. An RPC that is not in the table fails the test.

use names::Scope;
use tonic::Code;

use crate::access::{call, callers, table};
use crate::lab::{Lab, scoped};

const READ_TOKENS: &[&str] = &["user.token:view", "api:read", "api", "all"];
const EDIT_TOKENS: &[&str] = &["user.token:edit", "api:write", "api", "all"];
const DEFAULT_CHANNEL: &[&str] = &["channel.default-channel:edit", "api:write", "api", "all"];
const READ_ROLES: &[&str] = &["role:view", "all"];
const EDIT_ROLES: &[&str] = &["role:edit", "all"];
const LOOK_UP: &[&str] = &["api:read", "api", "all"];
const ALL: &[&str] = &["all"];
const STATUS: &[&str] = &["status:view", "all"];
const AUDIT: &[&str] = &["events:subscribe", "all"];

/// The scopes of which each alone opens an RPC; none where the token's scopes do not matter.
fn opened_by(method: &str) -> Option<&'static [&'static str]> {
    match method {
        "latchkey.auth.v1.Auth/SignIn"
        | "latchkey.auth.v1.Auth/Authorize"
        | "latchkey.auth.v1.Auth/ExchangeCode"
        | "latchkey.auth.v1.Auth/WhoAmI"
        | "latchkey.auth.v1.Auth/ListScopes"
        // For services: a token is refused whatever it may do.
        | "latchkey.feed.v1.Feed/Follow"
        | "latchkey.feed.v1.Feed/Renew"
        | "latchkey.feed.v1.Feed/AwaitApplied" => None,
        "latchkey.auth.v1.Auth/CreateAccount"
        | "latchkey.auth.v1.Auth/DisableAccount"
        | "latchkey.auth.v1.Auth/EnableAccount"
        | "latchkey.auth.v1.Auth/ChangePassword"
        | "latchkey.auth.v1.Auth/SetOwners" => Some(ALL),
        "latchkey.events.v1.Events/Subscribe" => Some(AUDIT),
        "latchkey.status.v1.Status/Show" => Some(STATUS),
        "latchkey.auth.v1.Auth/DescribeAccounts" | "latchkey.auth.v1.Auth/FindAccount" => Some(LOOK_UP),
        "latchkey.auth.v1.Auth/ListTokens"
        | "latchkey.auth.v1.Auth/ShowToken"
        | "latchkey.auth.v1.Auth/IdentifyTokens"
        | "latchkey.auth.v1.Auth/Explain" => Some(READ_TOKENS),
        "latchkey.auth.v1.Auth/IssueToken"
        | "latchkey.auth.v1.Auth/EditToken"
        | "latchkey.auth.v1.Auth/ReissueToken"
        | "latchkey.auth.v1.Auth/EndOverlap"
        | "latchkey.auth.v1.Auth/RevokeToken" => Some(EDIT_TOKENS),
        "latchkey.auth.v1.Auth/ListRoles" | "latchkey.auth.v1.Auth/ShowRole" => Some(READ_ROLES),
        "latchkey.auth.v1.Auth/CreateRole"
        | "latchkey.auth.v1.Auth/ChangeRole"
        | "latchkey.auth.v1.Auth/DeleteRole"
        | "latchkey.auth.v1.Auth/AssignRole"
        | "latchkey.auth.v1.Auth/UnassignRole" => Some(EDIT_ROLES),
        "latchkey.auth.v1.Auth/SetDefaultChannel" => Some(DEFAULT_CHANNEL),
        other => panic!("{other} needs a line that says which scopes open it"),
    }
}

#[tokio::test]
async fn every_rpc_is_opened_by_the_scopes_that_the_table_says_and_by_no_other() {
    let lab = Lab::start().await;
    let callers = callers(&lab).await;
    let (_, admin) = callers.iter().find(|(name, _)| *name == "administrator").unwrap();
    let mut tokens = vec![];
    for scope in Scope::ALL {
        let request = scoped(&format!("only {scope}"), &[scope.as_str()]);
        tokens.push((scope, lab.client(admin).issue_token(request).await.unwrap().into_inner().secret));
    }
    let mut wrong = vec![];
    for (method, _, request) in table() {
        for (scope, secret) in &tokens {
            let status = call(&lab, method, secret, &request).await.err();
            let missing = status.as_ref().is_some_and(|status| {
                status.code() == Code::PermissionDenied && status.message().contains("has no scope for")
            });
            if missing == opened_by(method).is_none_or(|scopes| scopes.contains(&scope.as_str())) {
                wrong.push(format!("{method} with {scope}: {status:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
