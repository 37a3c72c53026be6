//! `run_exports.json` (CEP 12), or the older `run_exports.yaml`.

use serde_json::{Map, Value};

use super::documents::Documents;
use crate::inspect::{refusal::Refusal, yaml};

const JSON: &str = "info/run_exports.json";
const YAML: &str = "info/run_exports.yaml";

/// The package's run exports, by kind; a bare list means `weak`.
pub(super) fn read(documents: &Documents) -> Result<Map<String, Value>, Refusal> {
    let refused = |member: &str, why: String| Refusal::Document { member: member.into(), why };
    let (member, value) = match (documents.text(JSON), documents.text(YAML)) {
        (Some(text), _) => {
            (JSON, serde_json::from_slice(text).map_err(|error| refused(JSON, error.to_string()))?)
        }
        (None, Some(text)) => {
            let value = std::str::from_utf8(text).ok().and_then(yaml::document);
            (YAML, value.ok_or_else(|| refused(YAML, "it is no YAML".into()))?)
        }
        (None, None) => return Ok(Map::new()),
    };
    let exports = match value {
        Value::Null => Map::new(),
        Value::Object(exports) => exports,
        weak @ Value::Array(_) => Map::from_iter([("weak".to_owned(), weak)]),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(refused(member, "it is neither an object nor a list".into()));
        }
    };
    match exports.iter().find(|(_, specs)| !is_list_of_texts(specs)) {
        Some((kind, _)) => Err(refused(member, format!("{kind} is no list of texts"))),
        None => Ok(exports),
    }
}

fn is_list_of_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|values| values.iter().all(Value::is_string))
}
