//! Channels: who may read them is said when they are made, and private is what they are if nothing is said.

mod grant;
mod history;

pub use history::History;

use clap::{Args, Subcommand};
use names::{AccountId, ChannelPath, Login, Privacy};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::failed::Failed;
use crate::output::text;
use crate::verb::Context;
use crate::verb::recipe::receipt_lines;

/// `latchkey channel …`
#[derive(Debug, Subcommand)]
pub enum Channel {
    /// Make a channel (private unless said otherwise)
    Create {
        /// Its name: a-z, 0-9, '_', '.', '-'; a subchannel's is CHANNEL/NAME
        name: ChannelPath,
        /// Who may read it
        #[command(flatten)]
        reader: Reader,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
        /// The organisation that owns it [default: yourself]
        #[arg(long, value_name = "LOGIN")]
        owner: Option<Login>,
        /// The same by its id
        #[arg(long, value_name = "ID", conflicts_with = "owner")]
        owner_id: Option<AccountId>,
    },
    /// List the channels that you may read
    List {
        /// Only the subchannels of this one
        channel: Option<ChannelPath>,
    },
    /// Show one channel
    Show {
        /// Its name
        name: ChannelPath,
    },
    /// Change who may read a channel, or its description
    Set {
        /// Its name
        name: ChannelPath,
        /// Who may read it
        #[command(flatten)]
        reader: Reader,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// Refuse uploads, removals and changes of labels, so that the channel's indexes stay as they are
    Freeze {
        /// Its name
        name: ChannelPath,
    },
    /// Take uploads and removals again
    Unfreeze {
        /// Its name
        name: ChannelPath,
    },
    /// Show where your uploads go that name no channel, or choose it
    Default {
        /// A channel that you may upload to
        #[arg(conflicts_with = "own")]
        name: Option<ChannelPath>,
        /// Back to the channel named after you
        #[arg(long)]
        own: bool,
    },
    /// Give an account a level on a channel, in place of the one it was given before
    Grant(grant::Grant),
    /// List the accounts and groups that were given a level on a channel
    Grants {
        /// On which channel
        name: ChannelPath,
    },
    /// Take from an account what it was given on a channel; returns when every gateway refuses it
    Ungrant(grant::Ungrant),
    /// Show who did what in a channel, with which token, and what was before and after
    History(History),
    /// Delete a channel; whatever named it opens nothing for ever
    Delete {
        /// Its name
        name: ChannelPath,
        /// Delete without asking
        #[arg(long)]
        yes: bool,
    },
}

/// Who may read a channel without being granted anything.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Reader {
    /// Anyone who reaches the server
    #[arg(long)]
    public: bool,
    /// Anyone who has signed in
    #[arg(long)]
    authenticated: bool,
    /// Its owner and those they authorise
    #[arg(long)]
    private: bool,
}

impl Reader {
    fn privacy(&self) -> Option<Privacy> {
        match (self.public, self.authenticated, self.private) {
            (true, _, _) => Some(Privacy::Public),
            (_, true, _) => Some(Privacy::Authenticated),
            (_, _, true) => Some(Privacy::Private),
            (false, false, false) => None,
        }
    }
}

impl Channel {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        match self {
            Self::Create { name, reader, description, owner, owner_id } => {
                let privacy = reader.privacy().unwrap_or(Privacy::Private);
                let body = json!({
                    "name": name.name(), "privacy": privacy.as_str(),
                    "description": description.unwrap_or_default(),
                    "owner": owner.map(|login| login.to_string()),
                    "owner_id": owner_id.map(|id| id.to_string()),
                });
                create(context, &client, &name, privacy, &body).await
            }
            Self::List { channel } => list(context, &client, channel.as_ref()).await,
            Self::Show { name } => show(context, &client, &name).await,
            Self::Set { name, reader, description } => {
                set(context, &client, &name, &reader, description).await
            }
            Self::Freeze { name } => index(context, &client, &name, "frozen").await,
            Self::Unfreeze { name } => index(context, &client, &name, "default").await,
            Self::Default { name, own } => default(context, &client, name.as_ref(), own).await,
            Self::Grant(grant) => grant.run(context, &client).await,
            Self::Grants { name } => grant::list(context, &client, &name).await,
            Self::Ungrant(ungrant) => ungrant.run(context, &client).await,
            Self::History(history) => history.run(context, &client).await,
            Self::Delete { name, yes } => delete(context, &client, &name, yes).await,
        }
    }
}

