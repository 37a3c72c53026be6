//! Signing in and out. The password is typed on the terminal or piped in; it is never an argument.

use std::io::{BufRead as _, IsTerminal as _};

use clap::Args;
use reqwest::Method;
use serde_json::json;

use crate::client::{self, Client};
use crate::failed::{Exit, Failed};
use crate::output::text;
use crate::session::{self, Session};
use crate::verb::Context;

/// `latchkey login`
#[derive(Debug, Args)]
pub struct Login {
    /// Who signs in (asked for on a terminal)
    #[arg(long)]
    login: Option<String>,
    /// Read the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
}

impl Login {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let path = session::path(&context.global)?;
        let url = client::parse(context.global.url.as_deref())?;
        let login = match self.login {
            Some(login) => login,
            None if self.password_stdin => {
                return Err(Failed::usage("say who signs in: --login LOGIN"));
            }
            None => ask_login()?,
        };
        let password = read_password(self.password_stdin, &format!("password of {login}: "))?;
        // Kept as it is found from anywhere.
        let ca = context.global.ca.as_deref().map(|path| path.canonicalize().unwrap_or_else(|_| path.into()));
        let client = Client::new(url.clone(), None, ca.as_deref())?;
        let note = format!("latchkey on {}", host());
        let body = json!({ "login": login, "password": password.expose(), "note": note });
        let answer =
            client.json(client.api(Method::POST, &["session"]).json(&body)).await.map_err(refused)?;
        let token = text(&answer, "token");
        if token.is_empty() {
            return Err(Failed::new(Exit::Other, format!("{url} gave no session: it is no Latchkey")));
        }
        session::write(&path, &Session { url: url.to_string(), login: login.clone(), token, ca })?;
        let until = text(&answer, "expires_at");
        context.output.line(format!("signed in to {url} as {login}{}", ending(&until)));
        context.output.line("next: latchkey channel create NAME --private");
        context.output.document(&json!({
            "url": url.as_str(), "login": login, "expires_at": answer.get("expires_at"), "id": answer.get("id"),
        }));
        Ok(())
    }
}

/// `latchkey logout`
pub(crate) async fn logout(context: &Context) -> Result<(), Failed> {
    let path = session::path(&context.global)?;
    let Some(noted) = session::read(&path)? else {
        context.output.line("nobody was signed in here");
        context.output.document(&json!({ "signed_out": false }));
        return Ok(());
    };
    let ca = context.global.ca.as_deref().or(noted.ca.as_deref());
    let url = client::parse(Some(&noted.url))?;
    let client = Client::new(url, Some(runtime::Secret::new(noted.token)), ca)?;
    let ended = client.json(client.api(Method::DELETE, &["session"])).await;
    session::remove(&path)?;
    match ended {
        Ok(_) => {}
        // The session is dead already: signing out of it has succeeded.
        Err(failed) if failed.exit == Exit::Unauthenticated => {}
        Err(failed) => {
            return Err(Failed { hint: None, ..failed }.hint(
                "the session is forgotten here, but the server could not be told to end it: \
                 `latchkey token list --sessions` shows it after the next login",
            ));
        }
    }
    context.output.line(format!("signed out of {}", noted.url));
    context.output.document(&json!({ "signed_out": true, "url": noted.url }));
    Ok(())
}

/// `latchkey whoami`
pub(crate) async fn whoami(context: &Context) -> Result<(), Failed> {
    let client = Client::open(&context.global)?;
    if !client.has_token() {
        return Err(Failed::new(Exit::Unauthenticated, "not signed in")
            .hint("sign in with `latchkey login`, or set LATCHKEY_TOKEN"));
    }
    let answer = client.get(&["whoami"]).await?;
    let null = serde_json::Value::Null;
    let account = answer.get("account").unwrap_or(&answer);
    let token = answer.get("token").unwrap_or(&null);
    let role = if text(account, "admin") == "true" { " (administrator)" } else { "" };
    context.output.line(format!("{} on {}{role}", text(account, "login"), client.url()));
    context.output.line(format!(
        "by the {} token {:?}{}",
        text(token, "kind"),
        text(token, "name"),
        ending(&text(token, "expires_at")),
    ));
    let roles = answer.get("roles").and_then(serde_json::Value::as_array).into_iter().flatten();
    let roles: Vec<&str> = roles.filter_map(serde_json::Value::as_str).collect();
    context.output.line(format!("with the roles {}", roles.join(", ")));
    context.output.document(&answer);
    Ok(())
}

/// A password from standard input's first line, or typed unseen.
pub(crate) fn read_password(from_stdin: bool, prompt: &str) -> Result<runtime::Secret, Failed> {
    let password = if from_stdin {
        let mut line = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut line)
            .map_err(|error| Failed::io("reading the password from standard input", &error))?;
        line.trim_end_matches(['\n', '\r']).to_owned()
    } else if std::io::stdin().is_terminal() {
        rpassword::prompt_password(prompt).map_err(|error| Failed::io("reading the password", &error))?
    } else {
        return Err(Failed::usage(
            "there is no terminal to type the password on: pipe it in with --password-stdin",
        ));
    };
    if password.is_empty() {
        return Err(Failed::usage("the password is empty"));
    }
    Ok(runtime::Secret::new(password))
}

fn ask_login() -> Result<String, Failed> {
    if !std::io::stdin().is_terminal() {
        return Err(Failed::usage("say who signs in: --login LOGIN"));
    }
    eprint!("login: ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| Failed::io("reading the login", &error))?;
    match line.trim() {
        "" => Err(Failed::usage("the login is empty")),
        login => Ok(login.to_owned()),
    }
}

fn refused(failed: Failed) -> Failed {
    if failed.exit == Exit::Unauthenticated {
        return failed.hint("check the login and the password, and that LATCHKEY_URL is the server you mean");
    }
    failed
}

fn ending(until: &str) -> String {
    if until.is_empty() { String::new() } else { format!(", until {until}") }
}

/// This machine's name, so that its owner knows the session again in a list.
fn host() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    match name.trim() {
        "" => "an unnamed machine".to_owned(),
        name => name.to_owned(),
    }
}
