//! The documents below `info/` that an index is made of.

use std::{collections::BTreeMap, io::Read};

use serde_json::{Map, Value};

use super::paths::{self, PathFlags};
use crate::inspect::{
    limits::{Meter, document},
    refusal::{Failed, Refusal, broken},
    tar::{Entry, Kind},
    yaml,
};

/// Those that are read as a whole.
const WANTED: [&str; 4] =
    ["info/index.json", "info/about.json", "info/run_exports.json", "info/run_exports.yaml"];
/// Of these the first one met counts, as it does for conda-index.
const RECIPES: [&str; 3] = ["info/recipe/meta.yaml", "info/recipe/meta.yaml.rendered", "info/meta.yaml"];

#[derive(Default)]
pub(super) struct Documents {
    texts: BTreeMap<&'static str, Vec<u8>>,
    recipe: Option<Vec<u8>>,
    paths: Option<PathFlags>,
}

impl Documents {
    /// Keeps the entry if it is one of those that count.
    pub(super) fn take(
        &mut self,
        entry: &Entry,
        data: &mut dyn Read,
        meter: &Meter<'_>,
    ) -> Result<(), Failed> {
        if entry.kind != Kind::File {
            return Ok(());
        }
        let read = |data: &mut dyn Read, member: &str| {
            document(data, member, meter.limits.document_bytes).map_err(|error| broken(member, error))
        };
        if let Some(name) = WANTED.into_iter().find(|name| name.as_bytes() == entry.name) {
            self.texts.insert(name, read(data, name)?);
        } else if let Some(name) = RECIPES.into_iter().find(|name| name.as_bytes() == entry.name) {
            if self.recipe.is_none() {
                self.recipe = Some(read(data, name)?);
            }
        } else if entry.name == paths::MEMBER.as_bytes() {
            self.paths = Some(paths::read(data, meter.limits.paths_bytes)?);
        }
        Ok(())
    }

    pub(super) fn require(&self, name: &'static str) -> Result<&[u8], Refusal> {
        self.text(name).ok_or_else(|| Refusal::Missing(name.to_owned()))
    }

    pub(super) fn text(&self, name: &'static str) -> Option<&[u8]> {
        self.texts.get(name).map(Vec::as_slice)
    }

    pub(super) fn has_paths(&self) -> bool {
        self.paths.is_some()
    }

    pub(super) fn path_flags(&self) -> PathFlags {
        self.paths.unwrap_or_default()
    }

    /// `info/about.json`; empty if it is missing or no object, since nothing but descriptions is lost with it.
    pub(super) fn about(&self) -> Map<String, Value> {
        let about = self.text("info/about.json").and_then(|text| serde_json::from_slice(text).ok());
        about.unwrap_or_default()
    }

    /// The recipe; empty if it is missing or not plain YAML.
    pub(super) fn recipe(&self) -> Map<String, Value> {
        let text = self.recipe.as_deref().and_then(|text| std::str::from_utf8(text).ok());
        match text.and_then(yaml::document) {
            Some(Value::Object(recipe)) => recipe,
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_))
            | None => Map::new(),
        }
    }
}
