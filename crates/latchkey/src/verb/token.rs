//! Tokens: issue, list, show, revoke, explain. The string appears once, in the answer to `create`.

use clap::Subcommand;
use names::{ChannelName, Level, Login, TokenName};
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
        /// An organisation whose token it is, for its owners [default: yourself]
        #[arg(long, value_name = "LOGIN")]
        owner: Option<Login>,
    },
    /// List your tokens
    List {
        /// Also the sessions made by signing in
        #[arg(long)]
        sessions: bool,
        /// An organisation whose tokens they are, for its owners [default: yourself]
        #[arg(long, value_name = "LOGIN")]
        owner: Option<Login>,
    },
    /// Show one token
    Show {
        /// Its name or id
        token: String,
        /// An organisation whose token it is, for its owners [default: yourself]
        #[arg(long, value_name = "LOGIN")]
        owner: Option<Login>,
    },
    /// Revoke a token; returns when every gateway refuses it
    Revoke {
        /// Its name or id
        token: String,
        /// Why, for whoever reads the log
        #[arg(long, default_value = "")]
        reason: String,
        /// An organisation whose token it is, for its owners [default: yourself]
        #[arg(long, value_name = "LOGIN")]
        owner: Option<Login>,
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
        /// An organisation whose token it is, for its owners [default: yourself]
        #[arg(long, value_name = "LOGIN")]
        owner: Option<Login>,
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
            Self::Create { name, resource, expires, description, owner } => {
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
                    "expires_at": expires_at, "grants": grants, "owner": login(&owner),
                });
                create(context, &client, &body, &resource).await
            }
            Self::List { sessions, owner } => {
                let query = [("owner", login(&owner)), ("sessions", if sessions { "true" } else { "false" })];
                tokens(context, &client, &query).await
            }
            Self::Show { token, owner } => {
                let request = client.api(Method::GET, &["tokens", &token]).query(&[("owner", login(&owner))]);
                show(context, &client.json(request).await?)
            }
            Self::Revoke { token, reason, owner } => {
                let query = [("owner", login(&owner)), ("reason", reason.as_str())];
                let request = client.api(Method::DELETE, &["tokens", &token]).query(&query);
                revoke(context, &client.json(request).await?)
            }
            Self::Explain { token, action, channel, owner } => {
                let body = json!({
                    "token": token, "action": action, "channel": channel.as_str(), "owner": login(&owner),
                });
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

/// Empty stands for the caller.
fn login(owner: &Option<Login>) -> &str {
    owner.as_ref().map_or("", Login::as_str)
}

async fn tokens(context: &Context, client: &Client, query: &[(&str, &str)]) -> Result<(), Failed> {
    let tokens = client.all(&["tokens"], query, "tokens").await?;
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

fn show(context: &Context, answer: &Value) -> Result<(), Failed> {
    for field in
        ["name", "id", "kind", "owner", "state", "issued_at", "expires_at", "revoked_at", "description"]
    {
        let value = text(answer, field);
        if !value.is_empty() {
            context.output.line(format!("{field:<12} {value}"));
        }
    }
    context.output.line(format!("{:<12} {}", "opens", grants(answer)));
    context.output.document(answer);
    Ok(())
}

fn revoke(context: &Context, answer: &Value) -> Result<(), Failed> {
    let revoked = answer.get("token").unwrap_or(answer);
    context.output.line(format!("revoked {:?}: it opens nothing from now on", text(revoked, "name")));
    for line in recipe::receipt_lines(answer) {
        context.output.line(line);
    }
    context.output.document(answer);
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
