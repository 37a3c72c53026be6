//! Packages: who sees them, and who was given something on one alone.

use clap::{Args, Subcommand};
use names::{ChannelPath, Level, Login, PackageKind};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::Client;
use crate::failed::{Exit, Failed};
use crate::output::{list, text};
use crate::verb::Context;
use crate::verb::recipe::receipt_lines;
use crate::verb::spec::found;

/// `latchkey package …`
#[derive(Debug, Subcommand)]
pub enum Package {
    /// List the packages of a channel that you may see
    List {
        /// Of which channel
        channel: ChannelPath,
    },
    /// Show a package, and what was given on it alone
    Show(Which),
    /// Make a package before its first file
    Create {
        /// In which channel
        channel: ChannelPath,
        /// Its name
        name: String,
        /// conda, pypi, notebook, environment or file
        #[arg(long)]
        kind: PackageKind,
        /// Who is to see it [default: as the server's setting is]
        #[command(flatten)]
        seen: Seen,
    },
    /// Make a package private, or public again: as open as its channel
    Set {
        /// Which package
        #[command(flatten)]
        which: Which,
        /// Who is to see it
        #[command(flatten)]
        seen: Seen,
    },
    /// Make somebody a collaborator on one package
    Grant {
        /// Which package
        #[command(flatten)]
        which: Which,
        /// To whom
        login: Login,
        /// read, write or manage
        level: Level,
    },
    /// Take from somebody what they were given on one package; returns when every gateway knows
    Ungrant {
        /// Which package
        #[command(flatten)]
        which: Which,
        /// From whom
        login: Login,
    },
    /// Delete a package with all its files
    Delete {
        /// Which package
        #[command(flatten)]
        which: Which,
        /// Delete without asking
        #[arg(long)]
        yes: bool,
    },
}

/// One package.
#[derive(Debug, Args)]
pub struct Which {
    /// In which channel
    channel: ChannelPath,
    /// Its name
    name: String,
    /// conda, pypi, notebook, environment or file, where the channel has several of that name
    #[arg(long)]
    kind: Option<PackageKind>,
}

/// Who sees a package.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Seen {
    /// Whoever may read its channel
    #[arg(long)]
    public: bool,
    /// Those who own the channel, or were given something on it or on the package
    #[arg(long)]
    private: bool,
}

impl Seen {
    fn private(&self) -> Option<bool> {
        match (self.public, self.private) {
            (true, _) => Some(false),
            (_, true) => Some(true),
            (false, false) => None,
        }
    }
}

impl Which {
    async fn address(&self, client: &Client, rest: &[&str]) -> Result<Vec<String>, Failed> {
        let kind = kind(client, &self.channel, &self.name, self.kind).await?;
        let address = ["channels", self.channel.as_str(), "packages", kind.as_str(), &self.name];
        Ok([&address, rest].concat().into_iter().map(ToOwned::to_owned).collect())
    }
}

/// The kind that is meant: what is said, or the only one of which there is a package of this name.
pub(crate) async fn kind(
    client: &Client,
    channel: &ChannelPath,
    name: &str,
    said: Option<PackageKind>,
) -> Result<PackageKind, Failed> {
    if let Some(kind) = said {
        return Ok(kind);
    }
    let mut kinds = Vec::new();
    for kind in PackageKind::ALL {
        match client.get(&["channels", channel.as_str(), "packages", kind.as_str(), name]).await {
            Ok(_) => kinds.push(kind),
            // Not there, or no name of this kind.
            Err(failed) if matches!(failed.exit, Exit::NotFound | Exit::Usage) => {}
            Err(failed) => return Err(failed),
        }
    }
    match kinds[..] {
        [kind] => Ok(kind),
        [] => Err(found::unknown(client, channel, name, None).await),
        _ => {
            Err(Failed::usage(format_args!("there are packages called {name} of several kinds: add --kind")))
        }
    }
}

