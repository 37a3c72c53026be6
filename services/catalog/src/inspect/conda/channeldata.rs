//! What `channeldata.json` (CEP 38) takes from one file, put together as conda-index 0.13 does: recipe, then about,
//! then what the paths tell, then the record, each over the ones before.

use serde_json::{Map, Value};

use super::documents::Documents;

/// The texts that channeldata repeats, besides what stands in the record anyway (version, timestamp).
const KEPT: [&str; 22] = [
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
    "binary_prefix",
    "text_prefix",
    "activate.d",
    "deactivate.d",
    "pre_link",
    "post_link",
    "pre_unlink",
];

pub(super) fn excerpt(documents: &Documents, record: &Map<String, Value>) -> Map<String, Value> {
    let flags = documents.path_flags();
    let flags = [
        ("binary_prefix", flags.binary_prefix),
        ("text_prefix", flags.text_prefix),
        ("activate.d", flags.activate),
        ("deactivate.d", flags.deactivate),
        ("pre_link", flags.pre_link),
        ("post_link", flags.post_link),
        ("pre_unlink", flags.pre_unlink),
    ];
    let mut data = documents.recipe();
    data.extend(documents.about());
    data.extend(flags.map(|(key, value)| (key.to_owned(), Value::Bool(value))));
    data.extend(record.clone());
    if let Some(Value::Object(source)) = data.get("source") {
        let source: Vec<_> =
            source.iter().map(|(key, value)| (format!("source_{key}"), value.clone())).collect();
        data.extend(source);
    }
    for key in ["description", "summary"] {
        if let Some(text) = data.get(key).and_then(one_line) {
            data.insert(key.to_owned(), Value::String(text));
        }
    }
    data.extend(record.clone());
    data.retain(|key, value| KEPT.contains(&key.as_str()) && is_truthy(value));
    data
}

/// Descriptions come as a text or as a list of them.
fn one_line(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().map(Value::as_str).collect::<Option<String>>()?,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    Some(text.trim().replace('\n', " "))
}

/// Python's idea of a value that says something: channeldata leaves out the others.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(object) => !object.is_empty(),
    }
}
