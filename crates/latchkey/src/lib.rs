//! The latchkey command: the client verbs, and `up`, which runs a whole Latchkey from one data folder.
//!
//! The client verbs speak REST to a gateway and know nothing of the services. What `up` is made of is public here
//! because test clusters are started by the same code.
#![warn(missing_docs)]

pub mod args;
mod client;
pub mod failed;
pub mod output;
mod session;
pub mod up;
pub mod verb;

use clap::CommandFactory as _;

use args::{Cli, Verb};
use client::Client;
use failed::Failed;
use verb::carry::Way;
use verb::{Context, login, status};

/// Does what the command line says.
pub async fn run(cli: Cli) -> Result<(), Failed> {
    let context = Context::new(cli.global);
    match cli.verb {
        Verb::Up(options) => options.run(&context).await,
        Verb::Rebuild(running) => running.rebuild(&context).await,
        Verb::Verify(running) => running.verify(&context).await,
        Verb::Login(login) => login.run(&context).await,
        Verb::Logout => login::logout(&context).await,
        Verb::Whoami => login::whoami(&context).await,
        Verb::Channel(channel) => channel.run(&context).await,
        Verb::Token(token) => {
            let look = "`latchkey token list` shows yours, with --owner LOGIN those of an organisation or service account";
            token.run(&context).await.map_err(|failed| failed.look(look))
        }
        Verb::Upload(upload) => upload.run(&context).await,
        Verb::Download(download) => download.run(&context).await,
        Verb::Copy(carry) => carry.run(&context, Way::Copy).await,
        Verb::Move(carry) => carry.run(&context, Way::Move).await,
        Verb::Remove(remove) => remove.run(&context).await,
        Verb::History(history) => history.run(&context, &Client::open(&context.global)?).await,
        Verb::Search(search) => search.run(&context).await,
        Verb::Artifact(artifact) => {
            let look = "`latchkey artifact list CHANNEL` shows what it holds";
            artifact.run(&context).await.map_err(|failed| failed.look(look))
        }
        Verb::Label(label) => {
            let look = "`latchkey artifact list CHANNEL` shows its files with their labels";
            label.run(&context).await.map_err(|failed| failed.look(look))
        }
        Verb::Package(package) => {
            let look = "`latchkey package list CHANNEL` shows what there is";
            package.run(&context).await.map_err(|failed| failed.look(look))
        }
        Verb::Group(group) => {
            let look = "`latchkey group list ORGANISATION` shows its groups; administrators make organisations with \
                        `latchkey account create NAME --organisation`";
            group.run(&context).await.map_err(|failed| failed.look(look))
        }
        Verb::Role(role) => {
            let look = "`latchkey role list` shows what there is";
            role.run(&context).await.map_err(|failed| failed.look(look))
        }
        Verb::Account(account) => account.run(&context).await,
        Verb::Events(events) => events.run(&context).await,
        Verb::Status => status::run(&context).await,
        Verb::Secrets(options) => options.run(&context),
        Verb::Keys(keys) => keys.run(&context),
        Verb::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "latchkey", &mut script);
            output::print(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
    }
}
