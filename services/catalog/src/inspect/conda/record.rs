//! `info/index.json`: what becomes the package's record in `repodata.json`.

use names::{CondaName, Subdir};
use rattler_conda_types::{MatchSpec, ParseMatchSpecOptions, Version};
use serde_json::{Map, Value};

use crate::inspect::{limits::FUTURE, refusal::Refusal};

/// Longest version and build (CEP 26).
const PART_CHARS: usize = 64;
/// Keys that never enter a record: conda-index drops the first ten; the others are the server's to say.
const LEFT_OUT: [&str; 14] = [
    "arch",
    "has_prefix",
    "mtime",
    "platform",
    "ucs",
    "requires_features",
    "binstar",
    "target-triplet",
    "machine",
    "operatingsystem",
    "md5",
    "sha256",
    "size",
    "indexed_timestamp",
];
/// Timestamps up to here are seconds, larger ones milliseconds, as conda reads them.
const LARGEST_SECONDS: i64 = 253_402_300_799;

/// The parts that are checked, and the record as the index will show it.
pub(super) struct Record {
    pub(super) name: CondaName,
    pub(super) version: String,
    pub(super) build: String,
    pub(super) build_number: u64,
    pub(super) subdir: Option<Subdir>,
    pub(super) json: Map<String, Value>,
}

impl Record {
    pub(super) fn read(text: &[u8], now_ms: i64) -> Result<Self, Refusal> {
        let mut json: Map<String, Value> =
            serde_json::from_slice(text).map_err(|error| index(error.to_string()))?;
        let name = CondaName::parse(string(&json, "name")?).map_err(|error| index(error.to_string()))?;
        let version = part(&json, "version")?;
        version.parse::<Version>().map_err(|error| index(format!("version {version:?}: {error}")))?;
        let build = part(&json, "build")?;
        let build_number =
            json.get("build_number").and_then(Value::as_u64).filter(|number| i64::try_from(*number).is_ok());
        let build_number = build_number.ok_or_else(|| index("build_number is missing or no whole number"))?;
        let subdir = match json.get("subdir") {
            None | Some(Value::Null) => None,
            Some(_) => {
                Some(Subdir::parse(string(&json, "subdir")?).map_err(|error| index(error.to_string()))?)
            }
        };
        specs(&json, "depends")?;
        specs(&json, "constrains")?;
        timestamp(&json, now_ms)?;
        for key in LEFT_OUT {
            json.remove(key);
        }
        Ok(Self { name, version, build, build_number, subdir, json })
    }
}

fn index(why: impl Into<String>) -> Refusal {
    Refusal::Index(why.into())
}

fn string<'a>(json: &'a Map<String, Value>, key: &str) -> Result<&'a str, Refusal> {
    json.get(key).and_then(Value::as_str).ok_or_else(|| index(format!("{key} is missing or no text")))
}

/// A version or a build: neither may hold a hyphen, or the file's name could be cut elsewhere.
fn part(json: &Map<String, Value>, key: &str) -> Result<String, Refusal> {
    let text = string(json, key)?;
    let legal = |c: char| c.is_ascii_alphanumeric() || "_.+!".contains(c);
    if text.is_empty() || text.len() > PART_CHARS || !text.chars().all(legal) {
        return Err(index(format!(
            "{key} {text:?} is not 1 to {PART_CHARS} letters, digits, '_', '.', '+' and '!' (CEP 26)",
        )));
    }
    Ok(text.to_owned())
}

/// Dependencies that no client can read would break every solve that meets them.
fn specs(json: &Map<String, Value>, key: &str) -> Result<(), Refusal> {
    let specs = match json.get(key) {
        None | Some(Value::Null) => return Ok(()),
        Some(Value::Array(specs)) => specs,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
            return Err(index(format!("{key} is no list")));
        }
    };
    let options = ParseMatchSpecOptions::lenient().with_extras(true).with_conditionals(true).with_flags(true);
    for spec in specs {
        let text = spec.as_str().ok_or_else(|| index(format!("{key} holds {spec}, which is no text")))?;
        MatchSpec::from_str(text, options)
            .map_err(|error| index(format!("{key} holds {text:?}: {error}")))?;
    }
    Ok(())
}

/// A time far ahead would outrank every later build, and keep clients with a cool-down from ever seeing it.
fn timestamp(json: &Map<String, Value>, now_ms: i64) -> Result<(), Refusal> {
    let Some(value) = json.get("timestamp") else { return Ok(()) };
    #[expect(clippy::cast_possible_truncation, reason = "a cast from float to integer saturates")]
    let number = value.as_i64().or_else(|| value.as_f64().map(|number| number as i64));
    let number = number.ok_or_else(|| index("timestamp is no number"))?;
    let ms = if number > LARGEST_SECONDS { number } else { number.saturating_mul(1000) };
    let ahead_ms = i64::try_from(FUTURE.as_millis()).expect("a day fits");
    match ms > now_ms.saturating_add(ahead_ms) {
        true => Err(Refusal::FutureTimestamp(ms)),
        false => Ok(()),
    }
}
