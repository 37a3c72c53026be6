//! `remove`: files out of a channel, all of them or none, after a question where somebody can answer it.

use std::io::{IsTerminal as _, Write as _};

use clap::Args;
use names::ChannelPath;
use reqwest::Method;
use serde_json::{Value, json};

use super::carry::{at_once, places};
use super::spec::found;
use super::spec::{Narrow, Spec};
use crate::client::Client;
use crate::failed::{Exit, Failed};
use crate::output::counted;
use crate::verb::Context;
use crate::verb::artifact::place;

/// `latchkey remove`
#[derive(Debug, Args)]
#[command(after_help = "\
All of the files go, or none. The package itself stays, with its privacy and who was given it, until
`latchkey package delete`; the name of a Python file stands for its bytes for ever, also when it is removed.

Examples:
  latchkey remove dev/demo/1.0                                      every file of version 1.0
  latchkey remove dev/demo/1.0/noarch/demo-1.0-0.conda --yes        one file, in a script
  latchkey remove dev --label broken --dry-run                      whatever bears that label; only look")]
pub struct Remove {
    /// What: CHANNEL/PACKAGE[/VERSION[/FILE]], or CHANNEL/SUBCHANNEL::PACKAGE[/VERSION[/FILE]]
    #[arg(required = true, value_name = "SPEC")]
    files: Vec<Spec>,
    #[command(flatten)]
    narrow: Narrow,
    /// Remove without asking; needed where nobody can be asked, and with --json
    #[arg(long, short)]
    yes: bool,
    /// Show what would go, and do nothing
    #[arg(long)]
    dry_run: bool,
}

impl Remove {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let channel = found::channel(&self.files)?;
        let client = Client::open(&context.global)?;
        let files = found::files(&client, &self.files, &self.narrow).await?;
        at_once(&files)?;
        let count = counted(files.len(), "file");
        if self.dry_run || !self.yes {
            for file in &files {
                context.output.line(format!("would remove {}", place(file)));
            }
        }
        if self.dry_run {
            context.output.line(format!("{count} of {channel}; nothing was done"));
            context.output.document(&document(channel, &files, true));
            return Ok(());
        }
        if !self.yes {
            confirm(context, &format!("remove {count} from {channel}, for ever?"))?;
        }
        let request = client.api(Method::POST, &["channels", channel.as_str(), "artifacts", "remove"]);
        client.json(request.json(&json!({ "files": places(&files) }))).await?;
        for file in &files {
            context.output.line(format!("removed {}", place(file)));
        }
        context.output.line(format!("{count} removed from {channel}"));
        context.output.document(&document(channel, &files, false));
        Ok(())
    }
}

fn document(channel: &ChannelPath, files: &[Value], dry_run: bool) -> Value {
    json!({ "channel": channel.as_str(), "files": files, "dry_run": dry_run })
}

/// Asks at the terminal. Where there is none, nobody has said yes.
fn confirm(context: &Context, question: &str) -> Result<(), Failed> {
    let (mut asked, input) = (std::io::stderr(), std::io::stdin());
    if context.output.json || !input.is_terminal() || !asked.is_terminal() {
        return Err(Failed::usage(question).hint("nobody can be asked here: add --yes if that is meant"));
    }
    let mut answer = String::new();
    write!(asked, "{question} [y/N] ")
        .and_then(|()| input.read_line(&mut answer))
        .map_err(|error| Failed::io("reading the answer", &error))?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failed::new(Exit::Other, "nothing was removed")),
    }
}
