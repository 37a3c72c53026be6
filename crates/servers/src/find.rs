//! Where the servers' programs are: named explicitly, on PATH in a good version, or in the tools folder.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};

/// The oldest nats-server that keeps the log's promises.
const OLDEST_NATS: (u32, u32, u32) = (2, 15, 1);
/// The oldest Postgres the projections are tested on.
const OLDEST_POSTGRES: u32 = 15;
/// Where Debian keeps Postgres, one folder per major, and not on PATH.
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";
/// Where `scripts/fetch-tools` puts the programs of a checkout.
const CHECKOUT_TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tools");

/// Finds nats-server: `explicit`, PATH if new enough, the tools folder.
pub fn find_nats(explicit: Option<&Path>, tools: Option<&Path>) -> anyhow::Result<PathBuf> {
    let (major, minor, patch) = OLDEST_NATS;
    if let Some(program) = explicit {
        let found = nats_version(program)
            .with_context(|| format!("{} is not a nats-server that can be run", program.display()))?;
        if found < OLDEST_NATS {
            bail!(
                "{} is {}.{}.{}: Latchkey needs nats-server {major}.{minor}.{patch} or newer",
                program.display(),
                found.0,
                found.1,
                found.2
            );
        }
        return Ok(program.into());
    }
    let candidates = on_path("nats-server")
        .chain(tools_folders(tools).map(|tools| tools.join("nats-server/bin/nats-server")));
    candidates
        .into_iter()
        .find(|program| nats_version(program).is_ok_and(|found| found >= OLDEST_NATS))
        .with_context(|| {
            format!("no nats-server {major}.{minor}.{patch} or newer on PATH or in the tools folder: run scripts/fetch-tools tools, or give its path")
        })
}

/// Finds the folder of Postgres' programs: `explicit`, PATH, Debian's folders, the tools folder.
pub fn find_postgres(explicit: Option<&Path>, tools: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(folder) = explicit {
        let found = postgres_major(folder)
            .with_context(|| format!("{} holds no Postgres that can be run", folder.display()))?;
        if found < OLDEST_POSTGRES {
            bail!("{} is Postgres {found}: Latchkey needs {OLDEST_POSTGRES} or newer", folder.display());
        }
        return Ok(folder.into());
    }
    let path = on_path("postgres").filter_map(|program| program.parent().map(Path::to_path_buf));
    let tools = tools_folders(tools).map(|tools| tools.join("postgres/bin"));
    path.chain(debian())
        .chain(tools)
        .find(|folder| {
            folder.join("postgres").is_file() && postgres_major(folder).is_ok_and(|found| found >= OLDEST_POSTGRES)
        })
        .with_context(|| {
            format!("no Postgres {OLDEST_POSTGRES} or newer on PATH, in {DEBIAN_POSTGRES} or in the tools folder: run scripts/fetch-tools tools, or apt-get install postgresql")
        })
}

/// Tests have no flag to be told by.
fn tools_folders(tools: Option<&Path>) -> impl Iterator<Item = PathBuf> {
    let given = tools.map(Path::to_path_buf).or_else(|| env::var_os("LATCHKEY_TOOLS").map(PathBuf::from));
    given.into_iter().chain([PathBuf::from(CHECKOUT_TOOLS)])
}

fn on_path(program: &str) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    folders.into_iter().map(move |folder| folder.join(program)).filter(|file| file.is_file())
}

/// Debian's folders, the newest major first.
fn debian() -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(DEBIAN_POSTGRES) else { return Vec::new() };
    let mut majors: Vec<u32> =
        entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    majors.sort_unstable_by(|a, b| b.cmp(a));
    majors.into_iter().map(|major| Path::new(DEBIAN_POSTGRES).join(major.to_string()).join("bin")).collect()
}

fn version_text(program: &Path) -> anyhow::Result<String> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    Ok(String::from_utf8(output.stdout)?)
}

/// From "nats-server: v2.15.1"; a pre-release counts as its release.
fn nats_version(program: &Path) -> anyhow::Result<(u32, u32, u32)> {
    let text = version_text(program)?;
    parse_nats(&text).with_context(|| format!("{} names no version: {}", program.display(), text.trim()))
}

fn parse_nats(text: &str) -> Option<(u32, u32, u32)> {
    let version = text.trim().rsplit(' ').next()?.trim_start_matches('v');
    let mut numbers = version.split(['.', '-', '+']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// From "initdb (PostgreSQL) 15.18 (Debian ...)": initdb needs a library that postgres itself does not.
pub(crate) fn postgres_major(folder: &Path) -> anyhow::Result<u32> {
    let text = version_text(&folder.join("initdb"))?;
    parse_postgres(&text).with_context(|| format!("{} names no version: {}", folder.display(), text.trim()))
}

fn parse_postgres(text: &str) -> Option<u32> {
    let version = text.split("(PostgreSQL) ").nth(1)?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_programs_print_them() {
        assert_eq!(parse_nats("nats-server: v2.15.1\n"), Some((2, 15, 1)));
        assert_eq!(parse_nats("nats-server: v2.16.0-RC.1\n"), Some((2, 16, 0)));
        assert_eq!(parse_nats("nats"), None);
        assert_eq!(parse_postgres("initdb (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(parse_postgres("initdb (PostgreSQL) 19beta1\n"), Some(19));
        assert_eq!(parse_postgres("something else"), None);
    }

    #[test]
    fn a_program_that_is_not_the_server_is_named() {
        let error = find_nats(Some(Path::new("/bin/false")), None).expect_err("it is no nats-server");
        assert_eq!(error.to_string(), "/bin/false is not a nats-server that can be run");
        let error = find_postgres(Some(Path::new("/nowhere")), None).expect_err("there is nothing");
        assert_eq!(error.to_string(), "/nowhere holds no Postgres that can be run");
    }
}
