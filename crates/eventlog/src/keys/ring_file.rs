//! A key ring as a file: JSON, the same in every reader's hands.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{KeyError, Keyring, PUBLIC_KEY_BYTES, key_id};
use crate::Writer;

/// A public key and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) public: Vec<u8>,
    pub(super) writers: BTreeSet<Writer>,
}

impl Keyring {
    /// Reads JSON `{key id: {"key": base64 of the public key, "writers": [service, …]}}`.
    pub fn parse(json: &str) -> Result<Self, KeyError> {
        let wrong = |why: String| KeyError::Keyring(why);
        let texts: BTreeMap<String, Value> =
            serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
        let mut keys = BTreeMap::new();
        for (id, value) in texts {
            let entry = entry(&value).map_err(|why| wrong(format!("{id}: {why}")))?;
            if entry.public.len() != PUBLIC_KEY_BYTES || key_id(&entry.public) != id {
                return Err(wrong(format!("{id} is not the id of its key")));
            }
            keys.insert(id, entry);
        }
        Ok(Self::of(keys))
    }

    /// Reads a file, and reads it again whenever a key is not in it.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let ring = Self::parse(&std::fs::read_to_string(path).map_err(KeyError::File)?)?;
        Ok(Self { file: Some(path.to_owned()), ..ring })
    }

    /// The same as [`Keyring::parse`] reads.
    pub fn to_json(&self) -> String {
        let texts: BTreeMap<String, Value> = self
            .entries()
            .into_iter()
            .map(|(id, entry)| {
                let writers: Vec<&str> = entry.writers.iter().map(|writer| writer.as_str()).collect();
                (id, json!({ "key": STANDARD.encode(&entry.public), "writers": writers }))
            })
            .collect();
        serde_json::to_string_pretty(&texts).expect("strings are JSON")
    }

    /// Adds what the file holds by now. What it held before stays: a file that is just being written takes nothing away.
    pub(super) fn read_again(&self) {
        let Some(file) = &self.file else { return };
        match Self::read(file) {
            Ok(found) => {
                let added = found.entries();
                self.keys.write().expect("no holder of this lock panics").extend(added);
            }
            Err(error) => {
                tracing::warn!(%error, file = %file.display(), "the key ring could not be read again")
            }
        }
    }
}

fn entry(value: &Value) -> Result<Entry, String> {
    let key = value["key"].as_str().ok_or("it has no \"key\"")?;
    let public = STANDARD.decode(key).map_err(|error| error.to_string())?;
    let named = value["writers"].as_array().ok_or("it has no \"writers\"")?;
    let writer = |name: &Value| name.as_str().unwrap_or_default().parse::<Writer>();
    Ok(Entry { public, writers: named.iter().map(writer).collect::<Result<_, _>>()? })
}
