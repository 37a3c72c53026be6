//! Passwords of the local servers: random, made once, in a file that only its owner reads.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::Context as _;

const BYTES: usize = 16;

/// Reads the password in a file, or makes one.
pub(crate) fn password(file: &Path) -> anyhow::Result<String> {
    if file.exists() {
        let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        return Ok(text.trim().into());
    }
    let mut bytes = [0; BYTES];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    write_private(file, &text)?;
    Ok(text)
}

/// Writes a file that only its owner reads.
pub(crate) fn write_private(file: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = File::options();
    options.create(true).write(true).truncate(true).mode(0o600);
    let mut file = options.open(file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file.write_all(text.as_bytes())?)
}
