//! A running `latchkey up`, and what is said to it from another terminal.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use nix::sys::signal::{self, Signal};
use nix::unistd::Pid;
use serde_json::Value;
use testkit::{Session, binary};

/// Starts it on a free port; with `--json` it prints one document, when it is ready.
pub(crate) struct Up {
    child: Child,
    pub(crate) record: Value,
}

impl Up {
    pub(crate) fn start(data: &Path) -> anyhow::Result<Self> {
        Self::start_with(data, &[])
    }

    pub(crate) fn start_with(data: &Path, options: &[&str]) -> anyhow::Result<Self> {
        let mut child = command(&["--json", "up", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()?;
        let out = child.stdout.take().expect("it was piped");
        let line = BufReader::new(out).lines().next();
        let line = line.unwrap_or_else(|| panic!("it ended before it was ready: {:?}", child.wait()))?;
        Ok(Self { child, record: serde_json::from_str(&line)? })
    }

    pub(crate) fn session(&self) -> Session {
        let text = |field: &str| self.record[field].as_str().unwrap_or_default().to_owned();
        Session::new(&text("http"), Some(&text("admin_token")))
    }

    pub(crate) fn signal(&mut self, signal: Signal) -> anyhow::Result<ExitStatus> {
        kill(self.child.id(), signal)?;
        Ok(self.child.wait()?)
    }

    /// A client verb against it, with the first account's session.
    pub(crate) fn run(&self, arguments: &[&str]) -> anyhow::Result<Value> {
        let output = command(&[&["--json"], arguments].concat())
            .env("LATCHKEY_URL", self.record["http"].as_str().unwrap_or_default())
            .env("LATCHKEY_TOKEN", self.record["admin_token"].as_str().unwrap_or_default())
            .envs(self.record["tls_ca"].as_str().map(|ca| ("LATCHKEY_CA", ca)))
            .output()?;
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        let said = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "latchkey {arguments:?}: {} {out} {said}", output.status);
        Ok(serde_json::from_str(out.lines().last().unwrap_or_default())?)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        // Gone already, in a test that went well.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

pub(crate) fn kill(process: u32, signal: Signal) -> anyhow::Result<()> {
    Ok(signal::kill(Pid::from_raw(i32::try_from(process)?), signal)?)
}

pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(binary("latchkey"));
    command.args(arguments).env_remove("LATCHKEY_URL").env_remove("LATCHKEY_TOKEN");
    command
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
