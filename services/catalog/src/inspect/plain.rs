//! Notebooks, environments and plain files. Only what the kind itself says is checked: a notebook is one that Jupyter
//! opens, an environment one that conda can read, a file is whatever it is.

use std::io::{BufReader, Read, Seek, SeekFrom};

use names::{PackageKind, PlainName, PlainVersion};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use time::OffsetDateTime;

use super::limits::{Meter, Metered, Source, document};
use super::refusal::{Failed, Refusal, broken};
use super::{Claim, yaml};

/// Largest environment file: people write these by hand, or a solver writes some thousand lines.
pub(super) const ENVIRONMENT_BYTES: u64 = 1 << 20;
/// Formats of notebooks that Jupyter opens today.
const NBFORMATS: std::ops::RangeInclusive<u32> = 3..=4;
/// Longest summary that is kept, in characters.
const SUMMARY_CHARS: usize = 512;

/// What is held of a file that is no package of conda's or Python's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plain {
    pub kind: PackageKind,
    pub name: PlainName,
    pub version: PlainVersion,
    pub summary: String,
}

impl Plain {
    /// Where it stands within its kind: a version has one file of a name.
    pub fn place(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }
}

/// The package that a place is of; nothing if it is no place of such a kind.
pub(super) fn package_at(place: &str) -> Option<PlainName> {
    let (name, version) = place.split_once('/')?;
    let parsed = PlainName::parse(name).ok()?;
    PlainVersion::parse(version).ok()?;
    (parsed.as_str() == name).then_some(parsed)
}

pub(super) fn inspect<F: Read + Seek>(
    file: &mut F,
    claim: &Claim<'_>,
    meter: &Meter<'_>,
) -> Result<Plain, Failed> {
    file.seek(SeekFrom::Start(0)).map_err(Failed::Fault)?;
    if claim.kind == PackageKind::Notebook && meter.packed > meter.limits.notebook_bytes {
        let (member, limit) = (claim.filename.to_owned(), meter.limits.notebook_bytes);
        return Err(Refusal::MemberSize { member, limit }.into());
    }
    let source = Metered { inner: Source(file), meter };
    let found = match claim.kind {
        PackageKind::Notebook => notebook(source, claim)?,
        PackageKind::Environment => environment(source, claim)?,
        PackageKind::Conda | PackageKind::Pypi | PackageKind::File => Found::default(),
    };
    Ok(Plain {
        kind: claim.kind,
        name: name(claim, found.name.as_deref())?,
        version: version(claim)?,
        summary: found.summary.chars().take(SUMMARY_CHARS).collect(),
    })
}

/// What a file says of itself.
#[derive(Default)]
struct Found {
    name: Option<String>,
    summary: String,
}

fn name(claim: &Claim<'_>, found: Option<&str>) -> Result<PlainName, Refusal> {
    let parse = |name: &str| PlainName::parse(name).map_err(|error| Refusal::FileName(error.to_string()));
    let said = (!claim.form_name.is_empty()).then(|| parse(claim.form_name)).transpose()?;
    match (said, found) {
        (Some(said), Some(found)) if parse(found)? != said => {
            Err(Refusal::Form { field: "name", form: claim.form_name.to_owned(), found: found.to_owned() })
        }
        (Some(said), _) => Ok(said),
        (None, Some(found)) => parse(found),
        (None, None) if claim.kind == PackageKind::Notebook => {
            PlainName::of_file(claim.filename).map_err(|error| Refusal::FileName(error.to_string()))
        }
        (None, None) => {
            Err(Refusal::FileName("say which package the file is of: it tells no name itself".into()))
        }
    }
}

/// As said; else, as the products have it, the time of the upload.
fn version(claim: &Claim<'_>) -> Result<PlainVersion, Refusal> {
    let text = match (claim.form_version, claim.kind) {
        ("", PackageKind::File) => {
            return Err(Refusal::FileName("say which version the file is of: it tells none itself".into()));
        }
        ("", _) => stamp(claim.now_ms),
        (said, _) => said.to_owned(),
    };
    PlainVersion::parse(&text).map_err(|error| Refusal::FileName(error.to_string()))
}

fn stamp(now_ms: i64) -> String {
    let now = OffsetDateTime::from_unix_timestamp(now_ms / 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = now.to_calendar_date();
    let (hour, minute, second) = now.to_hms();
    format!("{year}.{:02}.{day:02}.{hour:02}{minute:02}{second:02}", u8::from(month))
}

/// As much of a notebook as is looked at (nbformat 3 and 4); the rest is read over, so it takes no memory.
#[derive(Deserialize)]
struct Notebook {
    nbformat: u32,
    #[serde(default)]
    metadata: Metadata,
    /// nbformat 4.
    cells: Option<Vec<IgnoredAny>>,
    /// nbformat 3.
    worksheets: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize, Default)]
