//! Roles: what people may do everywhere on the server, beside what they own or were given.

use clap::{Args, Subcommand};
use names::{Level, Login, RoleCategory, RoleName};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::client::Client;
use crate::failed::Failed;
use crate::output::{list, text};
use crate::verb::Context;
use crate::verb::group::GroupPath;
use crate::verb::recipe::receipt_lines;

/// A level in a category, as it is typed: `CATEGORY=LEVEL`.
#[derive(Debug, Clone, Copy)]
pub struct Given {
    category: RoleCategory,
    /// None takes it away.
    level: Option<Level>,
}

impl std::str::FromStr for Given {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (category, level) =
            text.split_once('=').ok_or("a level is written CATEGORY=LEVEL, for example artifacts=read")?;
        Ok(Self {
            category: category.parse().map_err(|error: names::InvalidName| error.to_string())?,
            level: match level {
                "none" => None,
                level => Some(level.parse().map_err(|error: names::InvalidName| error.to_string())?),
            },
        })
    }
}

/// `latchkey role …`
#[derive(Debug, Subcommand)]
pub enum Role {
    /// List all roles and what they give
    List,
    /// Show a role: what it gives, and who holds it
    Show {
        /// Its name
        role: String,
    },
    /// Make a role
    Create {
        /// Its name
        role: RoleName,
        /// What it gives
        #[command(flatten)]
        levels: Levels,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// Change a role; where somebody may do less then, returns when every gateway knows
    Edit {
        /// Its name
        role: String,
        /// What it gives
        #[command(flatten)]
        levels: Levels,
        /// Its new name
        #[arg(long)]
        name: Option<RoleName>,
        /// What it is for
        #[arg(long)]
        description: Option<String>,
    },
    /// Delete a role; whoever holds it has it no more
    Delete {
        /// Its name
        role: String,
        /// Delete without asking
        #[arg(long)]
        yes: bool,
    },
    /// Give a role to people, service accounts or groups; admin, to people only
    Assign(Holders),
    /// Take it away; returns when every gateway knows. The last administrator stays one
    Unassign(Holders),
}

/// What a role gives.
#[derive(Debug, Args)]
pub struct Levels {
    /// channels, channel_groups, subchannels, subchannel_groups, artifacts, audit_log or roles, and none, read, write or
    /// manage in it; separate several by commas
    #[arg(long = "level", value_name = "CATEGORY=LEVEL", value_delimiter = ',')]
    levels: Vec<Given>,
}

impl Levels {
    /// What is said for a category last counts.
    fn over(&self, mut levels: Map<String, Value>) -> Map<String, Value> {
        for given in &self.levels {
            let word = given.level.map_or("none", Level::as_str);
            levels.insert(given.category.to_string(), json!(word));
        }
        levels
    }
}

/// Who gets or loses a role.
#[derive(Debug, Args)]
pub struct Holders {
    /// The role's name
    role: String,
    /// Their logins
    #[arg(required_unless_present = "groups")]
    login: Vec<Login>,
    /// A group whose members hold it, as ORGANISATION/GROUP
    #[arg(long = "group", value_name = "ORGANISATION/GROUP")]
    groups: Vec<GroupPath>,
}

impl Role {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        match self {
            Self::List => all(context, &client).await,
            Self::Show { role } => show(context, &client, &role).await,
            Self::Create { role, levels, description } => {
                let body = json!({
                    "name": role.as_str(),
                    "description": description.unwrap_or_default(),
                    "levels": levels.over(Map::new()),
                });
                let answer = client.json(client.api(Method::POST, &["roles"]).json(&body)).await?;
                context.output.line(format!("created the role {role}: {}", given(&answer)));
                context.output.line(format!("next: latchkey role assign {role} LOGIN…"));
                context.output.document(&answer);
                Ok(())
            }
            Self::Edit { role, levels, name, description } => {
                let name = name.map(|name| name.to_string());
                edit(context, &client, &role, (&levels, name, description)).await
            }
            Self::Delete { role, yes } => {
                if !yes {
                    return Err(Failed::usage(format_args!(
                        "whoever holds {role} has it no more then: add --yes if that is meant"
                    )));
                }
                let answer = client.json(client.api(Method::DELETE, &["roles", &role])).await?;
                done(context, &format!("deleted the role {role}"), &answer);
                context.output.document(&answer);
                Ok(())
            }
            Self::Assign(holders) => change(context, &client, Method::PUT, &holders, "has the role").await,
            Self::Unassign(holders) => {
                change(context, &client, Method::DELETE, &holders, "has no longer the role").await
            }
        }
    }
}

