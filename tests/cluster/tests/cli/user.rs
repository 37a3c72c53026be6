//! Somebody who types commands: the built binary, with a home of its own.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use testkit::{Cluster, binary};

/// A user of the command, with a home and a folder of files of their own.
pub(crate) struct User {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) url: String,
    pub(crate) token: Option<String>,
}

/// How a command ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        let last = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {:?} {}", self.out, self.err))
    }
}

impl User {
    pub(crate) fn new(cluster: &Cluster, token: Option<&str>) -> anyhow::Result<Self> {
        let url = cluster.http().to_owned();
        Ok(Self { dir: tempfile::tempdir()?, url, token: token.map(str::to_owned) })
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("latchkey"));
        command
            .args(arguments)
            .env("LATCHKEY_URL", &self.url)
            .env("XDG_CONFIG_HOME", self.dir.path().join("config"))
            .env_remove("LATCHKEY_TOKEN")
            .stdin(Stdio::null());
        if let Some(token) = &self.token {
            command.env("LATCHKEY_TOKEN", token);
        }
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> anyhow::Result<Ran> {
        self.run_with(arguments, "")
    }

    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> anyhow::Result<Ran> {
        let mut command = self.command(arguments);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        // A command that does not read its input may have ended already.
        child.stdin.take().expect("it was piped").write_all(input.as_bytes()).ok();
        let output = child.wait_with_output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Ran { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
    }

    /// Runs a command that must succeed, with `--json`, and reads its document.
    pub(crate) fn json(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let ran = self.run(&[arguments, &["--json"]].concat())?;
        anyhow::ensure!(ran.code == Some(0), "{arguments:?}: {:?} {}{}", ran.code, ran.out, ran.err);
        Ok(ran.json())
    }
}
