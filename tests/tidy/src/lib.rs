//! Holds what a compiler does not: who may use whom, and what every file owes its reader.
//!
//! The rules are those of the design's layout. Each is a function from the tree's files to the faults
//! it found, so that a test can hand it a wrong tree and see it refuse.

mod manifest;
mod rules;
mod source;
mod tree;

pub use manifest::Manifest;
pub use tree::Tree;

/// Everything that is wrong with a tree, one sentence each, naming the file.
pub fn faults(tree: &Tree) -> Vec<String> {
    let mut faults = Vec::new();
    rules::layers::check(tree, &mut faults);
    rules::words::check(tree, &mut faults);
    rules::files::check(tree, &mut faults);
    rules::places::check(tree, &mut faults);
    faults
}
