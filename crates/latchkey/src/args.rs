//! The command line: every verb with its options, and the environment it reads.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{up, verb};

const AFTER_HELP: &str = "\
Environment:
  LATCHKEY_URL    where the server is (else what `latchkey login` noted, else http://127.0.0.1:8080)
  LATCHKEY_TOKEN  the credential (else the session that `latchkey login` noted)
  LATCHKEY_CA     file with the certificate authority to trust (else what `latchkey login` noted, else the system's)

Exit status:
  0  done
  1  anything without a number of its own
  2  the command line, or a value in it, is wrong
  3  not signed in, or the credential is refused
  4  the credential is good and may not do this
  5  no such thing, or none that you may see
  6  the name is taken, or another change came first
  7  the server cannot be reached, or asks to be tried again later

With --json the last line of standard output is one JSON document, also when the command fails.";

/// Private conda channels and Python package indexes, opened by tokens that can be revoked.
#[derive(Debug, Parser)]
#[command(name = "latchkey", version, after_help = AFTER_HELP, propagate_version = true)]
pub struct Cli {
    /// What every verb takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of every verb")]
pub struct Global {
    /// Print one JSON document as the last line of standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Address of the server
    #[arg(long, global = true, value_name = "URL", env = "LATCHKEY_URL", hide_env = true)]
    pub url: Option<String>,
    /// File with the certificate authority to trust, in PEM, in place of the system's
    #[arg(long, global = true, value_name = "FILE", env = "LATCHKEY_CA", hide_env = true)]
    pub ca: Option<PathBuf>,
    // Only the environment is documented: arguments are seen by everyone on the machine.
    #[arg(
        id = "credential",
        long,
        global = true,
        hide = true,
        env = "LATCHKEY_TOKEN",
        hide_env_values = true
    )]
    pub(crate) token: Option<runtime::Secret>,
    #[arg(long, global = true, hide = true, env = "XDG_CONFIG_HOME")]
    pub(crate) config_home: Option<PathBuf>,
    #[arg(long, global = true, hide = true, env = "HOME")]
    pub(crate) home: Option<PathBuf>,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Run a whole Latchkey from one data folder
    Up(up::Options),
    /// Build the read models anew beside the live ones, then swap them in (while `up` runs)
    Rebuild(up::running::Running),
    /// Compare the read models with the log (while `up` runs); exit status 1 if they differ
    Verify(up::running::Running),
    /// Sign in, and note the session for later commands
    Login(verb::login::Login),
    /// End the session that `login` noted
    Logout,
    /// Show the account and token in use
    Whoami,
    /// Create, list, show, change, share and delete channels
    #[command(subcommand)]
    Channel(verb::channel::Channel),
    /// Create, list, edit, reissue, revoke and explain tokens
    #[command(subcommand)]
    Token(verb::token::Token),
    /// Upload packages, notebooks, environments and files to a channel
    Upload(verb::upload::Upload),
    /// Download a package's files from a channel
    #[command(disable_version_flag = true)]
    Download(verb::download::Download),
    /// Copy files into another channel, or under another label of the same one
    Copy(verb::carry::Carry),
    /// Move files into another channel
    Move(verb::carry::Carry),
    /// Remove files from a channel; asks before it does
    Remove(verb::remove::Remove),
    /// Find packages in all channels that you may see
    Search(verb::search::Search),
    /// List and remove what a channel holds
    #[command(subcommand)]
    Artifact(verb::artifact::Artifact),
    /// List, give, take, copy, move and lock the labels of a channel's files
    #[command(subcommand)]
    Label(verb::label::Label),
    /// Show who did what in a channel: the same as `channel history`
    History(verb::channel::History),
    /// List packages, say who sees them, and share them one by one
    #[command(subcommand)]
    Package(verb::package::Package),
    /// Create and change an organisation's groups, and what they hold
    #[command(subcommand)]
    Group(verb::group::Group),
    /// Say what people may do everywhere on the server (administrators, and who holds roles=manage)
    #[command(subcommand)]
    Role(verb::role::Role),
    /// Create, disable and enable accounts, and say who owns them (administrators)
    #[command(subcommand)]
    Account(verb::account::Account),
    /// Read the log of everything that happened (administrators, and who holds audit_log=read)
    #[command(subcommand)]
    Events(verb::events::Events),
    /// Show every replica: what it has applied, how far it is behind, its lease and version (administrators)
    Status,
    /// Make the secrets of a Kubernetes cluster as files
    Secrets(up::cluster::Options),
    /// List and rotate the keys that sign the log
    #[command(subcommand)]
    Keys(up::keys::Keys),
    /// Print shell completions
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    const LINES: &[&str] = &[
        "up --data d --listen 127.0.0.1:0",
        "up --tls --tls-name a.example --tls-name 192.0.2.1",
        "rebuild --data d",
        "verify",
        "login --login ada --password-stdin",
        "logout",
        "whoami",
        "channel create acme --public --description words",
        "channel set acme --private",
        "channel delete acme --yes",
        "token create ci --resource acme:read --resource b:write --expires 30d",
        "token list --sessions",
        "token show ci",
        "token revoke ci",
        "token explain ci --action read --channel acme",
        "token create ci --scopes repos --scope conda:download",
        "token create ci --scope all --owner robot",
        "token edit ci --name new --description words --expires 1y",
        "token reissue ci --overlap 1h --expires 2w",
        "token end-overlap ci --owner robot",
        "token scopes",
        "token leaked --revoke",
        "channel freeze acme",
        "channel unfreeze acme/dev",
        "channel default",
        "channel default acme/dev",
        "channel default --own",
        "upload a.conda b.whl",
        "upload --kind file --package data --version 1 data.bin",
        "channel grant acme ada write",
        "channel grants acme",
        "channel ungrant acme ada",
        "account create robot --service-account --owner ada --owner bob",
        "account owners robot --owner ada",
        "upload acme a.conda b.whl --force",
        "artifact list acme",
        "artifact remove acme noarch/a-1-0.conda",
        "upload acme a.conda --label dev --label rc1",
        "upload acme data.bin --kind file --package data --version 1",
        "download acme a --version 1.0 --kind conda --label main --output d --force",
        "search pan --kind conda --platform linux-64 --channel acme",
        "download acme/a/1.0/noarch/a-1.0-0.conda",
        "download acme/dev::a --label rc",
        "copy acme/a/1.0 prod --to-label main --to-label rc --skip-existing",
        "copy acme/a acme/dev::b prod/stage --force --dry-run --kind conda",
        "move acme/dev::a acme --from-label rc",
        "remove acme/a acme/b/1.0/b.whl --label rc --yes",
        "history acme --all",
        "upload acme/dev a.conda --private",
        "channel create acme/dev --public",
        "channel list acme",
        "channel history acme/dev --event access_changed --all",
        "group create acme/devs --level write",
        "group list acme",
        "group show acme/Owners",
        "group set acme/devs --name ops",
        "group add acme/devs ada bob",
        "group remove acme/devs ada",
        "group grant acme/devs lab write",
        "group grant acme/devs lab/sub read --package numpy --kind pypi",
        "group ungrant acme/devs lab",
        "group delete acme/devs --yes",
        "role list",
        "role show auditor",
        "role create auditor --level audit_log=read,channels=read --level artifacts=read --description words",
        "role edit auditor --level artifacts=none --name readers",
        "role assign auditor ada bob --group acme/devs",
        "role assign admin ada",
        "role unassign auditor --group acme/devs",
        "role delete auditor --yes",
        "package list acme",
        "package show acme numpy",
        "package create acme numpy --kind conda --private",
        "package set acme numpy --public",
        "package grant acme numpy ada write --kind pypi",
        "package ungrant acme numpy ada",
        "package delete acme numpy --yes",
        "label list acme",
        "label add acme dev a --version 1.0 --kind conda",
        "label remove acme dev a --file noarch/a-1-0.conda",
        "label copy acme dev main",
        "label move acme dev main a",
        "label lock acme main",
        "label unlock acme main",
        "account create ada --admin",
        "account disable ada",
        "events tail --stream catalog --from 3 --follow",
        "events tail --from 2h --kind TokenRevoked,TokenIssued --kind NameTaken --actor ada --object acme",
        "status",
        "keys list",
        "keys rotate auth --cluster d",
        "completions zsh",
    ];

    #[test]
    fn every_verb_is_read_with_the_global_options_beside_it() {
        for line in LINES {
            let words = ["latchkey", "--json", "--url", "http://h"].into_iter().chain(line.split(' '));
            let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(cli.global.json && cli.global.url.is_some(), "{line}");
        }
    }
}
