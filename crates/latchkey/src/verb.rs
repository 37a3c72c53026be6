//! The client verbs, one file per noun. Each speaks to the gateway's REST interface and to nothing else.

pub mod account;
pub mod artifact;
pub mod carry;
pub mod channel;
pub mod download;
pub mod events;
pub mod expiry;
pub mod group;
pub mod label;
pub mod login;
pub mod overlap;
pub mod package;
pub mod recipe;
pub mod remove;
pub mod role;
pub mod search;
pub mod spec;
pub(crate) mod status;
pub mod token;
pub mod upload;

/// What a verb works with.
pub struct Context {
    pub(crate) global: crate::args::Global,
    pub(crate) output: crate::output::Output,
    pub(crate) ambient: runtime::Ambient,
}

impl Context {
    /// The real clock and the given options.
    pub fn new(global: crate::args::Global) -> Self {
        let output = crate::output::Output { json: global.json };
        Self { global, output, ambient: runtime::Ambient::system() }
    }
}
