//! Packages of every channel that the caller may list.

use clap::Args;
use names::{ChannelPath, PackageKind, Subdir};
use serde_json::{Value, json};

use crate::client::Client;
use crate::failed::Failed;
use crate::output::text;
use crate::verb::Context;

/// `latchkey search`
#[derive(Debug, Args)]
pub struct Search {
    /// A part of the package's name [default: any]
    #[arg(default_value = "", hide_default_value = true)]
    text: String,
    /// Only in this channel
    #[arg(long)]
    channel: Option<ChannelPath>,
    /// Only this kind: conda, pypi, notebook, environment or file
    #[arg(long)]
    kind: Option<PackageKind>,
    /// Only packages with a file for this platform: linux-64, osx-arm64, noarch, …
    #[arg(long)]
    platform: Option<Subdir>,
}

impl Search {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        let mut query = vec![("q", self.text.as_str())];
        query.extend(self.channel.as_ref().map(|channel| ("channel", channel.as_str())));
        query.extend(self.kind.map(|kind| ("kind", kind.as_str())));
        query.extend(self.platform.as_ref().map(|platform| ("platform", platform.as_str())));
        let packages = client.all(&["search"], &query, "packages").await?;
        let row = |package: &Value| {
            let name = format!("{}/{}", text(package, "channel"), text(package, "name"));
            vec![name, text(package, "kind"), text(package, "latest_version"), text(package, "summary")]
        };
        let rows: Vec<Vec<String>> = packages.iter().map(row).collect();
        if rows.is_empty() {
            context.output.line("no package that you may see has such a name");
        } else {
            context.output.table(&["PACKAGE", "KIND", "LATEST", "SUMMARY"], &rows);
        }
        context.output.document(&json!({ "packages": packages }));
        Ok(())
    }
}