struct Metadata {
    kernelspec: Option<Kernel>,
}

#[derive(Deserialize)]
struct Kernel {
    #[serde(default)]
    display_name: String,
}

fn notebook(source: impl Read, claim: &Claim<'_>) -> Result<Found, Failed> {
    if !claim.filename.ends_with(".ipynb") {
        return Err(Refusal::FileName(format!(
            "{:?} is no notebook: its name ends in .ipynb",
            claim.filename
        ))
        .into());
    }
    let refused = |why: String| Failed::Refused(Refusal::Document { member: claim.filename.to_owned(), why });
    let notebook: Notebook = match serde_json::from_reader(BufReader::new(source)) {
        Ok(notebook) => notebook,
        Err(error) if error.is_io() => return Err(broken(claim.filename, error.into())),
        Err(error) => return Err(refused(format!("it is no notebook: {error}"))),
    };
    if !NBFORMATS.contains(&notebook.nbformat) {
        let format = notebook.nbformat;
        return Err(refused(format!(
            "it is a notebook of format {format}: 3 and 4 are known; save it with a newer Jupyter"
        )));
    }
    let cells = notebook.cells.or(notebook.worksheets);
    let cells = cells.ok_or_else(|| refused("it is no notebook: it has no cells".into()))?.len();
    let kernel = notebook.metadata.kernelspec.map(|kernel| kernel.display_name).unwrap_or_default();
    let kernel = kernel.lines().next().unwrap_or_default().trim();
    let summary = match kernel {
        "" => format!("a notebook of {cells} cells"),
        kernel => format!("a notebook of {cells} cells for {kernel}"),
    };
    Ok(Found { name: None, summary })
}

