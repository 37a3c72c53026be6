//! `openapi/operations.json` and `openapi/schemas.json`, read.

use std::collections::{BTreeMap, HashMap};

use http::Method;
use names::Scope;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::schema;

const OPERATIONS: &str = include_str!("../../openapi/operations.json");
const SCHEMAS: &str = include_str!("../../openapi/schemas.json");

/// Addresses that hang together: each tail follows each mount.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    tag: String,
    mounts: Vec<String>,
    /// Method and tail, separated by a blank.
    operations: BTreeMap<String, Operation>,
}

/// What the router's list does not say of a route.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Operation {
    #[serde(default)]
    pub(super) tag: String,
    pub(super) summary: String,
    /// Each with its JSON type.
    #[serde(default)]
    pub(super) query: BTreeMap<String, String>,
    /// A JSON body's schema, or the media type of another.
    #[serde(default)]
    body: Option<String>,
    /// By status.
    pub(super) answers: BTreeMap<String, Answer>,
    /// Statuses besides those that the gate explains.
    #[serde(default)]
    pub(super) problems: Vec<String>,
}

/// A body that is wanted.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Answer {
    says: String,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    media: Vec<String>,
}

impl Operation {
    /// Whether it takes a form with a file, and nothing else.
    pub(super) fn is_form(&self) -> bool {
        self.body.as_deref() == Some("multipart/form-data")
    }

    /// The body's content, if it takes one.
    pub(super) fn body_media(&self) -> Option<Value> {
        let body = self.body.as_deref()?;
        Some(match body {
            "multipart/form-data" | "application/x-www-form-urlencoded" => {
                json!({ body: { "schema": { "type": "object" } } })
            }
            _ if body.contains('/') => json!({ body: {} }),
            _ => json!({ "application/json": { "schema": schema(body) } }),
        })
    }
}

impl Answer {
    pub(super) fn described(&self) -> Value {
        let mut content = Map::new();
        if let Some(name) = &self.schema {
            content.insert("application/json".into(), json!({ "schema": schema(name) }));
        }
        content.extend(self.media.iter().map(|media| (media.clone(), json!({}))));
        match content.is_empty() {
            true => json!({ "description": self.says }),
            false => json!({ "description": self.says, "content": content }),
        }
    }
}

/// Each operation by method and pattern.
pub(super) fn operations() -> HashMap<(Method, String), Operation> {
    let groups: Vec<Group> = serde_json::from_str(OPERATIONS).expect("a test reads the table");
    let mut operations = HashMap::new();
    for Group { tag, mounts, operations: lines } in groups {
        for mount in mounts {
            for (line, operation) in &lines {
                let (method, tail) = line.split_once(' ').unwrap_or((line, ""));
                let method = method.parse().expect("a test reads the table");
                let operation = Operation { tag: tag.clone(), ..operation.clone() };
                operations.insert((method, format!("{mount}{tail}")), operation);
            }
        }
    }
    operations
}

/// `components.schemas`; the names of scopes are the code's.
pub(super) fn schemas() -> Value {
    let mut schemas: Value = serde_json::from_str(SCHEMAS).expect("a test reads the schemas");
    schemas["ScopeName"] = json!({ "enum": &Scope::ALL.map(Scope::as_str)[..] });
    schemas
}
