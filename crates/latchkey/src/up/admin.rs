//! The first account's session that scripts use: kept over restarts, made anew when it has ended.

use std::path::Path;

use runtime::Secret;
use serde_json::json;

use super::folder::write_private;
use super::parts::ADMIN;
use super::secrets::Secrets;
use crate::client::{self, Client};
use crate::failed::{Exit, Failed};
use crate::output::text;

/// The session's string; empty if the kept one has ended and the first password does not open the account any more.
pub(crate) async fn session(
    http: &str,
    ca: Option<&Path>,
    secrets: &Secrets,
    password: &Secret,
) -> Result<String, Failed> {
    let base = client::parse(Some(http))?;
    let path = secrets.admin_token();
    if let Ok(kept) = Secret::read(&path) {
        match Client::new(base.clone(), Some(kept.clone()), ca)?.get(&["whoami"]).await {
            Ok(_) => return Ok(kept.expose().to_owned()),
            Err(failed) if failed.exit == Exit::Unauthenticated => {}
            Err(failed) => return Err(failed),
        }
    }
    let client = Client::new(base, None, ca)?;
    let body = json!({ "login": ADMIN, "password": password.expose(), "note": "latchkey up" });
    match client.json(client.api(reqwest::Method::POST, &["session"]).json(&body)).await {
        Ok(answer) => {
            let token = text(&answer, "token");
            write_private(&path, &token)
                .map_err(|error| Failed::io(format_args!("writing {}", path.display()), &error))?;
            Ok(token)
        }
        Err(failed) if failed.exit == Exit::Unauthenticated => Ok(String::new()),
        Err(failed) => Err(failed),
    }
}
