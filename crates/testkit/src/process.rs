//! Processes that tests look for from outside: where our binaries are, and what still runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a test waits for what other processes do by themselves.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Between two looks at what gives no notice when it changes.
pub(crate) const LOOK: Duration = Duration::from_millis(20);

/// One of our binaries, built beside the running test. Panics with the line to type if it is not there.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test is a file");
    let folder = test.parent().and_then(Path::parent).expect("tests lie in target/PROFILE/deps");
    let path = folder.join(name);
    assert!(path.is_file(), "{} is not there: cargo build --workspace --bins", path.display());
    path
}

/// A process as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its command line.
    pub line: String,
}

/// All processes whose command lines name a path.
pub fn processes_naming(path: &Path) -> Vec<Process> {
    let wanted = path.to_string_lossy();
    let process = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some(Process { pid, line: String::from_utf8_lossy(&line).replace('\0', " ") })
    };
    let entries = std::fs::read_dir("/proc").expect("this is Linux").flatten();
    entries.filter_map(process).filter(|process| process.line.contains(&*wanted)).collect()
}

/// Waits for something that gives no notice, and panics when it takes too long.
pub async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let mut look = tokio::time::interval(LOOK);
    let waiting = async {
        while !holds() {
            look.tick().await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, waiting).await.is_ok(), "waited {} s until {what}", LIMIT.as_secs());
}

/// Whether the full numbers of the acceptance are asked for.
pub fn is_long() -> bool {
    std::env::var_os("LATCHKEY_LONG").is_some_and(|value| !value.is_empty())
}
