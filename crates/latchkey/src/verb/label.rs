//! Labels: what a channel's files are found under. Without any said at upload it is `main`.

use clap::{Args, Subcommand};
use names::{ChannelPath, LabelName};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::failed::Failed;
use crate::output::{self, text};
use crate::verb::Context;
use crate::verb::spec::Wanted;

/// `latchkey label …`
#[derive(Debug, Subcommand)]
pub enum Label {
    /// List the labels of a channel's files
    List {
        /// Of which channel
        channel: ChannelPath,
    },
    /// Give a label to a package's files
    #[command(disable_version_flag = true)]
    Add {
        /// In which channel
        channel: ChannelPath,
        /// Which label
        label: LabelName,
        /// Which package: PACKAGE[/VERSION[/FILE]]
        package: Wanted,
        /// Which of its files
        #[command(flatten)]
        files: Files,
    },
    /// Take a label from files; its last file takes it out of the list
    #[command(disable_version_flag = true)]
    Remove {
        /// In which channel
        channel: ChannelPath,
        /// Which label
        label: LabelName,
        /// From which package: PACKAGE[/VERSION[/FILE]] [default: all that bear it]
        package: Option<Wanted>,
        /// From which of its files
        #[command(flatten)]
        files: Files,
    },
    /// Give another label to the files that bear one
    #[command(disable_version_flag = true)]
    Copy(Onto),
    /// Give another label in the place of one, at once
    #[command(disable_version_flag = true)]
    Move(Onto),
    /// Refuse every change to what a label shows, uploads too
    Lock {
        /// In which channel
        channel: ChannelPath,
        /// Which label
        label: LabelName,
    },
    /// Take the lock off
    Unlock {
        /// In which channel
        channel: ChannelPath,
        /// Which label
        label: LabelName,
    },
}

/// Which files of a package are meant: all, if nothing is said.
#[derive(Debug, Args)]
pub struct Files {
    /// Only this version
    #[arg(long)]
    version: Option<String>,
    /// Only this file, as `artifact list` shows it
    #[arg(long)]
    file: Option<String>,
    /// Only this kind: conda, pypi, notebook, environment or file
    #[arg(long)]
    kind: Option<names::PackageKind>,
}

/// From one label to another.
#[derive(Debug, Args)]
pub struct Onto {
    /// In which channel
    channel: ChannelPath,
    /// The label that the files bear
    from: LabelName,
    /// The other label
    to: LabelName,
    /// Only this package: PACKAGE[/VERSION[/FILE]]
    package: Option<Wanted>,
    /// Only these of its files
    #[command(flatten)]
    files: Files,
}

impl Files {
    fn selection(&self, package: Option<&Wanted>) -> Result<Map<String, Value>, Failed> {
        let package =
            package.cloned().map(|wanted| wanted.of_version(self.version.as_deref())).transpose()?;
        let (name, version, file) = match package {
            Some(Wanted { package, version, file }) => (Some(package), version, file),
            None => (None, self.version.clone(), None),
        };
        let mut selection = Map::new();
        let mut set = |field: &str, value: Option<&str>| {
            selection.extend(value.map(|value| (field.to_owned(), json!(value))));
        };
        set("name", name.as_deref());
        set("version", version.as_deref());
        set("kind", self.kind.map(names::PackageKind::as_str));
        if let Some(file) = self.file.as_deref().or(file.as_deref()) {
            let (subdir, filename) = match file.rsplit_once('/') {
                Some((subdir, filename)) => (Some(subdir), filename),
                None => (None, file),
            };
            // A place of three parts begins with its kind, which stands by itself.
            set(
                "subdir",
                subdir.map(|subdir| match subdir.split('/').count() {
                    3 => subdir.split_once('/').map_or(subdir, |(_, place)| place),
                    _ => subdir,
                }),
            );
            set("filename", Some(filename));
        }
        Ok(selection)
    }
}

impl Label {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        match self {
            Self::List { channel } => list(context, &client, &channel).await,
            Self::Add { channel, label, package, files } => {
                let selection = files.selection(Some(&package))?;
                let place = (&channel, &label, "files");
                change(context, &client, Method::POST, place, selection, &format!("bear {label}")).await
            }
            Self::Remove { channel, label, package, files } => {
                let selection = files.selection(package.as_ref())?;
                let words = format!("do not bear {label} any more");
                change(context, &client, Method::DELETE, (&channel, &label, "files"), selection, &words).await
            }
            Self::Copy(onto) => {
                let words = format!("bear {} too", onto.to);
                onto.run(context, &client, "copy", &words).await
            }
            Self::Move(onto) => {
                let words = format!("bear {} instead of {}", onto.to, onto.from);
                onto.run(context, &client, "move", &words).await
            }
            Self::Lock { channel, label } => lock(context, &client, Method::PUT, &channel, &label).await,
            Self::Unlock { channel, label } => lock(context, &client, Method::DELETE, &channel, &label).await,
        }
    }
}

impl Onto {
    async fn run(&self, context: &Context, client: &Client, verb: &str, words: &str) -> Result<(), Failed> {
        let mut selection = self.files.selection(self.package.as_ref())?;
        selection.insert("to".into(), json!(self.to.as_str()));
        let place = (&self.channel, &self.from, verb);
        change(context, client, Method::POST, place, selection, words).await
    }
}

async fn list(context: &Context, client: &Client, channel: &ChannelPath) -> Result<(), Failed> {
    let answer = client.get(&["channels", channel.as_str(), "labels"]).await?;
    let row = |label: &Value| {
        let locked = label.get("locked") == Some(&Value::Bool(true));
        vec![text(label, "label"), text(label, "files"), if locked { "locked" } else { "" }.to_owned()]
    };
    let rows: Vec<Vec<String>> = output::list(&answer, "labels").iter().map(row).collect();
    context.output.table(&["LABEL", "FILES", ""], &rows);
    context.output.document(&answer);
    Ok(())
}

async fn change(
    context: &Context,
    client: &Client,
    method: Method,
    (channel, label, verb): (&ChannelPath, &LabelName, &str),
    selection: Map<String, Value>,
    words: &str,
) -> Result<(), Failed> {
    let request = client.api(method, &["channels", channel.as_str(), "labels", label.as_str(), verb]);
    let answer = client.json(request.json(&selection)).await?;
    let (files, changed) = (text(&answer, "files"), text(&answer, "changed"));
    context.output.line(format!("{files} files in {channel} {words} ({changed} changed)"));
    context.output.document(&answer);
    Ok(())
}

async fn lock(
    context: &Context,
    client: &Client,
    method: Method,
    channel: &ChannelPath,
    label: &LabelName,
) -> Result<(), Failed> {
    let locked = method == Method::PUT;
    let request = client.api(method, &["channels", channel.as_str(), "labels", label.as_str(), "lock"]);
    let answer = client.json(request).await?;
    context.output.line(match locked {
        true => format!("{label} in {channel} is locked: nothing that it shows can be changed"),
        false => format!("{label} in {channel} is not locked any more"),
    });
    context.output.document(&answer);
    Ok(())
}
