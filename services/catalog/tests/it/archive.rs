//! Writers of archives in which every byte can be wrong on purpose.

pub(crate) mod conda;
pub(crate) mod python;
pub(crate) mod tar;
pub(crate) mod zip;

use std::io::Cursor;
use std::time::Duration;

use catalog::inspect::{Claim, Failed, Inspected, Limits, Refusal, inspect};
use names::{PackageKind, Subdir};

/// 2026-11-21.
pub(crate) const NOW_MS: i64 = 1_795_219_200_000;

/// Inspects bytes under limits, as a conda or a Python file by its name.
pub(crate) fn look(filename: &str, bytes: &[u8], limits: &Limits) -> Result<Inspected, Refusal> {
    look_at(filename, bytes, limits, None, ("", ""))
}

pub(crate) fn look_at(
    filename: &str,
    bytes: &[u8],
    limits: &Limits,
    subdir: Option<&str>,
    (form_name, form_version): (&str, &str),
) -> Result<Inspected, Refusal> {
    let is_conda = filename.ends_with(".conda") || filename.ends_with(".tar.bz2");
    let subdir = subdir.map(|subdir| Subdir::parse(subdir).unwrap());
    let claim = Claim {
        kind: if is_conda { PackageKind::Conda } else { PackageKind::Pypi },
        filename,
        subdir: subdir.as_ref(),
        form_name,
        form_version,
        now_ms: NOW_MS,
    };
    inspect(&mut Cursor::new(bytes), &claim, limits, &|| Duration::ZERO).map_err(|failed| match failed {
        Failed::Refused(refusal) => refusal,
        Failed::Fault(error) => panic!("a cursor has no faults: {error}"),
    })
}
