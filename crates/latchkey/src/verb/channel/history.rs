//! Who did what in a channel. With `--json` the lines are an export: everything the server keeps of them.

use clap::Args;
use names::ChannelPath;
use serde_json::{Value, json};

use crate::client::Client;
use crate::failed::Failed;
use crate::output::{list, text};
use crate::verb::Context;

/// `latchkey channel history`
#[derive(Debug, Args)]
pub struct History {
    /// Of which channel
    channel: ChannelPath,
    /// Only events of this type, for example access_changed
    #[arg(long)]
    event: Option<String>,
    /// All of it, not only the newest hundred lines
    #[arg(long)]
    all: bool,
}

impl History {
    pub(crate) async fn run(self, context: &Context, client: &Client) -> Result<(), Failed> {
        let address = ["channels", self.channel.as_str(), "history"];
        let filter: Vec<(&str, &str)> = self.event.iter().map(|event| ("event", event.as_str())).collect();
        let lines = match self.all {
            true => client.all(&address, &filter, "history").await?,
            false => {
                let request = client.api(reqwest::Method::GET, &address).query(&filter);
                list(&client.json(request).await?, "history").to_vec()
            }
        };
        let row = |line: &Value| {
            let who = ["login", "account_id", "system"].map(|field| text(line, field));
            let who = who.into_iter().find(|who| !who.is_empty()).unwrap_or_default();
            let change = line.get("change").map(ToString::to_string).unwrap_or_default();
            vec![text(line, "at"), who, text(line, "event"), change]
        };
        let rows: Vec<Vec<String>> = lines.iter().map(row).collect();
        if rows.is_empty() {
            context.output.line(format!("nothing of that kind has happened in {}", self.channel));
        } else {
            context.output.table(&["WHEN", "WHO", "WHAT", "CHANGE"], &rows);
        }
        context.output.document(&json!({ "history": lines }));
        Ok(())
    }
}