async fn create(
    context: &Context,
    client: &Client,
    name: &ChannelPath,
    privacy: Privacy,
    body: &Value,
) -> Result<(), Failed> {
    let address = match name.parent() {
        Some(above) => vec!["channels", above, "subchannels"],
        None => vec!["channels"],
    };
    let answer = client.json(client.api(Method::POST, &address).json(body)).await?;
    context.output.line(format!("created {name}, {privacy}"));
    context.output.line(format!("next: latchkey upload {name} FILE…"));
    context.output.line(format!("      latchkey token create NAME --resource {name}:read --expires 30d"));
    context.output.document(&answer);
    Ok(())
}

async fn list(context: &Context, client: &Client, above: Option<&ChannelPath>) -> Result<(), Failed> {
    let channels = match above {
        Some(above) => client.all(&["channels", above.as_str(), "subchannels"], &[], "channels").await?,
        None => client.all(&["channels"], &[], "channels").await?,
    };
    let row = |channel: &Value| {
        ["name", "privacy", "level", "description"].map(|field| text(channel, field)).to_vec()
    };
    let rows: Vec<Vec<String>> = channels.iter().map(row).collect();
    if rows.is_empty() {
        context.output.line("no channels yet: make one with `latchkey channel create NAME`");
    } else {
        context.output.table(&["CHANNEL", "READERS", "YOU MAY", "DESCRIPTION"], &rows);
    }
    context.output.document(&json!({ "channels": channels }));
    Ok(())
}

async fn show(context: &Context, client: &Client, name: &ChannelPath) -> Result<(), Failed> {
    let answer = client.get(&["channels", name.as_str()]).await?;
    for (label, field) in [
        ("name", "name"),
        ("id", "id"),
        ("readers", "privacy"),
        ("uploads", "indexing_behavior"),
        ("you may", "level"),
        ("description", "description"),
    ] {
        context.output.line(format!("{label:<12} {}", text(&answer, field)));
    }
    context.output.document(&answer);
    Ok(())
}

async fn set(
    context: &Context,
    client: &Client,
    name: &ChannelPath,
    reader: &Reader,
    description: Option<String>,
) -> Result<(), Failed> {
    let mut changes = Map::new();
    if let Some(privacy) = reader.privacy() {
        changes.insert("privacy".to_owned(), json!(privacy.as_str()));
    }
    if let Some(description) = description {
        changes.insert("description".to_owned(), json!(description));
    }
    if changes.is_empty() {
        return Err(Failed::usage(
            "say what to change: --public, --authenticated, --private or --description TEXT",
        ));
    }
    let request = client.api(Method::PATCH, &["channels", name.as_str()]).json(&changes);
    let answer = client.json(request).await?;
    let channel = answer.get("channel").unwrap_or(&answer);
    context.output.line(format!("{name} is {}", text(channel, "privacy")));
    for line in receipt_lines(&answer) {
        context.output.line(line);
    }
    context.output.document(&answer);
    Ok(())
}

async fn index(context: &Context, client: &Client, name: &ChannelPath, behavior: &str) -> Result<(), Failed> {
    let request = client.api(Method::PATCH, &["channels", name.as_str()]);
    let answer = client.json(request.json(&json!({ "indexing_behavior": behavior }))).await?;
    context.output.line(match behavior {
        "frozen" => format!("{name} is frozen: it takes no upload and no removal"),
        _ => format!("{name} takes uploads and removals"),
    });
    for line in receipt_lines(&answer) {
        context.output.line(line);
    }
    context.output.document(&answer);
    Ok(())
}

async fn default(
    context: &Context,
    client: &Client,
    name: Option<&ChannelPath>,
    own: bool,
) -> Result<(), Failed> {
    if name.is_none() && !own {
        let answer = client.get(&["whoami"]).await?;
        let channel = text(&answer, "default_channel");
        context.output.line(format!("uploads that name no channel go to {channel}"));
        context.output.document(&json!({ "channel": channel }));
        return Ok(());
    }
    let body = json!({ "channel": name.map(ChannelPath::as_str) });
    let answer = client.json(client.api(Method::PUT, &["default-channel"]).json(&body)).await?;
    let channel = text(&answer, "channel");
    context.output.line(format!("uploads that name no channel go to {channel} from now on"));
    context.output.document(&answer);
    Ok(())
}

async fn delete(context: &Context, client: &Client, name: &ChannelPath, yes: bool) -> Result<(), Failed> {
    if !yes {
        return Err(Failed::usage(format_args!(
            "this removes {name} and all it holds, for ever: add --yes if that is meant"
        )));
    }
    let answer = client.json(client.api(Method::DELETE, &["channels", name.as_str()])).await?;
    context.output.line(format!("deleted {name}"));
    for line in receipt_lines(&answer) {
        context.output.line(line);
    }
    context.output.document(&answer);
    Ok(())
}
