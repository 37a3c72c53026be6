//! Groups of organisations: people who together hold something on channels or on single packages.

use clap::{Args, Subcommand};
use names::{ChannelPath, GroupName, Level, Login, PackageKind};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::failed::Failed;
use crate::output::{list, text};
use crate::verb::Context;
use crate::verb::package;
use crate::verb::recipe::receipt_lines;

/// A group as it is typed: `ORGANISATION/GROUP`.
#[derive(Debug, Clone)]
pub struct GroupPath {
    organisation: Login,
    group: GroupName,
}

impl std::str::FromStr for GroupPath {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (organisation, group) = text.split_once('/').ok_or("a group is written ORGANISATION/GROUP")?;
        Ok(Self {
            organisation: Login::parse(organisation).map_err(|error| error.to_string())?,
            group: GroupName::parse(group).map_err(|error| error.to_string())?,
        })
    }
}

impl std::fmt::Display for GroupPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.organisation, self.group)
    }
}

impl GroupPath {
    /// The end of an address about a grant to the group.
    pub(crate) fn segments(&self) -> [&str; 3] {
        ["groups", self.organisation.as_str(), self.group.as_str()]
    }

    fn address<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        [&["organisations", self.organisation.as_str(), "groups", self.group.as_str()], rest].concat()
    }
}

