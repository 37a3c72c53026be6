//! The handlers. Each has passed the gate before it runs.

pub(crate) mod anaconda;
mod bulk;
pub(crate) mod conda;
mod cursor;
pub(crate) mod default_channel;
pub(crate) mod given;
mod labelling;
mod logins;
pub(crate) mod oauth;
pub(crate) mod page;
pub(crate) mod pypi;
pub(crate) mod quick;
pub(crate) mod reach;
pub(crate) mod rest;
pub(crate) mod server;
pub(crate) mod upload;
