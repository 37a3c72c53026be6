//! Every archive here is built to do harm or to be read in two ways, and each is refused for its own reason.

mod condas;
mod pythons;
mod tars;
mod zips;

use catalog::inspect::{Limits, Refusal};

use crate::archive::look;

/// The refusal of a file that must not be taken.
fn refused(filename: &str, bytes: &[u8]) -> Refusal {
    refused_under(filename, bytes, &Limits::default())
}

fn refused_under(filename: &str, bytes: &[u8], limits: &Limits) -> Refusal {
    match look(filename, bytes, limits) {
        Ok(_) => panic!("{filename} was taken"),
        Err(refusal) => {
            // It is shown to people: one sentence that does not start like a type's name.
            let text = refusal.to_string();
            assert!(text.len() > 15 && !text.ends_with('.'), "{text}");
            refusal
        }
    }
}

macro_rules! assert_refused {
    ($refusal:expr, $pattern:pat $(if $guard:expr)?) => {
        match $refusal {
            $pattern $(if $guard)? => {}
            other => panic!("refused for another reason: {other:?}"),
        }
    };
}
use assert_refused;
