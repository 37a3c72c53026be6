//! File names, which clients cut into name, version and tags before they see anything else.

use std::str::FromStr;

use names::{CondaName, PackageKind, ProjectName};
use pep440_rs::Version;

use super::refusal::Refusal;

/// Longest file name that every file system takes.
const FILENAME_BYTES: usize = 255;

/// What no file of any kind may be called.
pub(super) fn check(filename: &str) -> Result<(), Refusal> {
    let refused = |why: &str| Err(Refusal::FileName(format!("{filename:?} is no file name: {why}")));
    if filename.is_empty() || filename.len() > FILENAME_BYTES {
        return refused("it has 1 to 255 bytes");
    }
    if filename.starts_with('.') || filename.contains(['/', '\\']) {
        return refused("it starts with a dot or holds a slash");
    }
    match filename.chars().all(|c| c.is_ascii_graphic()) {
        true => Ok(()),
        false => refused("use printable ASCII characters without blanks"),
    }
}

/// The same for one kind: people write blanks into the names of files that no tool cuts.
pub(super) fn check_of(kind: PackageKind, filename: &str) -> Result<(), Refusal> {
    let inner = |filename: &str| filename.trim() == filename;
    match kind.is_plain() && inner(filename) {
        true => check(&filename.replace(' ', "_")),
        false => check(filename),
    }
}

/// The normalised name of the package that a file in this place belongs to.
pub fn package_of(kind: PackageKind, subdir: &str, filename: &str) -> Result<String, Refusal> {
    check_of(kind, filename)?;
    match kind {
        PackageKind::Conda => {
            let name = filename.rsplitn(3, '-').nth(2).and_then(|name| CondaName::parse(name).ok());
            name.map(|name| name.to_string()).ok_or_else(|| {
                Refusal::FileName(format!(
                    "{filename:?} is no conda file name: expected <name>-<version>-<build>.conda or .tar.bz2"
                ))
            })
        }
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => {
            let name = super::plain::package_at(subdir);
            name.map(|name| name.to_string()).ok_or_else(|| {
                Refusal::FileName(format!("{subdir:?} is no place of a file: expected <name>/<version>"))
            })
        }
        PackageKind::Pypi if filename.ends_with(".whl") => Ok(Release::of_wheel(filename)?.name.to_string()),
        PackageKind::Pypi => Ok(Release::of_sdist(filename)?.name.to_string()),
    }
}

/// The project and version that a file's name speaks of.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) name: ProjectName,
    pub(super) version: Version,
}

impl Release {
    fn parse(name: &str, version: &str) -> Option<Self> {
        Some(Self { name: ProjectName::parse(name).ok()?, version: Version::from_str(version).ok()? })
    }

    /// Cuts `<name>-<version>`. A name may hold hyphens in files older than PEP 625, a version may not.
    pub(super) fn cut(stem: &str) -> Option<Self> {
        stem.rmatch_indices('-').find_map(|(at, _)| Self::parse(&stem[..at], &stem[at + 1..]))
    }

    /// `<name>-<version>[-<build>]-<python>-<abi>-<platform>.whl` (binary distribution format).
    pub(super) fn of_wheel(filename: &str) -> Result<Self, Refusal> {
        let parts: Vec<&str> = filename.strip_suffix(".whl").unwrap_or_default().split('-').collect();
        let (name, version, build, tags) = match parts[..] {
            [name, version, ref tags @ ..] if tags.len() == 3 => (name, version, None, tags),
            [name, version, build, ref tags @ ..] if tags.len() == 3 => (name, version, Some(build), tags),
            _ => return Err(wheel_name(filename)),
        };
        let is_build = |build: &str| build.starts_with(|c: char| c.is_ascii_digit());
        if !build.is_none_or(is_build) || !tags.iter().all(|tag| is_tag(tag)) {
            return Err(wheel_name(filename));
        }
        Self::parse(name, version).ok_or_else(|| wheel_name(filename))
    }

    /// `<name>-<version>.tar.gz` (PEP 625).
    pub(super) fn of_sdist(filename: &str) -> Result<Self, Refusal> {
        filename.strip_suffix(".tar.gz").and_then(Self::cut).ok_or_else(|| {
            Refusal::FileName(format!(
                "{filename:?} is no sdist name: expected <name>-<version>.tar.gz (PEP 625)"
            ))
        })
    }
}

/// One or several tags, joined by dots.
fn is_tag(tag: &str) -> bool {
    tag.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

fn wheel_name(filename: &str) -> Refusal {
    Refusal::FileName(format!(
        "{filename:?} is no wheel name: expected <name>-<version>[-<build>]-<python>-<abi>-<platform>.whl",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(filename: &str) -> Option<(String, String)> {
        let release = match filename.ends_with(".whl") {
            true => Release::of_wheel(filename),
            false => Release::of_sdist(filename),
        };
        release.ok().map(|release| (release.name.to_string(), release.version.to_string()))
    }

    #[test]
    fn names_of_wheels_and_sdists_are_cut() {
        for (filename, name, version) in [
            ("Leaf_Pkg-1.0-py3-none-any.whl", "leaf-pkg", "1.0"),
            (
                "torch-2.1.0+cu118-1local-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
                "torch",
                "2.1.0+cu118",
            ),
            ("a-1.0+ubuntu_1-py2.py3-none-any.whl", "a", "1.0+ubuntu.1"),
            ("leaf_pkg-1.0rc1.tar.gz", "leaf-pkg", "1.0rc1"),
            ("old-style-name-2.0.tar.gz", "old-style-name", "2.0"),
        ] {
            assert_eq!(of(filename), Some((name.into(), version.into())), "{filename}");
        }
    }

    #[test]
    fn other_names_are_refused() {
        for filename in [
            "a-1.0-py3-none.whl",
            "a-1.0-x-py3-none-any.whl",
            "a-1.0-py3--any.whl",
            "a-one-py3-none-any.whl",
            "-1.0-py3-none-any.whl",
            "a-1.0-1-2-py3-none-any.whl",
            "a.tar.gz",
            "a-b.tar.gz",
            "-1.0.tar.gz",
        ] {
            assert_eq!(of(filename), None, "{filename}");
        }
        for filename in ["", ".a-1.0.tar.gz", "a/b", "a\\b", "a b", "a\u{7f}", "\u{e9}"] {
            assert!(check(filename).is_err(), "{filename:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_joined_is_cut_again(
            name in "[a-z][a-z0-9_]{0,20}[a-z0-9]", version in "[0-9]{1,4}(\\.[0-9]{1,4}){0,3}", tag in "[a-z0-9_]{1,9}",
        ) {
            let release = Release::of_wheel(&format!("{name}-{version}-{tag}-{tag}-{tag}.whl")).unwrap();
            prop_assert_eq!(&release, &Release::cut(&format!("{name}-{version}")).unwrap());
            prop_assert_eq!(release.name, ProjectName::parse(&name).unwrap());
        }

        #[test]
        fn no_name_makes_the_parsers_panic(filename in "[ -~]{0,60}") {
            let _ = (check(&filename), Release::of_wheel(&filename), Release::of_sdist(&filename));
        }
    }
}
