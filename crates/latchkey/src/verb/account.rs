//! Accounts, for administrators: make people and organisations, close and reopen them.

use clap::Subcommand;
use names::Login;
use reqwest::Method;
use serde_json::json;

use crate::client::Client;
use crate::failed::Failed;
use crate::verb::Context;
use crate::verb::login::read_password;
use crate::verb::recipe::receipt_lines;

/// `latchkey account …`
#[derive(Debug, Subcommand)]
pub enum Account {
    /// Make an account; the password is typed, or piped in
    Create {
        /// The name to sign in with
        login: Login,
        /// Read the password from the first line of standard input
        #[arg(long)]
        password_stdin: bool,
        /// May manage everything
        #[arg(long)]
        admin: bool,
        /// An organisation: it owns channels and cannot sign in
        #[arg(long, conflicts_with_all = ["password_stdin", "admin"])]
        organisation: bool,
    },
    /// Close an account: its tokens and sessions are refused
    Disable {
        /// Whose
        login: Login,
    },
    /// Reopen an account
    Enable {
        /// Whose
        login: Login,
    },
}

impl Account {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let client = Client::open(&context.global)?;
        match self {
            Self::Create { login, password_stdin, admin, organisation } => {
                let kind = if organisation { "organisation" } else { "person" };
                let mut body = json!({ "login": login.as_str(), "kind": kind, "admin": admin });
                if !organisation {
                    let password = read_password(password_stdin, &format!("password for {login}: "))?;
                    body["password"] = json!(password.expose());
                }
                let answer = client.json(client.api(Method::POST, &["accounts"]).json(&body)).await?;
                context.output.line(format!("created {login}"));
                if organisation {
                    let id = crate::output::text(&answer, "id");
                    context.output.line(format!("next: latchkey channel create NAME --owner-id {id}"));
                } else {
                    context.output.line(format!("next, for them: latchkey login --login {login}"));
                }
                context.output.document(&answer);
                Ok(())
            }
            Self::Disable { login } => switch(context, &client, &login, "disable").await,
            Self::Enable { login } => switch(context, &client, &login, "enable").await,
        }
    }
}

async fn switch(context: &Context, client: &Client, login: &Login, deed: &str) -> Result<(), Failed> {
    let answer = client.json(client.api(Method::POST, &["accounts", login.as_str(), deed])).await?;
    context.output.line(format!("{deed}d {login}"));
    for line in receipt_lines(&answer) {
        context.output.line(line);
    }
    context.output.document(&answer);
    Ok(())
}
