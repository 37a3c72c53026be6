//! The scopes that the server knows, each with what it opens.

use serde_json::Value;

use crate::client::Client;
use crate::failed::Failed;
use crate::output::{list, text};
use crate::verb::Context;

/// `latchkey token scopes`
pub(super) async fn scopes(context: &Context, client: &Client) -> Result<(), Failed> {
    let answer = client.get(&["scopes"]).await?;
    let row = |scope: &Value| ["name", "family", "opens"].map(|field| text(scope, field)).to_vec();
    let rows: Vec<Vec<String>> = list(&answer, "scopes").iter().map(row).collect();
    context.output.table(&["SCOPE", "FAMILY", "OPENS"], &rows);
    context.output.document(&answer);
    Ok(())
}
