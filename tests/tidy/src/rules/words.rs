//! What may be named where: rules stay free of transport and storage, SQL stays in one crate.

use crate::Tree;
use crate::source::{code, production, strings, words};

/// `domain/` is the rule alone: values in, events out.
const NOT_IN_DOMAIN: [&str; 11] = [
    "tonic",
    "axum",
    "prost",
    "sqlx",
    "async_nats",
    "tokio",
    "serde",
    "serde_json",
    "proto",
    "async",
    "await",
];

/// `render/` turns rows into bytes and `inspect/` archives into facts; neither asks anybody.
const NOT_IN_PURE: [&str; 7] = ["tonic", "axum", "sqlx", "async_nats", "reqwest", "hyper", "object_store"];

/// `access` decides without waiting for anything.
const NOT_IN_ACCESS: [&str; 9] =
    ["tonic", "axum", "sqlx", "async_nats", "tokio", "reqwest", "async", "await", "SystemTime"];

const STATEMENTS: [&str; 5] = ["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "CREATE TABLE "];

pub(crate) fn check(tree: &Tree, faults: &mut Vec<String>) {
    for (path, text) in tree.of_kind("rs") {
        let production = production(text);
        let code = code(production);
        let banned: &[&str] = if in_folder(path, "domain") && path.starts_with("services/") {
            &NOT_IN_DOMAIN
        } else if in_folder(path, "render") || in_folder(path, "inspect") {
            &NOT_IN_PURE
        } else if path.starts_with("crates/access/src/") {
            &NOT_IN_ACCESS
        } else {
            &[]
        };
        for word in banned {
            if words(&code).any(|found| found == *word) {
                faults.push(format!("{path}: `{word}` may not be named here"));
            }
        }
        sql_and_writers(path, &code, &strings(production), faults);
    }
}

fn sql_and_writers(path: &str, code: &str, strings: &str, faults: &mut Vec<String>) {
    let apart = ["crates/readmodel/", "crates/testkit/", "tests/"];
    if apart.iter().any(|folder| path.starts_with(folder)) || path.contains("/tests/") {
        return;
    }
    let sql = |line: &str| STATEMENTS.iter().any(|statement| line.starts_with(statement));
    if strings.lines().any(|line| sql(line.trim_start())) {
        faults.push(format!("{path}: SQL stands in crates/readmodel alone"));
    }
    let writers = ["services/projector/", "crates/latchkey/"];
    let compact: String = code.split_whitespace().collect();
    if compact.contains("readmodel::write") && !writers.iter().any(|folder| path.starts_with(folder)) {
        faults.push(format!("{path}: only the projector uses the writing half of readmodel"));
    }
}

/// `…/src/domain.rs` and everything under `…/src/domain/`.
fn in_folder(path: &str, name: &str) -> bool {
    path.ends_with(&format!("/src/{name}.rs")) || path.contains(&format!("/src/{name}/"))
}