impl Package {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        match self {
            Self::List { channel } => all(context, &client, &channel).await,
            Self::Show(which) => show(context, &client, &which).await,
            Self::Create { channel, name, kind, seen } => {
                let body = json!({ "kind": kind.as_str(), "name": name, "private": seen.private() });
                let request = client.api(Method::POST, &["channels", channel.as_str(), "packages"]);
                let answer = client.json(request.json(&body)).await?;
                let words = format!("{name} is in {channel}, {}", seen_words(&answer));
                done(context, &words, &answer)
            }
            Self::Set { which, seen } => {
                let Some(private) = seen.private() else {
                    return Err(Failed::usage("say who is to see it: --public or --private"));
                };
                let body = json!({ "private": private });
                let answer = send(&client, Method::PATCH, &which, &[], Some(&body)).await?;
                done(context, &format!("{} is {}", which.name, seen_words(&answer)), &answer)
            }
            Self::Grant { which, login, level } => {
                let (rest, body) = (["grants", login.as_str()], json!({ "level": level.as_str() }));
                let answer = send(&client, Method::PUT, &which, &rest, Some(&body)).await?;
                done(context, &format!("{login} has {level} on {} in {}", which.name, which.channel), &answer)
            }
            Self::Ungrant { which, login } => {
                let answer = send(&client, Method::DELETE, &which, &["grants", login.as_str()], None).await?;
                let words =
                    format!("what {login} was given on {} in {} is taken back", which.name, which.channel);
                done(context, &words, &answer)
            }
            Self::Delete { which, yes } => {
                if !yes {
                    return Err(Failed::usage(format_args!(
                        "this removes {} with all its files, for ever: add --yes if that is meant",
                        which.name
                    )));
                }
                let answer = send(&client, Method::DELETE, &which, &[], None).await?;
                done(context, &format!("deleted {}", which.name), &answer)
            }
        }
    }
}

async fn send(
    client: &Client,
    method: Method,
    which: &Which,
    rest: &[&str],
    body: Option<&Value>,
) -> Result<Value, Failed> {
    let address = which.address(client, rest).await?;
    let address: Vec<&str> = address.iter().map(String::as_str).collect();
    let request = client.api(method, &address);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    client.json(request).await
}

async fn all(context: &Context, client: &Client, channel: &ChannelPath) -> Result<(), Failed> {
    let packages = client.all(&["channels", channel.as_str(), "packages"], &[], "packages").await?;
    let row = |package: &Value| {
        vec![
            text(package, "name"),
            text(package, "kind"),
            seen_words(package).to_owned(),
            text(package, "level"),
        ]
    };
    let rows: Vec<Vec<String>> = packages.iter().map(row).collect();
    if rows.is_empty() {
        context.output.line(format!("no packages in {channel} that you may see"));
    } else {
        context.output.table(&["PACKAGE", "KIND", "SEEN BY", "YOU MAY"], &rows);
    }
    context.output.document(&json!({ "packages": packages }));
    Ok(())
}

async fn show(context: &Context, client: &Client, which: &Which) -> Result<(), Failed> {
    let address = which.address(client, &[]).await?;
    let address: Vec<&str> = address.iter().map(String::as_str).collect();
    let mut answer = client.get(&address).await?;
    let grants = client.get(&[&address[..], &["grants"]].concat()).await?;
    for (label, value) in [
        ("name", text(&answer, "name")),
        ("kind", text(&answer, "kind")),
        ("seen by", seen_words(&answer).to_owned()),
        ("you may", text(&answer, "level")),
    ] {
        context.output.line(format!("{label:<12} {value}"));
    }
    for held in list(&grants, "grants") {
        let who = ["login", "group", "account_id", "group_id"].map(|field| text(held, field));
        let who = who.into_iter().find(|who| !who.is_empty()).unwrap_or_default();
        context.output.line(format!("{:<12} {who}: {}", "given to", text(held, "level")));
    }
    answer["grants"] = grants["grants"].clone();
    context.output.document(&answer);
    Ok(())
}

fn seen_words(package: &Value) -> &'static str {
    match package.get("private").and_then(Value::as_bool) {
        Some(true) => "private",
        Some(false) | None => "as open as its channel",
    }
}

fn done(context: &Context, words: &str, answer: &Value) -> Result<(), Failed> {
    context.output.line(words);
    for line in receipt_lines(answer) {
        context.output.line(line);
    }
    context.output.document(answer);
    Ok(())
}
