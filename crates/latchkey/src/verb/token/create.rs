//! Issuing: resources or scopes, never both. The string appears in the answer and nowhere else.

use access::Action;
use clap::{ArgGroup, Args};
use names::{ChannelPath, Level, Scope, TokenName};
use reqwest::Method;
use serde_json::{Value, json};

use super::which::Owner;
use crate::client::Client;
use crate::failed::Failed;
use crate::output::text;
use crate::verb::Context;
use crate::verb::expiry::{self, Expiry};
use crate::verb::recipe;

/// `latchkey token create`
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("opens").args(["resource", "scope"]).required(true)))]
pub struct Create {
    /// Its name, unlike that of any other live token of its owner
    name: TokenName,
    /// What it opens: a channel and read, write or manage; repeat for more channels
    #[arg(long, value_name = "CHANNEL:LEVEL", value_parser = resource)]
    resource: Vec<(ChannelPath, Level)>,
    /// What it opens, wherever its owner may: a scope, or several with blanks between; repeat for more
    #[arg(long, visible_alias = "scopes", value_name = "SCOPE", value_parser = scopes)]
    scope: Vec<Scopes>,
    /// When it ends: 30d, 12h, 2w, 1y, or a day like 2027-01-31 [default: in one year]
    #[arg(long, value_name = "WHEN")]
    expires: Option<Expiry>,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// Whose it is
    #[command(flatten)]
    owner: Owner,
}

/// What one `--scope` says.
type Scopes = Box<[Scope]>;

fn scopes(text: &str) -> Result<Scopes, String> {
    let scopes: Scopes = text
        .split_whitespace()
        .map(str::parse)
        .collect::<Result<_, _>>()
        .map_err(|error: names::InvalidName| error.to_string())?;
    if scopes.is_empty() {
        return Err("say at least one: `latchkey token scopes` lists them".to_owned());
    }
    Ok(scopes)
}

fn resource(text: &str) -> Result<(ChannelPath, Level), String> {
    let (channel, level) = text
        .rsplit_once(':')
        .ok_or_else(|| format!("{text:?} is no resource: write CHANNEL:read, :write or :manage"))?;
    let channel = ChannelPath::parse(channel).map_err(|error| error.to_string())?;
    Ok((channel, level.parse().map_err(|error: names::InvalidName| error.to_string())?))
}

impl Create {
    pub(crate) async fn run(self, context: &Context, client: &Client) -> Result<(), Failed> {
        let answer = client.json(client.api(Method::POST, &["tokens"]).json(&self.body(context)?)).await?;
        let string = text(&answer, "token");
        let output = context.output;
        output.line(format!("created {:?}, until {}", text(&answer, "name"), text(&answer, "expires_at")));
        shown_once(context, &string);
        for line in recipe::unheard_lines(&answer) {
            output.line(line);
        }
        for (channel, level) in &self.resource {
            let recipe = recipe::lines(client.url(), &string, channel.as_str(), *level >= Level::Write);
            lines(context, &format!("{level} on {channel}:"), recipe);
        }
        if !self.scope.is_empty() {
            let words: Vec<&str> = self.scopes().map(Scope::as_str).collect();
            let recipe = match self.opens(Action::CondaDownload) && self.opens(Action::PypiDownload) {
                true => recipe::lines(client.url(), &string, "CHANNEL", self.opens(Action::CondaUpload)),
                false => Vec::new(),
            };
            lines(context, &format!("{} wherever its owner may", words.join(", ")), recipe);
        }
        output.line("");
        output.line(format!("to take it back: latchkey token revoke {}", text(&answer, "id")));
        output.document(&answer);
        Ok(())
    }

    fn body(&self, context: &Context) -> Result<Value, Failed> {
        let mut body = json!({
            "name": self.name.as_str(), "description": self.description.as_deref().unwrap_or_default(),
        });
        if let Some(expires_at) = expiry::at(self.expires, context)? {
            body["expires_at"] = json!(expires_at);
        }
        if let Some(owner) = self.owner.login() {
            body["owner"] = json!(owner);
        }
        if self.scope.is_empty() {
            let grant = |(channel, level): &(ChannelPath, Level)| json!({ "channel": channel.as_str(), "level": level.as_str() });
            body["grants"] = self.resource.iter().map(grant).collect();
        } else {
            body["scopes"] = self.scopes().map(Scope::as_str).collect();
        }
        Ok(body)
    }

    fn scopes(&self) -> impl Iterator<Item = Scope> {
        self.scope.iter().flatten().copied()
    }

    fn opens(&self, action: Action) -> bool {
        self.scopes().any(|scope| action.scopes().contains(&scope))
    }
}

/// A new string, where it is seen.
pub(super) fn shown_once(context: &Context, string: &str) {
    let output = context.output;
    output.line("");
    output.line(format!("  {string}"));
    output.line("");
    output.line("This is the only time it is shown. If it is lost, reissue or revoke the token.");
}

fn lines(context: &Context, title: &str, recipe: Vec<String>) {
    context.output.line("");
    context.output.line(title);
    for line in recipe {
        context.output.line(format!("  {line}"));
    }
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

    #[test]
    fn scopes_come_alone_or_with_blanks_between_and_an_unknown_one_is_named() {
        assert_eq!(*scopes("all").unwrap(), [Scope::All]);
        assert_eq!(*scopes(" repos  conda:download ").unwrap(), [Scope::Repos, Scope::CondaDownload]);
        assert!(scopes("repos conda:fly").unwrap_err().contains("conda:fly"));
        assert!(scopes(" ").is_err());
    }
}