/// `latchkey group …`
#[derive(Debug, Subcommand)]
pub enum Group {
    /// Make a group in an organisation that you own
    Create {
        /// ORGANISATION/GROUP
        group: GroupPath,
        /// What it is given on a package unless something else is said [default: read]
        #[arg(long)]
        level: Option<Level>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// List an organisation's groups
    List {
        /// Its login
        organisation: Login,
    },
    /// Show a group: who is in it, and what it was given
    Show {
        /// ORGANISATION/GROUP; every organisation has the group Owners
        #[arg(value_parser = shown)]
        group: (Login, String),
    },
    /// Change a group's name, level or description
    Set {
        /// ORGANISATION/GROUP
        group: GroupPath,
        /// Its new name
        #[arg(long)]
        name: Option<GroupName>,
        /// What it is given on a package unless something else is said
        #[arg(long)]
        level: Option<Level>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// Delete a group; whatever it was given is given to nobody
    Delete {
        /// ORGANISATION/GROUP
        group: GroupPath,
        /// Delete without asking
        #[arg(long)]
        yes: bool,
    },
    /// Put people or service accounts into a group
    Add(Members),
    /// Take them out; returns when every gateway knows
    Remove(Members),
    /// Give a group a level on a channel, or on one package
    Grant {
        /// What is given to whom
        #[command(flatten)]
        on: On,
        /// read, write or manage
        level: Level,
    },
    /// Take it back; returns when every gateway knows
    Ungrant(On),
}

/// Who joins or leaves.
#[derive(Debug, Args)]
pub struct Members {
    /// ORGANISATION/GROUP
    group: GroupPath,
    /// Their logins
    #[arg(required = true)]
    login: Vec<Login>,
}

/// A group, and what it is given something on.
#[derive(Debug, Args)]
pub struct On {
    /// ORGANISATION/GROUP
    group: GroupPath,
    /// On which channel
    channel: ChannelPath,
    /// Only on this package of it
    #[arg(long, value_name = "NAME")]
    package: Option<String>,
    /// conda, pypi, notebook, environment or file, where the channel has several of that name
    #[arg(long, requires = "package")]
    kind: Option<PackageKind>,
}

impl On {
    async fn address(&self, client: &Client) -> Result<Vec<String>, Failed> {
        let mut address = vec!["channels".to_owned(), self.channel.to_string()];
        if let Some(name) = &self.package {
            let kind = package::kind(client, &self.channel, name, self.kind).await?;
            address.extend(["packages".to_owned(), kind.to_string(), name.clone()]);
        }
        address.extend(self.group.segments().map(ToOwned::to_owned));
        Ok(address)
    }

    fn said(&self) -> String {
        match &self.package {
            Some(name) => format!("{name} in {}", self.channel),
            None => self.channel.to_string(),
        }
    }
}

fn shown(text: &str) -> Result<(Login, String), String> {
    let (organisation, group) = text.split_once('/').ok_or("a group is written ORGANISATION/GROUP")?;
    let organisation = Login::parse(organisation).map_err(|error| error.to_string())?;
    if !group.eq_ignore_ascii_case(GroupName::OWNERS) {
        GroupName::parse(group).map_err(|error| error.to_string())?;
    }
    Ok((organisation, group.to_owned()))
}

impl Group {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        match self {
            Self::Create { group, level, description } => {
                let body = json!({
                    "name": group.group.as_str(),
                    "level": level.map(Level::as_str),
                    "description": description.unwrap_or_default(),
                });
                let address = ["organisations", group.organisation.as_str(), "groups"];
                let answer = client.json(client.api(Method::POST, &address).json(&body)).await?;
                context.output.line(format!("created {group}"));
                context.output.line(format!("next: latchkey group add {group} LOGIN…"));
                context.output.line(format!("      latchkey group grant {group} CHANNEL read"));
                context.output.document(&answer);
                Ok(())
            }
            Self::List { organisation } => all(context, &client, &organisation).await,
            Self::Show { group } => show(context, &client, &group).await,
            Self::Set { group, name, level, description } => {
                set(context, &client, &group, changes(name, level, description)?).await
            }
            Self::Delete { group, yes } => {
                if !yes {
                    return Err(Failed::usage(format_args!(
                        "whatever {group} was given is given to nobody then: add --yes if that is meant"
                    )));
                }
                let request = client.api(Method::DELETE, &group.address(&[]));
                done(context, &format!("deleted {group}"), client.json(request).await?)
            }
            Self::Add(members) => change(context, &client, Method::PUT, members, "is in").await,
            Self::Remove(members) => change(context, &client, Method::DELETE, members, "is out of").await,
            Self::Grant { on, level } => {
                let address = on.address(&client).await?;
                let address: Vec<&str> = address.iter().map(String::as_str).collect();
                let request = client.api(Method::PUT, &address).json(&json!({ "level": level.as_str() }));
                let words = format!("{} has {level} on {}", on.group, on.said());
                done(context, &words, client.json(request).await?)
            }
            Self::Ungrant(on) => {
                let address = on.address(&client).await?;
                let address: Vec<&str> = address.iter().map(String::as_str).collect();
                let words = format!("what {} was given on {} is taken back", on.group, on.said());
                done(context, &words, client.json(client.api(Method::DELETE, &address)).await?)
            }
        }
    }
}

async fn all(context: &Context, client: &Client, organisation: &Login) -> Result<(), Failed> {
    let answer = client.get(&["organisations", organisation.as_str(), "groups"]).await?;
    let row = |group: &Value| {
        let members = group.get("members").map(ToString::to_string).unwrap_or_default();
        vec![text(group, "name"), members, text(group, "level"), text(group, "description")]
    };
    let rows: Vec<Vec<String>> = list(&answer, "groups").iter().map(row).collect();
    context.output.table(&["GROUP", "MEMBERS", "LEVEL", "DESCRIPTION"], &rows);
    context.output.document(&answer);
    Ok(())
}

async fn show(context: &Context, client: &Client, group: &(Login, String)) -> Result<(), Failed> {
    let (organisation, name) = (group.0.as_str(), group.1.as_str());
    let answer = client.get(&["organisations", organisation, "groups", name]).await?;
    for (label, field) in [("name", "name"), ("level", "level"), ("description", "description")] {
        context.output.line(format!("{label:<12} {}", text(&answer, field)));
    }
    let members: Vec<String> = list(&answer, "members").iter().map(|member| text(member, "login")).collect();
    context.output.line(format!("{:<12} {}", "members", members.join(", ")));
    let row = |held: &Value| {
        vec![text(held, "channel"), text(held, "package"), text(held, "kind"), text(held, "level")]
    };
    let rows: Vec<Vec<String>> = list(&answer, "grants").iter().map(row).collect();
    if !rows.is_empty() {
        context.output.table(&["CHANNEL", "PACKAGE", "KIND", "LEVEL"], &rows);
    }
    context.output.document(&answer);
    Ok(())
}

fn changes(
    name: Option<GroupName>,
    level: Option<Level>,
    description: Option<String>,
) -> Result<Map<String, Value>, Failed> {
    let said = [
        ("name", name.map(|name| json!(name.as_str()))),
        ("level", level.map(|level| json!(level.as_str()))),
        ("description", description.map(|description| json!(description))),
    ];
    let changes: Map<String, Value> =
        said.into_iter().filter_map(|(field, value)| Some((field.to_owned(), value?))).collect();
    match changes.is_empty() {
        true => Err(Failed::usage("say what to change: --name NAME, --level LEVEL or --description TEXT")),
        false => Ok(changes),
    }
}

async fn set(
    context: &Context,
    client: &Client,
    group: &GroupPath,
    changes: Map<String, Value>,
) -> Result<(), Failed> {
    let request = client.api(Method::PATCH, &group.address(&[])).json(&changes);
    done(context, &format!("changed {group}"), client.json(request).await?)
}

async fn change(
    context: &Context,
    client: &Client,
    method: Method,
    members: Members,
    what: &str,
) -> Result<(), Failed> {
    let mut answer = Value::Null;
    for login in &members.login {
        let address = members.group.address(&["members", login.as_str()]);
        answer = client.json(client.api(method.clone(), &address)).await?;
        context.output.line(format!("{login} {what} {}", members.group));
        for line in receipt_lines(&answer) {
            context.output.line(line);
        }
    }
    context.output.document(&answer);
    Ok(())
}

fn done(context: &Context, words: &str, answer: Value) -> Result<(), Failed> {
    context.output.line(words);
    for line in receipt_lines(&answer) {
        context.output.line(line);
    }
    context.output.document(&answer);
    Ok(())
}