fn environment(mut source: impl Read, claim: &Claim<'_>) -> Result<Found, Failed> {
    if ![".yml", ".yaml"].iter().any(|end| claim.filename.ends_with(end)) {
        let what = format!("{:?} is no environment: its name ends in .yml or .yaml", claim.filename);
        return Err(Refusal::FileName(what).into());
    }
    let bytes = document(&mut source, claim.filename, ENVIRONMENT_BYTES);
    let bytes = bytes.map_err(|error| broken(claim.filename, error))?;
    let refused = |why: &str| Refusal::Document { member: claim.filename.to_owned(), why: why.to_owned() };
    let text = std::str::from_utf8(&bytes).map_err(|_| refused("it is not UTF-8"))?;
    let document = yaml::document(text).ok_or_else(|| {
        refused(
            "it cannot be read: expected one YAML document, each key once, without tags of a language's own",
        )
    })?;
    let Value::Object(document) = document else {
        return Err(refused("it is no environment: expected keys and values").into());
    };
    let name = document.get("name").and_then(Value::as_str);
    let name = name.ok_or_else(|| refused("it is no environment: it has no name, or one that is no text"))?;
    let listed = |field: &str| match document.get(field) {
        None | Some(Value::Null) => Ok(0),
        Some(Value::Array(values)) => Ok(values.len()),
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            Err(refused(&format!("its {field} are no list")))
        }
    };
    let (dependencies, _) = (listed("dependencies")?, listed("channels")?);
    Ok(Found {
        name: Some(name.to_owned()),
        summary: format!("an environment of {dependencies} dependencies"),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Facts, Limits, inspect as read};
    use super::*;
    use std::io::Cursor;
    use std::time::Duration;

    fn claim<'a>(kind: PackageKind, filename: &'a str, name: &'a str, version: &'a str) -> Claim<'a> {
        Claim {
            kind,
            filename,
            subdir: None,
            form_name: name,
            form_version: version,
            now_ms: 1_795_608_000_000,
        }
    }

    fn facts(bytes: &[u8], claim: &Claim<'_>) -> Result<Plain, String> {
        let read = read(&mut Cursor::new(bytes), claim, &Limits::default(), &|| Duration::ZERO);
        match read.map(|inspected| inspected.facts) {
            Ok(Facts::Plain(plain)) => Ok(plain),
            Ok(other) => panic!("{other:?}"),
            Err(failed) => Err(failed.to_string()),
        }
    }

    const NOTEBOOK: &[u8] = br#"{"nbformat": 4, "nbformat_minor": 5, "cells": [{"source": []}, {}],
        "metadata": {"kernelspec": {"display_name": "Python 3", "name": "python3"}}}"#;
    const ENVIRONMENT: &[u8] =
        b"name: Stats\nchannels: [defaults]\ndependencies:\n  - python\n  - pip: [requests]\n";

    #[test]
    fn a_notebook_is_named_after_its_file_and_versioned_by_the_time() {
        let plain = facts(NOTEBOOK, &claim(PackageKind::Notebook, "My Notes.ipynb", "", "")).unwrap();
        assert_eq!((plain.name.as_str(), plain.version.as_str()), ("my-notes", "2026.11.25.120000"));
        assert_eq!(plain.summary, "a notebook of 2 cells for Python 3");
        assert_eq!(package_at(&plain.place()), Some(plain.name));
        let said = facts(NOTEBOOK, &claim(PackageKind::Notebook, "n.ipynb", "Other", "1.0")).unwrap();
        assert_eq!(said.place(), "other/1.0");
    }

    #[test]
    fn what_is_no_notebook_is_refused_with_the_reason() {
        for (bytes, words) in [
            (&b"{}"[..], "nbformat"),
            (b"[]", "no notebook"),
            (b"\x89PNG", "no notebook"),
            (br#"{"nbformat": 2, "worksheets": []}"#, "format 2"),
            (br#"{"nbformat": 4}"#, "no cells"),
            (br#"{"nbformat": 4, "cells": {}}"#, "no notebook"),
            (br#"{"nbformat": 4, "cells": [] } x"#, "no notebook"),
        ] {
            let refusal = facts(bytes, &claim(PackageKind::Notebook, "a.ipynb", "", "")).unwrap_err();
            assert!(refusal.contains(words), "{refusal}");
        }
        let deep = format!(r#"{{"nbformat": 4, "cells": {}"#, "[".repeat(100_000));
        assert!(facts(deep.as_bytes(), &claim(PackageKind::Notebook, "a.ipynb", "", "")).is_err());
        assert!(
            facts(NOTEBOOK, &claim(PackageKind::Notebook, "a.json", "", "")).unwrap_err().contains(".ipynb")
        );
    }

    #[test]
    fn a_notebook_is_limited_at_the_edge() {
        let of = |notebook_bytes| {
            let limits = Limits { notebook_bytes, ..Limits::default() };
            let claim = claim(PackageKind::Notebook, "a.ipynb", "", "");
            read(&mut Cursor::new(NOTEBOOK), &claim, &limits, &|| Duration::ZERO)
        };
        assert!(of(NOTEBOOK.len() as u64).is_ok());
        assert!(of(NOTEBOOK.len() as u64 - 1).unwrap_err().to_string().contains("more than"));
    }

    #[test]
    fn an_environment_is_called_what_it_says() {
        let plain = facts(ENVIRONMENT, &claim(PackageKind::Environment, "environment.yml", "", "1")).unwrap();
        assert_eq!(
            (plain.name.as_str(), plain.summary.as_str()),
            ("stats", "an environment of 2 dependencies")
        );
        assert!(
            facts(ENVIRONMENT, &claim(PackageKind::Environment, "environment.yml", "STATS", "1")).is_ok()
        );
        let other = facts(ENVIRONMENT, &claim(PackageKind::Environment, "environment.yml", "other", "1"));
        assert!(other.unwrap_err().contains("the form says name"));
    }

    #[test]
    fn what_is_no_environment_is_refused_with_the_reason() {
        for (bytes, words) in [
            (&b"dependencies: []"[..], "no name"),
            (b"name: 1.0", "no text"),
            (b"- a", "keys and values"),
            (b"name: a\nname: b", "each key once"),
            (b"name: a\ndependencies: python", "no list"),
            (b"name: !!python/object:os.X {}", "tags"),
            (b"\xff", "UTF-8"),
            (b"name: ../../etc", "no package name"),
        ] {
            let refusal = facts(bytes, &claim(PackageKind::Environment, "e.yml", "", "1")).unwrap_err();
            assert!(refusal.contains(words), "{refusal}");
        }
        let limit = usize::try_from(ENVIRONMENT_BYTES).unwrap();
        let long = |bytes: usize| [b"name: a\n#".as_slice(), &vec![b'x'; bytes - 9]].concat();
        let of = |bytes| facts(&long(bytes), &claim(PackageKind::Environment, "e.yaml", "", "1"));
        assert!(of(limit).is_ok());
        assert!(of(limit + 1).unwrap_err().contains("more than"));
        assert!(facts(ENVIRONMENT, &claim(PackageKind::Environment, "e.txt", "", "1")).is_err());
    }

    #[test]
    fn a_plain_file_is_taken_whatever_it_is_under_a_name_and_version() {
        let plain = facts(b"\0\xff", &claim(PackageKind::File, "model v2.bin", "Model", "2.0")).unwrap();
        assert_eq!(plain.place(), "model/2.0");
        for (name, version) in [("", "1"), ("a", ""), ("a/b", "1"), ("a", "../1")] {
            assert!(facts(b"x", &claim(PackageKind::File, "f", name, version)).is_err(), "{name} {version}");
        }
        for place in ["", "a", "A/1", "a/", "a/b/c", "../1", "a/.."] {
            assert_eq!(package_at(place), None, "{place}");
        }
    }
}
