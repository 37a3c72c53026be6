//! Tokens: issue, list, show, edit, reissue, revoke, explain. A string appears once, in the answer that makes it.

mod create;
mod leaked;
mod life;
mod list;
mod scope;
mod which;

use clap::Subcommand;
use names::ChannelPath;
use reqwest::Method;
use serde_json::json;

use crate::client::Client;
use crate::failed::Failed;
use crate::output::text;
use crate::verb::Context;

/// `latchkey token …`
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Issue a token for some channels, or with scopes; prints its string, once
    Create(create::Create),
    /// List your tokens, with a warning where one ends soon
    List {
        /// Also the sessions made by signing in
        #[arg(long)]
        sessions: bool,
        /// Whose
        #[command(flatten)]
        owner: which::Owner,
    },
    /// Show one token
    Show(which::Which),
    /// Change a token's name, description or end; its string stays valid
    Edit(life::Edit),
    /// Give a token a new string; the older one dies at once, or after an overlap
    Reissue(life::Reissue),
    /// End the overlap of a reissue now; returns when every gateway refuses the older string
    EndOverlap(which::Which),
    /// Revoke a token; returns when every gateway refuses it
    Revoke {
        /// Which token
        #[command(flatten)]
        which: which::Which,
        /// Why, for whoever reads the log
        #[arg(long, default_value = "")]
        reason: String,
        /// Return as soon as it is recorded, and say by when it holds everywhere
        #[arg(long)]
        no_wait: bool,
    },
    /// List the scopes with what they open
    Scopes,
    /// Find our tokens in a leaked text on standard input; prints no string
    Leaked {
        /// Revoke those that are live
        #[arg(long)]
        revoke: bool,
    },
    /// Say what a token may do, and why
    Explain {
        /// Its name or id [default: the one in use]
        token: Option<String>,
        /// read, write, manage, or an action like conda:download
        #[arg(long)]
        action: String,
        /// On which channel
        #[arg(long)]
        channel: ChannelPath,
        /// Whose
        #[command(flatten)]
        owner: which::Owner,
    },
}

impl Token {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        match self {
            Self::Create(create) => create.run(context, &client).await,
            Self::List { sessions, owner } => list::tokens(context, &client, sessions, &owner).await,
            Self::Show(which) => list::show(context, &client, &which).await,
            Self::Edit(edit) => edit.run(context, &client).await,
            Self::Reissue(reissue) => reissue.run(context, &client).await,
            Self::EndOverlap(which) => life::end_overlap(context, &client, &which).await,
            Self::Revoke { which, reason, no_wait } => {
                life::revoke(context, &client, &which, &reason, no_wait).await
            }
            Self::Scopes => scope::scopes(context, &client).await,
            Self::Leaked { revoke } => leaked::leaked(context, &client, revoke).await,
            Self::Explain { token, action, channel, owner } => {
                let body = json!({
                    "token": token, "action": action, "channel": channel.as_str(), "owner": owner.login(),
                });
                let answer = client.json(client.api(Method::POST, &["explain"]).json(&body)).await?;
                context.output.line(text(&answer, "words"));
                context.output.document(&answer);
                Ok(())
            }
        }
    }
}
