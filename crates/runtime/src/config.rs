//! Reading a process's configuration, and printing it with the origin of every value and no secret.

use std::path::Path;

use anyhow::Context as _;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, FromArgMatches};

/// The exit code for a wrong configuration: EX_USAGE of sysexits.
pub const WRONG_USAGE: u8 = 64;

const PRINT: &str = "print-config";

/// One value and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The flag's name.
    pub name: String,
    /// The value as text, without passwords.
    pub value: String,
    /// `flag`, `environment NAME`, `default` or `unset`.
    pub origin: String,
}

/// Reads flags and environment into `A`. A fault ends the process with code 64 and a sentence;
/// `--print-config` prints what would be used and ends it with code 0.
pub fn parse<A: CommandFactory + FromArgMatches>() -> A {
    parse_from(std::env::args_os()).unwrap_or_else(|ended| match ended {
        Ended::Printed(settings) => {
            print(&settings);
            std::process::exit(0)
        }
        Ended::Clap(error) => {
            // An error that cannot be printed is still told by the exit code.
            drop(error.print());
            std::process::exit(if error.use_stderr() { i32::from(WRONG_USAGE) } else { 0 })
        }
    })
}

enum Ended {
    Printed(Vec<Setting>),
    Clap(clap::Error),
}

fn parse_from<A: CommandFactory + FromArgMatches>(
    args: impl IntoIterator<Item = std::ffi::OsString>,
) -> Result<A, Ended> {
    let print = Arg::new(PRINT)
        .long(PRINT)
        .action(ArgAction::SetTrue)
        .global(true)
        .help("Print the configuration in use with the origin of every value, then end");
    let mut command = A::command().arg(print);
    let matches = command.try_get_matches_from_mut(args).map_err(Ended::Clap)?;
    if matches.get_flag(PRINT) {
        return Err(Ended::Printed(settings(&command, &matches)));
    }
    A::from_arg_matches(&matches).map_err(|error| Ended::Clap(error.format(&mut command)))
}

/// Reads a value that may stand in a file: `@/run/secrets/database/url` is the first line of that
/// file, anything else is the value itself. For addresses that hold a password:
/// `#[arg(value_parser = runtime::config::value_or_file)]`.
pub fn value_or_file(text: &str) -> Result<String, String> {
    let Some(path) = text.strip_prefix('@') else { return Ok(text.to_owned()) };
    let secret = crate::Secret::read(path.as_ref()).map_err(|error| format!("{path}: {error}"))?;
    Ok(secret.expose().to_owned())
}

/// Reads the file that `variable` names. Both what cannot be read and what cannot be parsed name the variable and the file.
pub fn parsed<T, E>(variable: &str, path: &Path, parse: impl Fn(&str) -> Result<T, E>) -> anyhow::Result<T>
where
    E: std::error::Error + Send + Sync + 'static,
{
    let text = std::fs::read_to_string(path).with_context(|| format!("{variable} {}", path.display()))?;
    parse(&text).with_context(|| format!("{variable} {}", path.display()))
}

/// Prints settings as aligned lines on standard output.
pub fn print(settings: &[Setting]) {
    for line in lines(settings) {
        println!("{line}");
    }
}

fn lines(settings: &[Setting]) -> Vec<String> {
    let name = settings.iter().map(|setting| setting.name.len()).max().unwrap_or(0);
    let value = settings.iter().map(|setting| setting.value.len()).max().unwrap_or(0);
    let line = |s: &Setting| format!("{:name$}  {:value$}  {}", s.name, s.value, s.origin);
    settings.iter().map(line).collect()
}

/// Every argument of `command` with its value and origin. Arguments that hide their environment
/// value count as secret.
pub fn settings(command: &Command, matches: &ArgMatches) -> Vec<Setting> {
    let ours = |arg: &&Arg| !["help", "version", PRINT].contains(&arg.get_id().as_str());
    command.get_arguments().filter(ours).map(|arg| setting(arg, matches)).collect()
}

