//! The rules, one file per kind.

pub(crate) mod files;
pub(crate) mod layers;
pub(crate) mod places;
pub(crate) mod words;
