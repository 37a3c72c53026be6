//! Canonical JSON: keys sorted, no blanks, so that equal documents are equal bytes.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// The canonical form of an object.
pub(super) fn canonical(object: &Map<String, Value>) -> Vec<u8> {
    serde_json::to_vec(&Sorted::object(object))
        .expect("a JSON value serialises, and a vector takes every byte")
}

enum Sorted<'a> {
    Object(BTreeMap<&'a str, Sorted<'a>>),
    Array(Vec<Sorted<'a>>),
    Other(&'a Value),
}

impl<'a> Sorted<'a> {
    fn object(object: &'a Map<String, Value>) -> Self {
        Self::Object(object.iter().map(|(key, value)| (key.as_str(), Self::value(value))).collect())
    }

    fn value(value: &'a Value) -> Self {
        match value {
            Value::Object(object) => Self::object(object),
            Value::Array(values) => Self::Array(values.iter().map(Self::value).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Self::Other(value),
        }
    }
}

impl Serialize for Sorted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Object(object) => object.serialize(serializer),
            Self::Array(values) => values.serialize(serializer),
            Self::Other(value) => value.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_at_every_depth() {
        let value = serde_json::json!({"b": [{"z": 1, "a": null}], "a": "\u{e9}"});
        let bytes = canonical(value.as_object().unwrap());
        assert_eq!(String::from_utf8(bytes).unwrap(), r#"{"a":"é","b":[{"a":null,"z":1}]}"#);
    }
}