/// What a role gives, in one line.
fn given(role: &Value) -> String {
    let none = Map::new();
    let levels = role.get("levels").and_then(Value::as_object).unwrap_or(&none);
    let said = levels.iter().filter(|(_, level)| **level != json!("none"));
    let said: Vec<String> =
        said.map(|(category, level)| format!("{category}={}", level.as_str().unwrap_or_default())).collect();
    if said.is_empty() { "nothing".into() } else { said.join(" ") }
}

async fn all(context: &Context, client: &Client) -> Result<(), Failed> {
    let answer = client.get(&["roles"]).await?;
    let row = |role: &Value| {
        vec![
            text(role, "name"),
            text(role, "accounts"),
            text(role, "groups"),
            given(role),
            text(role, "description"),
        ]
    };
    let rows: Vec<Vec<String>> = list(&answer, "roles").iter().map(row).collect();
    context.output.table(&["ROLE", "ACCOUNTS", "GROUPS", "GIVES", "DESCRIPTION"], &rows);
    context.output.document(&answer);
    Ok(())
}

async fn show(context: &Context, client: &Client, role: &str) -> Result<(), Failed> {
    let answer = client.get(&["roles", role]).await?;
    context.output.line(format!("{:<12} {}", "name", text(&answer, "name")));
    context.output.line(format!("{:<12} {}", "gives", given(&answer)));
    context.output.line(format!("{:<12} {}", "description", text(&answer, "description")));
    let holder = |holder: &Value| match text(holder, "group").as_str() {
        "" => text(holder, "login"),
        group => format!("{}/{group}", text(holder, "organisation")),
    };
    let holders: Vec<String> = list(&answer, "holders").iter().map(holder).collect();
    context.output.line(format!("{:<12} {}", "held by", holders.join(", ")));
    context.output.document(&answer);
    Ok(())
}

/// Levels that are not named stay as they are.
async fn edit(
    context: &Context,
    client: &Client,
    role: &str,
    (levels, name, description): (&Levels, Option<String>, Option<String>),
) -> Result<(), Failed> {
    let mut changes = Map::new();
    changes.extend(name.map(|name| ("name".to_owned(), json!(name))));
    changes.extend(description.map(|description| ("description".to_owned(), json!(description))));
    if !levels.levels.is_empty() {
        let known = client.get(&["roles", role]).await?;
        let known = known.get("levels").and_then(Value::as_object).cloned().unwrap_or_default();
        changes.insert("levels".into(), json!(levels.over(known)));
    }
    if changes.is_empty() {
        return Err(Failed::usage(
            "say what to change: --level CATEGORY=LEVEL, --name NAME or --description TEXT",
        ));
    }
    let answer = client.json(client.api(Method::PATCH, &["roles", role]).json(&changes)).await?;
    done(context, &format!("{} gives {}", text(&answer, "name"), given(&answer)), &answer);
    context.output.document(&answer);
    Ok(())
}

async fn change(
    context: &Context,
    client: &Client,
    method: Method,
    holders: &Holders,
    what: &str,
) -> Result<(), Failed> {
    let accounts = holders.login.iter().map(|login| (vec!["accounts", login.as_str()], login.to_string()));
    let groups = holders.groups.iter().map(|group| (group.segments().to_vec(), group.to_string()));
    let mut answer = Value::Null;
    for (end, who) in accounts.chain(groups) {
        let address = [&["roles", holders.role.as_str()][..], &end].concat();
        answer = client.json(client.api(method.clone(), &address)).await?;
        done(context, &format!("{who} {what} {}", holders.role), &answer);
    }
    context.output.document(&answer);
    Ok(())
}

fn done(context: &Context, words: &str, answer: &Value) {
    context.output.line(words);
    for line in receipt_lines(answer) {
        context.output.line(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_typed_by_category_and_the_last_word_counts() {
        let parsed: Vec<Given> = ["artifacts=read", "audit_log=none", "artifacts=manage"]
            .into_iter()
            .map(|text| text.parse().unwrap())
            .collect();
        let levels = Levels { levels: parsed }.over(Map::new());
        assert_eq!(json!(levels), json!({ "artifacts": "manage", "audit_log": "none" }));
        for wrong in ["artifacts", "artifact=read", "artifacts=all", "=read", "artifacts="] {
            assert!(wrong.parse::<Given>().is_err(), "{wrong}");
        }
        assert_eq!(given(&json!({ "levels": levels })), "artifacts=manage");
        assert_eq!(given(&json!({})), "nothing");
    }
}
