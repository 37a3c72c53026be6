//! What can happen to a token after it was issued: edited, reissued, an overlap ended, revoked.

use clap::Args;
use names::TokenName;
use reqwest::Method;
use serde_json::{Map, json};

use super::create::shown_once;
use super::list::overlap_words;
use super::which::Which;
use crate::client::Client;
use crate::failed::Failed;
use crate::output::text;
use crate::verb::Context;
use crate::verb::expiry::{self, Expiry};
use crate::verb::overlap::Overlap;
use crate::verb::recipe::receipt_lines;

/// `latchkey token edit`
#[derive(Debug, Args)]
pub struct Edit {
    /// Which token
    #[command(flatten)]
    which: Which,
    /// Its name from now on
    #[arg(long)]
    name: Option<TokenName>,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// When it ends: 30d, 12h, 2w, 1y, or a day like 2027-01-31
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
}

impl Edit {
    pub(super) async fn run(self, context: &Context, client: &Client) -> Result<(), Failed> {
        let mut changes = Map::new();
        for (field, value) in [
            ("name", self.name.map(|name| name.as_str().to_owned())),
            ("description", self.description),
            ("expires_at", expiry::at(self.expires, context)?),
        ] {
            changes.extend(value.map(|value| (field.to_owned(), json!(value))));
        }
        if changes.is_empty() {
            return Err(Failed::usage("say what to change: --name, --description or --expires"));
        }
        let answer = client.json(self.which.request(client, Method::PATCH, &[]).json(&changes)).await?;
        let token = answer.get("token").unwrap_or(&answer);
        context.output.line(format!(
            "{:?} is valid until {}; its string stays the same",
            text(token, "name"),
            text(token, "expires_at")
        ));
        for line in receipt_lines(&answer) {
            context.output.line(line);
        }
        context.output.document(&answer);
        Ok(())
    }
}

/// `latchkey token reissue`
#[derive(Debug, Args)]
pub struct Reissue {
    /// Which token
    #[command(flatten)]
    which: Which,
    /// How long the older string works beside the new one: 30m, 1h, 7d [default: not at all]
    #[arg(long, value_name = "LENGTH")]
    overlap: Option<Overlap>,
    /// When the token ends: 30d, 12h, 2w, 1y, or a day like 2027-01-31 [default: as before]
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
}

impl Reissue {
    pub(super) async fn run(self, context: &Context, client: &Client) -> Result<(), Failed> {
        let mut body = json!({ "overlap_s": self.overlap.map_or(0, Overlap::seconds) });
        if let Some(expires_at) = expiry::at(self.expires, context)? {
            body["expires_at"] = json!(expires_at);
        }
        let answer = client.json(self.which.request(client, Method::POST, &["reissue"]).json(&body)).await?;
        let output = context.output;
        output.line(format!("reissued {:?}, until {}", text(&answer, "name"), text(&answer, "expires_at")));
        shown_once(context, &text(&answer, "token"));
        output.line("");
        if text(&answer, "overlap_ends_at").is_empty() {
            output.line("the older string opens nothing from now on");
        } else {
            output.line(overlap_words(&answer));
        }
        for line in receipt_lines(&answer) {
            output.line(line);
        }
        output.document(&answer);
        Ok(())
    }
}

/// `latchkey token end-overlap`
pub(super) async fn end_overlap(context: &Context, client: &Client, which: &Which) -> Result<(), Failed> {
    let answer = client.json(which.request(client, Method::DELETE, &["overlap"])).await?;
    let token = answer.get("token").unwrap_or(&answer);
    context
        .output
        .line(format!("only the newest string of {:?} opens anything from now on", text(token, "name")));
    for line in receipt_lines(&answer) {
        context.output.line(line);
    }
    context.output.document(&answer);
    Ok(())
}

/// `latchkey token revoke`
pub(super) async fn revoke(
    context: &Context,
    client: &Client,
    which: &Which,
    reason: &str,
    no_wait: bool,
) -> Result<(), Failed> {
    let mut request = which.request(client, Method::DELETE, &[]).query(&[("reason", reason)]);
    if no_wait {
        request = request.header("latchkey-wait", "committed");
    }
    let answer = client.json(request).await?;
    let revoked = answer.get("token").unwrap_or(&answer);
    let holds = text(answer.get("receipt").unwrap_or(&answer), "effective_by").is_empty();
    let when = if holds { "from now on" } else { "very soon" };
    context.output.line(format!("revoked {:?}: it opens nothing {when}", text(revoked, "name")));
    for line in receipt_lines(&answer) {
        context.output.line(line);
    }
    context.output.document(&answer);
    Ok(())
}