fn setting(arg: &Arg, matches: &ArgMatches) -> Setting {
    let id = arg.get_id().as_str();
    let name = arg.get_long().unwrap_or(id).to_owned();
    let variable = arg.get_env().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let origin = match matches.value_source(id) {
        Some(ValueSource::CommandLine) => "flag".to_owned(),
        Some(ValueSource::EnvVariable) => format!("environment {variable}"),
        Some(_) => "default".to_owned(),
        None => "unset".to_owned(),
    };
    let texts: Vec<String> = matches
        .get_raw(id)
        .into_iter()
        .flatten()
        .map(|value| without_password(&value.to_string_lossy()))
        .collect();
    let value = match texts.join(",") {
        text if text.is_empty() => "-".to_owned(),
        _ if arg.is_hide_env_values_set() => "(secret)".to_owned(),
        text => text,
    };
    Setting { name, value, origin }
}

/// `postgres://user:password@host/db` without its password, and without a token that stands for a user.
fn without_password(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let Some((user, _)) = authority.rsplit_once('@') else { return without_password_parameter(text) };
    let shown = match user.split_once(':') {
        Some((name, _)) => format!("{name}:(secret)"),
        None if scheme.starts_with("postgres") => user.to_owned(),
        // NATS takes a token there.
        None => "(secret)".to_owned(),
    };
    without_password_parameter(&format!("{scheme}://{shown}{}", &rest[user.len()..]))
}

/// libpq also takes `?password=…`.
fn without_password_parameter(text: &str) -> String {
    let Some((address, query)) = text.split_once('?') else { return text.to_owned() };
    let shown = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if name.contains("password") || name.contains("secret") => format!("{name}=(secret)"),
        Some(_) | None => pair.to_owned(),
    });
    format!("{address}?{}", shown.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Debug, Parser)]
    struct Config {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: std::net::SocketAddr,
        #[arg(long, env = "RUNTIME_TEST_DATABASE")]
        database_url: Option<String>,
        #[arg(long, hide_env_values = true)]
        password: Option<String>,
    }

    fn run(args: &[&str]) -> Result<Config, Ended> {
        parse_from(["test"].iter().chain(args).map(std::ffi::OsString::from))
    }

    #[test]
    fn origins_are_named_and_secrets_are_not() {
        let args =
            ["--database-url", "postgres://me:hunter2@db:5432/x?password=hunter2&a=b", "--password=hunter2"];
        let args = [&args[..], &["--print-config"]].concat();
        let Err(Ended::Printed(settings)) = run(&args) else { panic!("it should have printed") };
        let lines = lines(&settings).join("\n");
        assert!(!lines.contains("hunter2"), "{lines}");
        assert!(lines.contains("postgres://me:(secret)@db:5432/x?password=(secret)&a=b"), "{lines}");
        let origins: Vec<_> = settings.iter().map(|s| (s.name.as_str(), s.origin.as_str())).collect();
        assert_eq!(origins, [("listen", "default"), ("database-url", "flag"), ("password", "flag")]);
    }

    #[test]
    fn a_wrong_value_names_its_flag() {
        let Err(Ended::Clap(error)) = run(&["--listen", "nowhere"]) else { panic!("it should be refused") };
        assert!(error.use_stderr() && error.to_string().contains("--listen"));
        let config = run(&["--listen", "127.0.0.1:80"]).unwrap_or_else(|_| panic!("it is a right value"));
        assert_eq!((config.listen.port(), config.database_url, config.password), (80, None, None));
    }

    #[test]
    fn a_value_may_stand_in_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        std::fs::write(&path, "nats://auth:hunter2@nats:4222\n").unwrap();
        let given = format!("@{}", path.display());
        assert_eq!(value_or_file(&given).unwrap(), "nats://auth:hunter2@nats:4222");
        assert_eq!(value_or_file("nats://nats:4222").unwrap(), "nats://nats:4222");
        assert!(value_or_file("@/does/not/exist").unwrap_err().contains("/does/not/exist"));
    }

    #[test]
    fn a_nats_token_is_not_printed() {
        assert_eq!(without_password("nats://s3cret@host:4222"), "nats://(secret)@host:4222");
        assert_eq!(without_password("nats://host:4222"), "nats://host:4222");
        assert_eq!(without_password("/var/lib/blobs"), "/var/lib/blobs");
    }
}
