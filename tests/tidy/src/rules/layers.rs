//! Who may use whom, by the manifests. Services meet in `proto` and never use each other.

use crate::{Manifest, Tree};

/// Each library and what of ours it may use. What is not listed here must be added, with a thought.
const LAYERS: [(&str, &[&str]); 14] = [
    ("proto", &[]),
    ("crates/names", &[]),
    ("crates/servers", &[]),
    ("crates/access", &["names", "proto"]),
    ("crates/eventlog", &["names", "proto"]),
    ("crates/readmodel", &["names", "proto"]),
    ("crates/blobs", &["names", "proto"]),
    ("crates/runtime", &["names", "proto"]),
    ("crates/usage", &["names", "proto"]),
    ("crates/feed", &["access", "eventlog", "names", "proto"]),
    ("services/auth", SERVICE),
    ("services/catalog", SERVICE),
    ("services/projector", SERVICE),
    // The gateway has no event log: what it shows comes from feeds and read models. What it tells of its own, who used
    // what, goes to a stream that decides nothing, through a publisher that can do nothing else.
    ("services/gateway", &["access", "blobs", "feed", "names", "proto", "readmodel", "runtime", "usage"]),
];

const SERVICE: &[&str] =
    &["access", "blobs", "eventlog", "feed", "names", "proto", "readmodel", "runtime", "usage"];

const SERVICES: [&str; 4] = ["auth", "catalog", "gateway", "projector"];

const LIBRARIES: [&str; 10] =
    ["proto", "names", "servers", "access", "eventlog", "readmodel", "blobs", "runtime", "feed", "usage"];

/// These bring the parts together, so they may use all of them.
const WHOLE: [&str; 6] =
    ["crates/latchkey", "crates/testkit", "tests/cluster", "tests/model", "tests/simulation", "tests/tidy"];

/// The writing half of the read models.
const WRITERS: [&str; 4] = ["services/projector", "crates/latchkey", "crates/testkit", "tests/cluster"];

/// SQL stands in `readmodel` alone; `testkit` looks into tables for what must not be there.
const SQL: [&str; 3] = ["crates/readmodel", "crates/testkit", "tests/cluster"];

pub(crate) fn check(tree: &Tree, faults: &mut Vec<String>) {
    for (path, text) in tree.of_kind("toml") {
        let Some(folder) = path.strip_suffix("/Cargo.toml") else { continue };
        let manifest = Manifest::parse(text);
        let layer = LAYERS.iter().find(|(name, _)| *name == folder);
        if layer.is_none() && !WHOLE.contains(&folder) {
            faults.push(format!("{path}: tests/tidy does not know this crate: add it to its layers"));
            continue;
        }
        for dependency in &manifest.dependencies {
            let name = dependency.name.as_str();
            let ours = LIBRARIES.contains(&name) || SERVICES.contains(&name) || name == "latchkey";
            if ours && layer.is_some_and(|(_, allowed)| !allowed.contains(&name)) {
                faults.push(format!("{path}: {folder} may not use {name}"));
            }
            if name == "testkit" {
                faults.push(format!("{path}: testkit belongs under dev-dependencies"));
            }
            if name == "async-nats" && folder == "services/gateway" {
                faults.push(format!("{path}: the gateway speaks to NATS through crates/usage alone"));
            }
            if name == "sqlx" && !SQL.contains(&folder) {
                faults.push(format!(
                    "{path}: SQL stands in crates/readmodel alone, so {folder} may not use sqlx"
                ));
            }
            let writes = name == "readmodel" && dependency.features.iter().any(|feature| feature == "write");
            if writes && !WRITERS.contains(&folder) {
                faults.push(format!("{path}: only the projector uses the writing half of readmodel"));
            }
        }
        for dependency in manifest.dev.iter().filter(|_| layer.is_some()) {
            if SERVICES.contains(&dependency.name.as_str()) {
                faults.push(format!("{path}: {folder} may not use {}, not even in tests", dependency.name));
            }
        }
    }
}
