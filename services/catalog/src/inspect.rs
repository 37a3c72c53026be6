//! Reads the facts from an archive: what it says of itself, never what a form says, and only under limits.
//!
//! Pure: a file in, facts or a refusal out. Nothing is unpacked to disk, nothing is allocated because a header claims
//! a size. It blocks, so it is called on a thread of its own.

mod conda;
mod filename;
mod json;
mod limits;
mod metadata;
mod path;
mod plain;
mod refusal;
mod sdist;
mod tar;
mod wheel;
mod yaml;
mod zip;

use std::{
    io::{Read, Seek, SeekFrom},
    time::Duration,
};

use names::{PackageKind, ProjectName, Subdir};

pub use conda::Conda;
pub use filename::package_of;
pub use limits::Limits;
pub use plain::Plain;
pub use refusal::{Failed, Refusal};

use limits::Meter;

/// What is said of the file before it is opened.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    pub kind: PackageKind,
    pub filename: &'a str,
    /// conda: the subdir of the upload's address.
    pub subdir: Option<&'a Subdir>,
    /// Python: name and version of the form, empty if absent.
    pub form_name: &'a str,
    pub form_version: &'a str,
    /// The server's time, milliseconds since 1970.
    pub now_ms: i64,
}

/// What a file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Facts {
    Conda(Conda),
    Python(Python),
    Plain(Plain),
}

/// What the index holds of a Python file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Python {
    pub filetype: FileType,
    pub name: ProjectName,
    /// Name and version as the author spells them.
    pub project: String,
    pub version: String,
    /// The version in its normal form (PEP 440), by which versions are compared.
    pub release: String,
    /// The author's string, empty if there is none.
    pub requires_python: String,
    pub summary: String,
    /// A wheel's METADATA, byte for byte.
    pub metadata: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileType {
    Wheel,
    Sdist,
}

/// Facts, and oddities that were accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    pub facts: Facts,
    pub warnings: Vec<String>,
}

/// Reads a file. `elapsed` tells how long it has taken so far.
pub fn inspect<F: Read + Seek>(
    file: &mut F,
    claim: &Claim<'_>,
    limits: &Limits,
    elapsed: &dyn Fn() -> Duration,
) -> Result<Inspected, Failed> {
    let packed = file.seek(SeekFrom::End(0)).map_err(Failed::Fault)?;
    filename::check_of(claim.kind, claim.filename)?;
    let meter = |density| Meter::new(limits, elapsed, packed, density);
    let mut warnings = Vec::new();
    let facts = match claim.kind {
        PackageKind::Conda => {
            Facts::Conda(conda::inspect(file, claim, &meter(limits.tar_density), &mut warnings)?)
        }
        PackageKind::Pypi if claim.filename.ends_with(".whl") => {
            Facts::Python(wheel::inspect(file, claim, &meter(limits.zip_density))?)
        }
        PackageKind::Pypi if claim.filename.ends_with(".tar.gz") => {
            Facts::Python(sdist::inspect(file, claim, &meter(limits.tar_density), &mut warnings)?)
        }
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => {
            // They are not unpacked: what is read is what was sent.
            Facts::Plain(plain::inspect(file, claim, &meter(1))?)
        }
        PackageKind::Pypi => {
            let what = format!("{:?} is neither a wheel (.whl) nor an sdist (.tar.gz)", claim.filename);
            return Err(Refusal::FileName(what).into());
        }
    };
    Ok(Inspected { facts, warnings })
}
