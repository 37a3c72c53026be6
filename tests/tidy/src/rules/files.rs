//! What every file owes its reader: a word on what it is for, a bearable size, nothing unfinished, a
//! name from the domain; and tests that wait for what they wait for.

use crate::Tree;
use crate::source::{code, production, words};

const MAX_LINES: usize = 500;
const MAX_MAIN_LINES: usize = 80;

const DRAWERS: [&str; 9] =
    ["utils", "util", "common", "helpers", "helper", "manager", "handler", "types", "models"];

/// Tests that ask again and again, because nobody tells them: another process that ends, a message that
/// expires in the server. The list may only shrink.
const ASKING: [&str; 2] =
    ["crates/eventlog/tests/conformance/servers.rs", "crates/servers/tests/lifecycle.rs"];

/// Time is simulated there: whoever sleeps is a process that takes its time, and nobody waits for it.
const SIMULATED: &str = "tests/simulation/";

pub(crate) fn check(tree: &Tree, faults: &mut Vec<String>) {
    for kind in ["rs", "py", "proto", "sql"] {
        for (path, text) in tree.of_kind(kind) {
            let lines = text.lines().count();
            if lines > MAX_LINES {
                faults.push(format!("{path}: {lines} lines are two files; {MAX_LINES} is the limit"));
            }
            unfinished(path, text, faults);
        }
    }
    for (path, text) in tree.of_kind("rs") {
        rust(path, text, faults);
    }
    for (path, text) in tree.of_kind("py") {
        if text.contains("time.sleep(") {
            faults.push(format!("{path}: a test waits for something that tells it, it does not sleep"));
        }
    }
}

fn rust(path: &str, text: &str, faults: &mut Vec<String>) {
    if !text.trim_start().starts_with("//!") {
        faults.push(format!("{path}: it should open with //! and say what it owns"));
    }
    let name = path.rsplit('/').next().and_then(|file| file.strip_suffix(".rs")).unwrap_or_default();
    if name == "mod" {
        faults.push(format!("{path}: module files stand beside their folder, as x.rs beside x/"));
    }
    if DRAWERS.contains(&name) {
        faults.push(format!("{path}: {name} says nothing about what is in it; take a noun of the domain"));
    }
    if path.starts_with("services/") && name == "main" && text.lines().count() > MAX_MAIN_LINES {
        faults.push(format!("{path}: a main only wires: {MAX_MAIN_LINES} lines are the limit"));
    }
    let is_test = path.contains("/tests/") || path.starts_with("tests/");
    let tests = if is_test { text } else { &text[production(text).len()..] };
    let sleeps = words(&code(tests)).any(|word| word == "sleep") && !path.starts_with(SIMULATED);
    match (sleeps, ASKING.contains(&path)) {
        (true, false) => {
            faults.push(format!("{path}: a test waits for something that tells it, it does not sleep"));
        }
        (false, true) => {
            faults.push(format!("{path}: it sleeps no more, so take it off the list in tests/tidy"))
        }
        (true, true) | (false, false) => {}
    }
}

fn unfinished(path: &str, text: &str, faults: &mut Vec<String>) {
    // Put together here, so that this file may stand in the tree it checks.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["XX", "X"], ["to", "do!("], ["unimple", "mented!("]];
    for mark in marks.map(|halves| halves.concat()) {
        let found = text.match_indices(&mark).any(|(at, _)| stands_alone(text, at, mark.len()));
        if found {
            faults.push(format!("{path}: {mark} is unfinished work; finish it or open an issue"));
        }
    }
}

fn stands_alone(text: &str, at: usize, length: usize) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    let before = text[..at].chars().next_back().is_some_and(letter);
    let after = text[at + length..].chars().next().is_some_and(letter);
    !before && (!after || text[..at + length].ends_with('('))
}
