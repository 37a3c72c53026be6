//! Things are where newcomers are told they are: the files that documents name exist, and the three
//! places everybody asks for hold what they should.

use crate::Tree;

/// Where a token is revoked, an index rendered, an access decided.
const PLACES: [(&str, &str); 3] = [
    ("services/auth/src/domain/token.rs", "revoke"),
    ("services/gateway/src/render/repodata.rs", "fn "),
    ("crates/access/src/decide.rs", "fn decide"),
];

/// What the repository has besides its crates.
const ROOT: [&str; 12] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "up",
    "check",
    "clippy.toml",
    "rustfmt.toml",
    ".ci/run",
    "deploy/k8s/base/kustomization.yaml",
    "deploy/Dockerfile",
    "docs/adr",
    "docs/operations.md",
];

pub(crate) fn check(tree: &Tree, faults: &mut Vec<String>) {
    for (path, wanted) in PLACES {
        match tree.text(path) {
            None => faults.push(format!("{path}: it is not there")),
            Some(text) if !text.to_lowercase().contains(wanted) => {
                faults.push(format!("{path}: {wanted:?} should stand in it"));
            }
            Some(_) => {}
        }
    }
    for path in ROOT.iter().filter(|path| !tree.has(path)) {
        faults.push(format!("{path}: it is not there"));
    }
    for (path, text) in tree.of_kind("md") {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for named in links(text).chain(paths(text)) {
            if !tree.has(&named) && !tree.has(&resolve(folder, &named)) {
                faults.push(format!("{path}: it names {named}, which does not exist"));
            }
        }
    }
}

/// The targets of links that stay in the repository.
fn links(text: &str) -> impl Iterator<Item = String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let targets = targets.map(|(target, _)| target.split('#').next().unwrap_or_default().to_owned());
    targets.filter(|target| !target.is_empty() && !target.contains("://") && !target.starts_with("mailto:"))
}

/// What stands in backquotes and looks like one of our source files.
fn paths(text: &str) -> impl Iterator<Item = String> {
    const FOLDERS: [&str; 7] = ["crates/", "services/", "proto/", "deploy/", "tests/", "docs/", "scripts/"];
    let quoted = text.split('`').skip(1).step_by(2);
    let ours = quoted.filter(|text| FOLDERS.iter().any(|folder| text.starts_with(folder)));
    // A pattern, a placeholder or a command names no file.
    ours.filter(|text| !text.contains(['*', '{', '<', ' ', '…', ':', '('])).map(str::to_owned)
}

fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}
