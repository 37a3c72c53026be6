//! Tokens: issue, list, show, revoke, explain. The string appears once, in the answer to `create`.

use clap::Subcommand;
use names::{ChannelName, Level, TokenName};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::failed::Failed;
use crate::output::{list, text};
use crate::verb::Context;
use crate::verb::expiry::Expiry;
use crate::verb::recipe;

/// `latchkey token …`
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Issue a token for some channels; prints its string, once
    Create {
        /// Its name, unlike that of any other live token of yours
        name: TokenName,
        /// What it opens: a channel and read, write or manage; repeat for more channels
        #[arg(long, required = true, value_name = "CHANNEL:LEVEL", value_parser = resource)]
        resource: Vec<(ChannelName, Level)>,
        /// When it ends: 30d, 12h, 2w, 1y, or a day like 2027-01-31 [default: in one year]
        #[arg(long, value_name = "WHEN")]
        expires: Option<Expiry>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// List your tokens
    List {
        /// Also the sessions made by signing in
        #[arg(long)]
        sessions: bool,
    },
    /// Show one token
    Show {
        /// Its name or id
        token: String,
    },
    /// Revoke a token; returns when every gateway refuses it
    Revoke {
        /// Its name or id
        token: String,
    },
    /// Say what a token may do, and why
    Explain {
        /// Its name or id [default: the one in use]
        token: Option<String>,
        /// read, write, manage, or an action like artifact:download
        #[arg(long)]
        action: String,
        /// On which channel
        #[arg(long)]
        channel: ChannelName,
    },
}

fn resource(text: &str) -> Result<(ChannelName, Level), String> {
    let (channel, level) = text
        .rsplit_once(':')
        .ok_or_else(|| format!("{text:?} is no resource: write CHANNEL:read, :write or :manage"))?;
    let channel = ChannelName::parse(channel).map_err(|error| error.to_string())?;
    Ok((channel, level.parse().map_err(|error: names::InvalidName| error.to_string())?))
}

impl Token {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        match self {
            Self::Create { name, resource, expires, description } => {
                let expires_at = match expires {
                    Some(expiry) => Some(
                        expiry
                            .rfc3339(context.ambient.clock.now())
                            .ok_or_else(|| Failed::usage("that end is beyond the calendar"))?,
                    ),
                    None => None,
                };
                let grants: Vec<Value> = resource
                    .iter()
                    .map(|(channel, level)| json!({ "channel": channel.as_str(), "level": level.as_str() }))
                    .collect();
                let body = json!({
                    "name": name.as_str(), "description": description.unwrap_or_default(),
                    "expires_at": expires_at, "grants": grants,
                });
                create(context, &client, &body, &resource).await
            }
            Self::List { sessions } => tokens(context, &client, sessions).await,
            Self::Show { token } => show(context, &client, &token).await,
            Self::Revoke { token } => revoke(context, &client, &token).await,
            Self::Explain { token, action, channel } => {
                let body = json!({ "token": token, "action": action, "channel": channel.as_str() });
                let answer = client.json(client.api(Method::POST, &["explain"]).json(&body)).await?;
                context.output.line(text(&answer, "words"));
                context.output.document(&answer);
                Ok(())
            }
        }
    }
}

async fn create(
    context: &Context,
    client: &Client,
    body: &Value,
    resource: &[(ChannelName, Level)],
) -> Result<(), Failed> {
    let answer = client.json(client.api(Method::POST, &["tokens"]).json(body)).await?;
    let string = text(&answer, "token");
    let output = context.output;
    output.line(format!("created {:?}, until {}", text(&answer, "name"), text(&answer, "expires_at")));
    output.line("");
    output.line(format!("  {string}"));
    output.line("");
    output.line("This is the only time it is shown. If it is lost, revoke it and make a new one.");
    for (channel, level) in resource {
        output.line("");
        output.line(format!("{level} on {channel}:"));
        for line in recipe::lines(client.url(), &string, channel.as_str(), *level >= Level::Write) {
            output.line(format!("  {line}"));
        }
    }
    output.line("");
    output.line(format!("to take it back: latchkey token revoke {}", text(&answer, "id")));
    output.document(&answer);
    Ok(())
}

async fn tokens(context: &Context, client: &Client, sessions: bool) -> Result<(), Failed> {
    let mut tokens = client.all(&["tokens"], "tokens").await?;
    if !sessions {
        tokens.retain(|token| text(token, "kind") != "session");
    }
    let row = |token: &Value| {
        let mut row = ["name", "state", "expires_at"].map(|field| text(token, field)).to_vec();
        row.push(grants(token));
        row.push(text(token, "id"));
        row
    };
    let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
    if rows.is_empty() {
        context
            .output
            .line("no tokens yet: make one with `latchkey token create NAME --resource CHANNEL:read`");
    } else {
        context.output.table(&["TOKEN", "STATE", "EXPIRES", "OPENS", "ID"], &rows);
    }
    context.output.document(&json!({ "tokens": tokens }));
    Ok(())
}

async fn show(context: &Context, client: &Client, token: &str) -> Result<(), Failed> {
    let answer = client.get(&["tokens", token]).await?;
    for field in
        ["name", "id", "kind", "owner", "state", "issued_at", "expires_at", "revoked_at", "description"]
    {
        let value = text(&answer, field);
        if !value.is_empty() {
            context.output.line(format!("{field:<12} {value}"));
        }
    }
    context.output.line(format!("{:<12} {}", "opens", grants(&answer)));
    context.output.document(&answer);
    Ok(())
}

async fn revoke(context: &Context, client: &Client, token: &str) -> Result<(), Failed> {
    let answer = client.json(client.api(Method::DELETE, &["tokens", token])).await?;
    let revoked = answer.get("token").unwrap_or(&answer);
    context.output.line(format!("revoked {:?}: it opens nothing from now on", text(revoked, "name")));
    for line in recipe::receipt_lines(&answer) {
        context.output.line(line);
    }
    context.output.document(&answer);
    Ok(())
}

fn grants(token: &Value) -> String {
    let word = |grant: &Value| match text(grant, "channel") {
        // A deleted channel's name is empty: the grant opens nothing any more.
        name if name.is_empty() => "(deleted)".to_owned(),
        name => format!("{name}:{}", text(grant, "level")),
    };
    list(token, "grants").iter().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_is_a_channel_and_a_level() {
        let (channel, level) = resource("acme.x:write").unwrap();
        assert_eq!((channel.as_str(), level), ("acme.x", Level::Write));
        for wrong in ["acme", "acme:own", ":read", "Acme:read", "conda:read"] {
            assert!(resource(wrong).is_err(), "{wrong}");
        }
    }
}
