//! Levels given to accounts on a channel that is not theirs. What is taken away is gone from their tokens at once.

use clap::Args;
use names::{ChannelPath, Level, Login};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::failed::Failed;
use crate::output::{self, text};
use crate::verb::Context;
use crate::verb::recipe::receipt_lines;

/// `latchkey channel grant`
#[derive(Debug, Args)]
pub struct Grant {
    /// On which channel
    channel: ChannelPath,
    /// To whom: a person, an organisation or a service account
    login: Login,
    /// read, write or manage
    level: Level,
}

impl Grant {
    pub(super) async fn run(self, context: &Context, client: &Client) -> Result<(), Failed> {
        let Self { channel, login, level } = self;
        let request = client.api(Method::PUT, &["channels", channel.as_str(), "grants", login.as_str()]);
        let answer = client.json(request.json(&json!({ "level": level.as_str() }))).await?;
        context.output.line(format!("{login} has {level} on {channel}"));
        for line in receipt_lines(&answer) {
            context.output.line(line);
        }
        context.output.document(&answer);
        Ok(())
    }
}

/// `latchkey channel grants`
pub(super) async fn list(context: &Context, client: &Client, channel: &ChannelPath) -> Result<(), Failed> {
    let answer = client.get(&["channels", channel.as_str(), "grants"]).await?;
    let row = |grant: &Value| {
        // Those who may not look accounts up are shown ids.
        let who = ["login", "group", "account_id"].map(|field| text(grant, field));
        let who = who.into_iter().find(|who| !who.is_empty()).unwrap_or_default();
        let what = if text(grant, "group_id").is_empty() { "account" } else { "group" };
        vec![who, what.to_owned(), text(grant, "level")]
    };
    let rows: Vec<Vec<String>> = output::list(&answer, "grants").iter().map(row).collect();
    if rows.is_empty() {
        context.output.line(format!("nobody was given anything on {channel} that you may see"));
    } else {
        context.output.table(&["GIVEN TO", "WHICH IS", "LEVEL"], &rows);
    }
    context.output.document(&answer);
    Ok(())
}

/// `latchkey channel ungrant`
#[derive(Debug, Args)]
pub struct Ungrant {
    /// On which channel
    channel: ChannelPath,
    /// From whom
    login: Login,
}

impl Ungrant {
    pub(super) async fn run(self, context: &Context, client: &Client) -> Result<(), Failed> {
        let Self { channel, login } = self;
        let request = client.api(Method::DELETE, &["channels", channel.as_str(), "grants", login.as_str()]);
        let answer = client.json(request).await?;
        context.output.line(format!("what {login} was given on {channel} is taken back"));
        for line in receipt_lines(&answer) {
            context.output.line(line);
        }
        context.output.document(&answer);
        Ok(())
    }
}
