//! The log for auditors.

mod since;
mod tail;

use clap::{Subcommand, ValueEnum};

use crate::failed::Failed;
use crate::verb::Context;

use since::Since;
use tail::Tail;

/// `latchkey events …`
#[derive(Debug, Subcommand)]
pub enum Events {
    /// Print the log from a position or a time on: one line, or with --json one document, for each decision
    Tail(Options),
}

/// What of the log is wanted.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Which log
    #[arg(long, value_enum, default_value_t = Stream::Authz)]
    stream: Stream,
    /// First sequence number wanted, or a time: 2026-11-25, 2026-11-25T08:00:00Z, or how long ago: 2h, 3d
    #[arg(long, default_value = "0", value_name = "N|TIME")]
    from: Since,
    /// Go on with what happens from now on, over broken connections too
    #[arg(long)]
    follow: bool,
    /// Only these types of events, such as TokenRevoked
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    kind: Vec<String>,
    /// Only what these decided: a login, an id of an account or a token, or a service
    #[arg(long, value_name = "WHO", value_delimiter = ',')]
    actor: Vec<String>,
    /// Only what is about these: a channel, a login, or an id of anything
    #[arg(long, value_name = "WHAT", value_delimiter = ',')]
    object: Vec<String>,
}

/// The two logs.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Stream {
    /// Who may do what
    Authz,
    /// What channels hold
    Catalog,
}

impl Stream {
    fn as_str(self) -> &'static str {
        match self {
            Self::Authz => "authz",
            Self::Catalog => "catalog",
        }
    }
}

impl Events {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        match self {
            Self::Tail(options) => Tail::new(context, options)?.run().await,
        }
    }
}
