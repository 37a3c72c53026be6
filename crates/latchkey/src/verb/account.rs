//! Accounts, for administrators: make people, organisations and service accounts, close and reopen them.

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
        /// A name for a machine: it holds tokens, cannot sign in, and outlives each of its owners
        #[arg(long, conflicts_with_all = ["password_stdin", "admin", "organisation"])]
        service_account: bool,
        /// Who owns the organisation or service account; repeat for more [default: you]
        #[arg(long, value_name = "LOGIN", conflicts_with_all = ["password_stdin", "admin"])]
        owner: Vec<Login>,
    },
    /// Say who owns an organisation or service account, in place of those who did
    Owners {
        /// Which account
        login: Login,
        /// An owner from now on; repeat for more
        #[arg(long, required = true, value_name = "LOGIN")]
        owner: Vec<Login>,
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
            Self::Create { login, password_stdin, admin, organisation, service_account, owner } => {
                let kind = match (organisation, service_account) {
                    (true, _) => "organisation",
                    (_, true) => "service_account",
                    (false, false) => "person",
                };
                let is_person = kind == "person";
                if is_person && !owner.is_empty() {
                    return Err(Failed::usage(
                        "people have no owners: add --organisation or --service-account",
                    ));
                }
                let mut body = json!({ "login": login.as_str(), "kind": kind, "admin": admin });
                if is_person {
                    let password = read_password(password_stdin, &format!("password for {login}: "))?;
                    body["password"] = json!(password.expose());
                }
                if !owner.is_empty() {
                    body["owners"] = owner.iter().map(Login::as_str).collect();
                }
                let answer = client.json(client.api(Method::POST, &["accounts"]).json(&body)).await?;
                context.output.line(format!("created {login}"));
                context.output.line(match kind {
                    "person" => format!("next, for them: latchkey login --login {login}"),
                    "organisation" => format!("next: latchkey channel create NAME --owner {login}"),
                    _ => format!("next, once it was granted something: latchkey token create NAME --owner {login} --resource CHANNEL:read"),
                });
                context.output.document(&answer);
                Ok(())
            }
            Self::Owners { login, owner } => owners(context, &client, &login, &owner).await,
            Self::Disable { login } => switch(context, &client, &login, "disable").await,
            Self::Enable { login } => switch(context, &client, &login, "enable").await,
        }
    }
}

async fn owners(context: &Context, client: &Client, login: &Login, owners: &[Login]) -> Result<(), Failed> {
    let owners: Vec<&str> = owners.iter().map(Login::as_str).collect();
    let request = client.api(Method::PUT, &["accounts", login.as_str(), "owners"]);
    let answer = client.json(request.json(&json!({ "owners": owners }))).await?;
    context.output.line(format!("{login} is owned by {}", owners.join(", ")));
    for line in receipt_lines(&answer) {
        context.output.line(line);
    }
    context.output.document(&answer);
    Ok(())
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
