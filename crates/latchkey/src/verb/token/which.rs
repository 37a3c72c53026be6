//! Which token a command is about.

use clap::Args;
use names::Login;
use reqwest::{Method, RequestBuilder};

use crate::client::Client;

/// One token, by name or id among its owner's.
#[derive(Debug, Args)]
pub struct Which {
    /// Its name or id
    token: String,
    /// Whose it is
    #[command(flatten)]
    owner: Owner,
}

/// Whose tokens, if not the caller's own.
#[derive(Debug, Args)]
pub struct Owner {
    /// An organisation or service account of yours, if the token is not your own
    #[arg(long, value_name = "LOGIN")]
    owner: Option<Login>,
}

impl Owner {
    pub(crate) fn login(&self) -> Option<&str> {
        self.owner.as_ref().map(Login::as_str)
    }

    /// Says whose in the address; nothing is said of one's own.
    pub(crate) fn query(&self) -> Vec<(&'static str, &str)> {
        self.login().map(|login| ("owner", login)).into_iter().collect()
    }
}

impl Which {
    /// A request to the token, or to what lies below it.
    pub(crate) fn request(&self, client: &Client, method: Method, below: &[&str]) -> RequestBuilder {
        let segments = [&["tokens", self.token.as_str()], below].concat();
        client.api(method, &segments).query(&self.owner.query())
    }
}
