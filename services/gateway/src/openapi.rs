//! The OpenAPI 3.1 document of every address: written by hand in `openapi/`, joined with what the router's list says of
//! each route's gate. A test holds the two against each other both ways.

mod table;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use http::Method;
use serde_json::{Map, Value, json};

use crate::gate::Gate;
use crate::router::{Route, routes_table};
use table::{Operation, operations};

/// The document, made once: routes do not change while a gateway runs.
pub(crate) static DOCUMENT: LazyLock<String> = LazyLock::new(|| document().to_string());

/// Every way to show a token.
const CARRIERS: [&str; 4] = ["bearer", "basic", "xAuth", "xApiKey"];

fn document() -> Value {
    let operations = operations();
    let mut paths: BTreeMap<String, Map<String, Value>> = BTreeMap::new();
    for route in routes_table() {
        if let Some(operation) = operations.get(&(route.method.clone(), route.pattern.clone())) {
            let path = paths.entry(path(&route.pattern)).or_default();
            path.insert(verb(&route.method), described(&route, operation));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Latchkey",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Private conda channels and Python package indexes. Every GET answers HEAD too. Any address may \
                be prefixed with `/t/<token>`. Before an address is looked at, a request line or headers that are too \
                long are answered 414 or 431.",
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": table::schemas(),
            "responses": { "Problem": {
                "description": "Why not, in one sentence.",
                "content": { "application/problem+json": { "schema": schema("Problem") } },
            } },
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer" },
                "basic": { "type": "http", "scheme": "basic", "description": "`__token__` and the token" },
                "xAuth": { "type": "apiKey", "in": "header", "name": "X-Auth" },
                "xApiKey": { "type": "apiKey", "in": "header", "name": "X-API-Key" },
            },
        },
    })
}

/// The router's `{*rest}` takes slashes; OpenAPI has no word for that.
fn path(pattern: &str) -> String {
    pattern.replace("{*", "{")
}

fn verb(method: &Method) -> String {
    method.as_str().to_ascii_lowercase()
}

fn described(route: &Route, operation: &Operation) -> Value {
    let mut described = json!({
        "operationId": format!("{} {}", route.method, route.pattern),
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": parameters(route, operation),
        "responses": responses(route.gate, operation),
        "security": security(route.gate),
    });
    if let Some(media) = operation.body_media() {
        described["requestBody"] = json!({ "required": true, "content": media });
    }
    if let Some(action) = route.gate.action() {
        let scopes: Vec<_> = action.scopes().iter().map(|scope| scope.as_str()).collect();
        described["x-action"] = json!(action.as_str());
        described["x-scopes"] = json!(scopes);
        described["x-level"] = json!(action.level().map(names::Level::as_str));
    }
    described
}

fn parameters(route: &Route, operation: &Operation) -> Vec<Value> {
    let segments = route.pattern.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = segments.map(|name| {
        let (name, slashes) = name.strip_prefix('*').map_or((name, false), |name| (name, true));
        let mut parameter =
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "minLength": 1 } });
        if slashes {
            parameter["description"] = json!("May hold slashes.");
        }
        parameter
    });
    let in_query = operation.query.iter().map(|(name, kind)| {
        let least =
            if kind == "integer" { json!({ "type": kind, "minimum": 0 }) } else { json!({ "type": kind }) };
        json!({ "name": name, "in": "query", "required": false, "schema": least })
    });
    in_path.chain(in_query).collect()
}

/// What the handler answers, and what may be answered in its place.
fn responses(gate: Gate, operation: &Operation) -> Map<String, Value> {
    let refusals: &[&str] = match gate {
        Gate::Open => &[],
        Gate::SignIn => &["401"],
        Gate::Listed | Gate::Server(_) | Gate::Account(_) => &["401", "403"],
        // No channel is called like a mount: what has such a name in a channel's place may be another route's address,
        // which is there and takes other methods.
        Gate::Channel(_) | Gate::Keyed(_) => &["401", "403", "404", "405"],
    };
    // A token that stands astray; too many refused credentials; a fault of ours; something away for a moment.
    let anywhere = ["400", "429", "500", "503"];
    let problem = json!({ "$ref": "#/components/responses/Problem" });
    let mut responses: Map<String, Value> =
        anywhere.iter().chain(refusals).map(|status| ((*status).to_owned(), problem.clone())).collect();
    if operation.body_media().is_some() {
        responses.insert("413".into(), problem.clone());
    }
    if operation.is_form() {
        responses.insert("415".into(), problem.clone());
    }
    for status in &operation.problems {
        responses.insert(status.clone(), problem.clone());
    }
    for (status, answer) in &operation.answers {
        responses.insert(status.clone(), answer.described());
    }
    responses
}

/// Where the authoriser may let everybody in, a token is not required.
fn security(gate: Gate) -> Vec<Value> {
    let with = |name: &&str| Value::Object(Map::from_iter([((*name).to_owned(), json!([]))]));
    let carriers = || CARRIERS.iter().map(with);
    match gate {
        Gate::Open | Gate::SignIn => vec![],
        Gate::Listed | Gate::Channel(_) => std::iter::once(json!({})).chain(carriers()).collect(),
        Gate::Keyed(_) | Gate::Server(_) | Gate::Account(_) => carriers().collect(),
    }
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

#[cfg(test)]
mod tests;
