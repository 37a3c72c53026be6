//! The document and the router, held against each other.

use std::collections::BTreeSet;

use super::*;

fn known(document: &Value) -> BTreeSet<String> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
        })
        .collect()
}

#[test]
fn every_route_is_described_and_nothing_else() {
    let routes: BTreeSet<String> = routes_table()
        .iter()
        .map(|route| format!("{} {}", verb(&route.method), path(&route.pattern)))
        .collect();
    let document = document();
    let known = known(&document);
    let missing: Vec<_> = routes.difference(&known).collect();
    assert!(missing.is_empty(), "not in openapi/operations.json: {missing:#?}");
    let written: BTreeSet<String> =
        operations().keys().map(|(method, pattern)| format!("{} {}", verb(method), path(pattern))).collect();
    let stale: Vec<_> = written.difference(&routes).collect();
    assert!(stale.is_empty(), "in openapi/operations.json, but no route: {stale:#?}");
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = document();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    for reference in &used {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
    for name in document["components"]["schemas"].as_object().unwrap().keys() {
        assert!(used.contains(&format!("#/components/schemas/{name}")), "schema {name} is not used");
    }
}

fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|field| references(field, into));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn a_gate_says_which_refusals_there_are() {
    let document = document();
    let statuses = |pointer: &str| -> Vec<String> {
        document.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let open = statuses("/paths/~1healthz/get/responses");
    assert!(!open.contains(&"401".to_owned()) && open.contains(&"200".to_owned()), "{open:?}");
    let download = statuses("/paths/~1{channel}~1{subdir}~1repodata.json/get/responses");
    for status in ["200", "304", "401", "403", "404", "429", "503"] {
        assert!(download.contains(&status.to_owned()), "{status}: {download:?}");
    }
}
