//! The log for auditors: one line, or one JSON document, per recorded envelope.

use clap::{Subcommand, ValueEnum};
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::Value;

use crate::client::Client;
use crate::failed::{Exit, Failed};
use crate::output::{list, text};
use crate::verb::Context;

/// Longest line that is accepted: an envelope is at most 256 KiB, and JSON writes bytes at up to twice that and names.
const LINE_BYTES_MAX: usize = 4 << 20;

/// `latchkey events …`
#[derive(Debug, Subcommand)]
pub enum Events {
    /// Print the log from a position on
    Tail {
        /// Which log
        #[arg(long, value_enum, default_value_t = Stream::Authz)]
        stream: Stream,
        /// First sequence number wanted
        #[arg(long, default_value_t = 0, value_name = "N")]
        from: u64,
        /// Go on with what happens from now on
        #[arg(long)]
        follow: bool,
    },
}

/// The two logs.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Stream {
    /// Who may do what
    Authz,
    /// What channels hold
    Catalog,
}

impl Events {
    pub(crate) async fn run(self, context: &Context) -> Result<(), Failed> {
        let Self::Tail { stream, from, follow } = self;
        let client = Client::open(&context.global)?;
        let name = match stream {
            Stream::Authz => "authz",
            Stream::Catalog => "catalog",
        };
        let query = [("from", from.to_string()), ("follow", follow.to_string())];
        let response = client.send(client.api(Method::GET, &["events", name]).query(&query)).await?;
        let mut body = response.bytes_stream();
        let mut pending = Vec::new();
        while let Some(chunk) = body.next().await {
            pending.extend_from_slice(&chunk.map_err(|error| client.unreachable(&error))?);
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                print(context, &line)?;
            }
            if pending.len() > LINE_BYTES_MAX {
                return Err(Failed::new(Exit::Other, "the server sent a line without an end"));
            }
        }
        print(context, &pending)
    }
}

fn print(context: &Context, line: &[u8]) -> Result<(), Failed> {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Ok(());
    }
    let recorded: Value = serde_json::from_slice(line).map_err(|error| {
        Failed::new(Exit::Other, format!("the server sent a line that is no JSON: {error}"))
    })?;
    // The stream can only end this way once its status has been sent.
    if let Some(error) = recorded.get("error") {
        let message = error.as_str().map_or_else(|| text(error, "message"), str::to_owned);
        return Err(Failed::new(Exit::Unavailable, format!("the log broke off: {message}"))
            .hint("go on with --from and the sequence number after the last one printed"));
    }
    context.output.document(&recorded);
    context.output.line(human(&recorded));
    Ok(())
}

fn human(recorded: &Value) -> String {
    let envelope = recorded.get("envelope").unwrap_or(recorded);
    let events: Vec<String> = list(envelope, "events").iter().map(event).collect();
    let void = if text(recorded, "void") == "true" { "  (void: its actor was dead)" } else { "" };
    format!(
        "{:>8}  {}  {}  {}{void}",
        text(recorded, "seq"),
        text(envelope, "time"),
        text(recorded, "subject"),
        events.join(", ")
    )
}

/// An event's type: said in a field, or the one key it is wrapped in.
fn event(event: &Value) -> String {
    match (
        event.get("type").and_then(Value::as_str),
        event.as_object().and_then(|fields| fields.keys().next()),
    ) {
        (Some(name), _) => name.to_owned(),
        (None, Some(key)) => key.clone(),
        (None, None) => "unknown".to_owned(),
    }
}
