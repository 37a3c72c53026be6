//! `channeldata.json` (CEP 38): what a channel holds, by package name, for people who browse.
//!
//! It equals what conda-index 0.13 writes, down to the order in which it visits files: a `.tar.bz2` counts only
//! where no `.conda` of that stem exists; of each version the newest file speaks; a newer version replaces what an
//! older one said; and `timestamp` is that of the file visited last, in seconds.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::str::FromStr;

use rattler_conda_types::Version;
use serde_json::{Map, Value, json};

use crate::render::record::{CondaFile, Section, newest, section};
use crate::render::{JSON, Rendered, json as write};

/// A value of these is replaced by a newer version's.
const REPLACED: [&str; 16] = [
    "description",
    "dev_url",
    "doc_url",
    "doc_source_url",
    "home",
    "license",
    "source_url",
    "source_git_url",
    "summary",
    "icon_url",
    "icon_hash",
    "tags",
    "identifiers",
    "keywords",
    "recipe_origin",
    "version",
];

/// True as soon as one file of the name says so.
const SEEN: [&str; 7] =
    ["binary_prefix", "text_prefix", "activate.d", "deactivate.d", "pre_link", "post_link", "pre_unlink"];

/// Stands for a version that is not there: none is older.
const NO_VERSION: &str = "0";

/// Larger numbers are milliseconds: in seconds this is the last one of the year 9999.
const LAST_SECOND: i64 = 253_402_300_799;

/// The files of one package name in one subdir.
#[derive(Debug, Clone, Copy)]
pub struct Package<'a> {
    /// Where the files are.
    pub subdir: &'a str,
    /// Its name.
    pub name: &'a str,
    /// All of them, in any order.
    pub files: &'a [CondaFile],
}

/// Renders the channel.
pub fn channeldata<'a>(
    packages: impl Iterator<Item = Package<'a>> + Clone,
) -> Result<Rendered, serde_json::Error> {
    let mut by_name: BTreeMap<&str, BTreeMap<&str, &[CondaFile]>> = BTreeMap::new();
    let mut subdirs = BTreeSet::from(["noarch"]);
    for package in packages.clone() {
        subdirs.insert(package.subdir);
        by_name.entry(package.name).or_default().insert(package.subdir, package.files);
    }
    let mut out = Vec::new();
    out.extend_from_slice(br#"{"channeldata_version":1,"packages":"#);
    let entries =
        by_name.iter().map(|(name, subdirs)| Ok((*name, entry(subdirs)?))).collect::<Result<Vec<_>, _>>()?;
    write::object(&mut out, entries, |out, entry| {
        serde_json::to_writer(out, &entry).expect("values are JSON");
    });
    out.extend_from_slice(br#","subdirs":"#);
    serde_json::to_writer(&mut out, &subdirs)?;
    out.push(b'}');
    Ok(Rendered::new(JSON, out, newest(packages.flat_map(|package| package.files))))
}

/// One package's entry, over all subdirs in their order.
fn entry(subdirs: &BTreeMap<&str, &[CondaFile]>) -> Result<BTreeMap<String, Value>, serde_json::Error> {
    let mut entry = BTreeMap::new();
    for (subdir, files) in subdirs {
        for data in speakers(files)? {
            visit(&mut entry, subdir, &data);
        }
    }
    entry.retain(|_, value| !value.is_null());
    Ok(entry)
}

/// Of each version the file with the newest timestamp, with all it says, in the order of first appearance.
fn speakers(files: &[CondaFile]) -> Result<Vec<Map<String, Value>>, serde_json::Error> {
    let conda = section(files, Section::PackagesConda);
    let stems: BTreeSet<_> = conda.iter().filter_map(|file| file.filename.strip_suffix(".conda")).collect();
    let legacy = section(files, Section::Packages)
        .into_iter()
        .filter(|file| !file.filename.strip_suffix(".tar.bz2").is_some_and(|stem| stems.contains(stem)));
    let mut speakers: Vec<Map<String, Value>> = Vec::new();
    let mut places = HashMap::new();
    for file in conda.iter().copied().chain(legacy) {
        let said = said(file)?;
        let place = *places.entry(version(&said).to_owned()).or_insert(speakers.len());
        match speakers.get_mut(place) {
            Some(other) if timestamp(other) < timestamp(&said) => *other = said,
            Some(_) => {}
            None => speakers.push(said),
        }
    }
    Ok(speakers)
}

/// Everything a file says: its record wins over the rest of its metadata.
fn said(file: &CondaFile) -> Result<Map<String, Value>, serde_json::Error> {
    let mut said: Map<String, Value> = serde_json::from_str(&file.channeldata)?;
    for key in ["description", "summary"] {
        if let Some(value) = said.get_mut(key) {
            one_line(value);
        }
    }
    said.extend(serde_json::from_str::<Map<String, Value>>(&file.record)?);
    said.insert("run_exports".into(), serde_json::from_str(&file.run_exports)?);
    Ok(said)
}

fn visit(entry: &mut BTreeMap<String, Value>, subdir: &str, data: &Map<String, Value>) {
    let newer = newer(data, entry);
    for key in REPLACED {
        if let Some(value) = data.get(key).filter(|value| truthy(value))
            && (newer || !entry.get(key).is_some_and(truthy))
        {
            entry.insert(key.into(), value.clone());
        }
    }
    for key in SEEN {
        let seen = data.get(key).is_some_and(truthy) || entry.get(key).is_some_and(truthy);
        entry.insert(key.into(), seen.into());
    }
    if let Some(Value::Array(subdirs)) = entry.get_mut("subdirs") {
        if !subdirs.iter().any(|known| known == subdir) {
            subdirs.push(subdir.into());
        }
    } else {
        entry.insert("subdirs".into(), json!([subdir]));
    }
    let exports = entry.entry("run_exports".into()).or_insert_with(|| json!({}));
    if let Some(these) = data.get("run_exports").filter(|exports| truthy(exports)) {
        exports[version(data)] = these.clone();
    }
    entry.insert("timestamp".into(), seconds(timestamp(data)).into());
}

/// Whether a file speaks for a newer version than what is known, or for the same one at a later time.
fn newer(data: &Map<String, Value>, entry: &BTreeMap<String, Value>) -> bool {
    let version = version(data);
    let known = entry.get("version").and_then(Value::as_str).unwrap_or(NO_VERSION);
    if version == known {
        let known_at = entry.get("timestamp").and_then(Value::as_i64).unwrap_or(0);
        return seconds(timestamp(data)) > seconds(known_at);
    }
    match (Version::from_str(version), Version::from_str(known)) {
        (Ok(version), Ok(known)) => version > known,
        (Ok(_), Err(_)) => true,
        (Err(_), _) => false,
    }
}

fn version(data: &Map<String, Value>) -> &str {
    data.get("version").and_then(Value::as_str).unwrap_or(NO_VERSION)
}

#[expect(clippy::cast_possible_truncation, reason = "a cast from float to integer saturates")]
fn timestamp(data: &Map<String, Value>) -> i64 {
    let timestamp = data.get("timestamp");
    let whole = timestamp.and_then(Value::as_i64);
    whole.or_else(|| Some(timestamp?.as_f64()? as i64)).unwrap_or(0)
}

fn seconds(timestamp: i64) -> i64 {
    if timestamp > LAST_SECOND { timestamp / 1000 } else { timestamp }
}

/// Whether Python would take the value for true.
fn truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
    }
}

/// Long texts are shown on one line; some packages hold a list of lines.
fn one_line(value: &mut Value) {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return,
    };
    *value = text.trim().replace('\n', " ").into();
}
