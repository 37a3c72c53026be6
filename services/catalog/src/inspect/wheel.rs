//! Wheels (binary distribution format, PEP 427 and its successors).

use std::{
    collections::BTreeMap,
    io::{Read, Seek, copy, sink},
};

use super::{
    Claim, FileType, Python,
    filename::Release,
    limits::{Meter, document},
    metadata,
    refusal::{Failed, Refusal, broken},
    zip,
};

/// Documents in the dist-info folder that are looked into.
const DOCUMENTS: [&str; 3] = ["METADATA", "WHEEL", "entry_points.txt"];

/// Reads the wheel. Every member is unpacked once, so that each has the size and checksum that the directory says.
pub(super) fn inspect<F: Read + Seek>(
    file: &mut F,
    claim: &Claim<'_>,
    meter: &Meter<'_>,
) -> Result<Python, Failed> {
    let release = Release::of_wheel(claim.filename)?;
    let members = zip::members(file, meter)?;
    let folder = dist_info(&members, &release, claim)?;
    let mut documents = BTreeMap::new();
    for member in &members {
        let name = member.name.strip_prefix(&folder).and_then(|name| name.strip_prefix('/'));
        let wanted = DOCUMENTS.into_iter().find(|wanted| Some(*wanted) == name);
        let text = zip::read(file, member, meter, |data| {
            match wanted {
                Some(_) => document(data, &member.name, meter.limits.document_bytes),
                None => copy(data, &mut sink()).map(|_| Vec::new()),
            }
            .map_err(|error| broken(&member.name, error))
        })?;
        if let Some(wanted) = wanted {
            documents.insert(wanted, text);
        }
        if let Some(script) = script(&member.name) {
            command(script)?;
        }
    }
    let record = format!("{folder}/RECORD");
    if !members.iter().any(|member| member.name == record) {
        return Err(Refusal::Missing(record).into());
    }
    let mut take =
        |name: &str| documents.remove(name).ok_or_else(|| Refusal::Missing(format!("{folder}/{name}")));
    let (wheel, text) = (take("WHEEL")?, take("METADATA")?);
    wheel_version(&wheel, &folder)?;
    entry_points(&take("entry_points.txt").unwrap_or_default())?;
    Ok(metadata::read(text, &format!("{folder}/METADATA"), &release, claim, FileType::Wheel)?)
}

/// The one `*.dist-info` folder at the top, which must be named after the wheel.
fn dist_info(members: &[zip::Member], release: &Release, claim: &Claim<'_>) -> Result<String, Refusal> {
    let tops = members.iter().filter_map(|member| member.name.split_once('/').map(|(top, _)| top));
    let mut folders: Vec<&str> =
        tops.filter(|top| top.to_ascii_lowercase().ends_with(".dist-info")).collect();
    folders.sort_unstable();
    folders.dedup();
    let [folder] = folders[..] else { return Err(Refusal::DistInfo { found: folders.len() }) };
    let stem = folder.strip_suffix(".dist-info").unwrap_or_default();
    match Release::cut(stem).is_some_and(|found| found == *release) {
        true => Ok(folder.to_owned()),
        false => Err(Refusal::OtherProject {
            place: "the dist-info folder".into(),
            found: folder.to_owned(),
            expected: claim.filename.to_owned(),
        }),
    }
}

/// Installers refuse a major version they do not know.
fn wheel_version(text: &[u8], folder: &str) -> Result<(), Refusal> {
    let text = String::from_utf8_lossy(text);
    let version = text.lines().find_map(|line| line.strip_prefix("Wheel-Version:")).map(str::trim);
    match version.is_some_and(|version| version.starts_with("1.")) {
        true => Ok(()),
        false => Err(Refusal::Metadata {
            place: format!("{folder}/WHEEL"),
            why: format!("Wheel-Version is {}, known is 1.x", version.unwrap_or("missing")),
        }),
    }
}

/// The name of a file that is installed beside the interpreter.
fn script(member: &str) -> Option<&str> {
    let (top, rest) = member.split_once('/')?;
    top.ends_with(".data").then(|| rest.strip_prefix("scripts/")).flatten().filter(|name| !name.is_empty())
}

/// The commands that installers make from `[console_scripts]` and `[gui_scripts]`.
fn entry_points(text: &[u8]) -> Result<(), Refusal> {
    let mut makes_commands = false;
    for line in String::from_utf8_lossy(text).lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            makes_commands =
                matches!(section.trim_end_matches(']').trim(), "console_scripts" | "gui_scripts");
        } else if makes_commands
            && !line.starts_with(['#', ';'])
            && let Some((name, _)) = line.split_once('=')
        {
            command(name.trim())?;
        }
    }
    Ok(())
}

/// A command may not leave the folder of commands, nor take the interpreter's place in it.
fn command(name: &str) -> Result<(), Refusal> {
    let lower = name.to_ascii_lowercase();
    let stem = lower.strip_suffix(".exe").unwrap_or(&lower);
    let version = stem.strip_prefix("python").map(|rest| rest.strip_prefix('w').unwrap_or(rest));
    let is_python = version.is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit() || c == '.'));
    match is_python || name.contains(['/', '\\']) || matches!(name, "." | "..") {
        true => Err(Refusal::Script(name.to_owned())),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_neither_leaves_its_folder_nor_stands_in_for_the_interpreter() {
        for name in ["python", "Python3", "python3.12", "pythonw.exe", "../x", "a\\b", ".."] {
            assert_eq!(command(name), Err(Refusal::Script(name.into())));
        }
        for name in ["ipython", "python-config", "pythonic", "pip3.12", "x.py"] {
            assert_eq!(command(name), Ok(()), "{name}");
        }
        assert_eq!(entry_points(b"[x]\npython = a:b\n[console_scripts]\n# python = a\nok = a:b"), Ok(()));
        assert!(entry_points(b"[console_scripts]\npython = a:b").is_err());
    }
}
