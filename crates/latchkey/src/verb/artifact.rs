//! What a channel holds, file by file.

use clap::Subcommand;
use names::ChannelPath;
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::failed::{Exit, Failed};
use crate::output::{list as list_of, text};
use crate::verb::Context;

/// `latchkey artifact …`
#[derive(Debug, Subcommand)]
pub enum Artifact {
    /// List the files of a channel
    List {
        /// Which channel
        channel: ChannelPath,
    },
    /// Remove files from a channel
    Remove {
        /// Which channel
        channel: ChannelPath,
        /// As listed: SUBDIR/FILE for conda, FILE for Python, KIND/PACKAGE/VERSION/FILE for any other
        #[arg(required = true)]
        file: Vec<String>,
    },
}

impl Artifact {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        match self {
            Self::List { channel } => list(context, &client, &channel).await,
            Self::Remove { channel, file } => remove(context, &client, &channel, &file).await,
        }
    }
}

async fn list(context: &Context, client: &Client, channel: &ChannelPath) -> Result<(), Failed> {
    let artifacts = client.all(&["channels", channel.as_str(), "artifacts"], &[], "artifacts").await?;
    let row = |artifact: &Value| {
        let path = place(artifact);
        let labels = list_of(artifact, "labels").iter().filter_map(Value::as_str);
        let labels = labels.collect::<Vec<_>>().join(", ");
        vec![
            path,
            labels,
            text(artifact, "size_bytes"),
            text(artifact, "uploaded_at"),
            text(artifact, "sha256"),
        ]
    };
    let rows: Vec<Vec<String>> = artifacts.iter().map(row).collect();
    if rows.is_empty() {
        context.output.line(format!("{channel} is empty: fill it with `latchkey upload {channel} FILE…`"));
    } else {
        context.output.table(&["FILE", "LABELS", "BYTES", "UPLOADED", "SHA-256"], &rows);
    }
    context.output.document(&json!({ "artifacts": artifacts }));
    Ok(())
}

/// Where a file stands, as verbs take it and print it.
pub(crate) fn place(artifact: &Value) -> String {
    let filename = text(artifact, "filename");
    match (text(artifact, "kind").as_str(), text(artifact, "subdir").as_str()) {
        (_, "") => filename,
        ("conda", subdir) => format!("{subdir}/{filename}"),
        (kind, place) => format!("{kind}/{place}/{filename}"),
    }
}

async fn remove(
    context: &Context,
    client: &Client,
    channel: &ChannelPath,
    files: &[String],
) -> Result<(), Failed> {
    let mut removed = Vec::new();
    let mut first_failure: Option<Failed> = None;
    for file in files {
        let segments = ["channels", channel.as_str(), "artifacts"];
        let kind = match file.split('/').count() {
            1 => Some("pypi"),
            2 => Some("conda"),
            _ => None,
        };
        let path: Vec<&str> = segments.into_iter().chain(kind).chain(file.split('/')).collect();
        match client.json(client.api(Method::DELETE, &path)).await {
            Ok(_) => {
                context.output.line(format!("removed {file}"));
                removed.push(file);
            }
            Err(failed) => {
                eprintln!("latchkey: {file}: {failed}");
                first_failure.get_or_insert(failed);
            }
        }
    }
    match first_failure {
        None => {
            context.output.document(&json!({ "removed": removed }));
            Ok(())
        }
        Some(first) if files.len() == 1 => Err(first),
        Some(first) => {
            let left = files.len() - removed.len();
            Err(Failed::new(
                if first.exit == Exit::Usage { Exit::Other } else { first.exit },
                format!("{left} of {} files were not removed", files.len()),
            ))
        }
    }
}
