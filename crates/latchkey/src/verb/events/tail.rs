//! Printing the log as it comes. While it is followed a broken connection is taken up behind the last line printed.

use std::time::Duration;

use futures::StreamExt as _;
use reqwest::Method;
use serde_json::Value;

use super::Options;
use crate::client::Client;
use crate::failed::{Exit, Failed};
use crate::output::{list, text};
use crate::verb::Context;

/// Longest line that is accepted: an envelope is at most 256 KiB, and JSON writes bytes at up to twice that and names.
const LINE_BYTES_MAX: usize = 4 << 20;
/// Pauses between two connections grow from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// One run of `events tail`.
pub(super) struct Tail<'c> {
    context: &'c Context,
    client: Client,
    stream: &'static str,
    follow: bool,
    /// What stays the same over all connections.
    filters: Vec<(&'static str, String)>,
    /// Where the next connection begins.
    from: String,
    /// The log that the last line printed is of.
    epoch: String,
    pause: Duration,
}

impl<'c> Tail<'c> {
    pub(super) fn new(context: &'c Context, options: Options) -> Result<Self, Failed> {
        let from = options.from.words(context.ambient.clock.now());
        let filters = [
            ("follow", options.follow.to_string()),
            ("kind", options.kind.join(",")),
            ("actor", options.actor.join(",")),
            ("object", options.object.join(",")),
        ];
        Ok(Self {
            context,
            client: Client::open(&context.global)?,
            stream: options.stream.as_str(),
            follow: options.follow,
            filters: filters.into_iter().filter(|(_, value)| !value.is_empty()).collect(),
            from: from.ok_or_else(|| Failed::usage("that time is beyond the calendar"))?,
            epoch: String::new(),
            pause: FIRST_PAUSE,
        })
    }

    pub(super) async fn run(mut self) -> Result<(), Failed> {
        let mut was_connected = false;
        loop {
            let ended = self.connection(&mut was_connected).await;
            // A first connection that does not come about is told at once: the address may be wrong.
            if !self.follow || !was_connected {
                return ended;
            }
            match ended {
                Ok(()) => {}
                Err(failed) if failed.exit == Exit::Unavailable => eprintln!("{}", failed.message),
                Err(failed) => return Err(failed),
            }
            tokio::time::sleep(self.pause).await;
            self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn connection(&mut self, was_connected: &mut bool) -> Result<(), Failed> {
        let position = [("from", &self.from), ("epoch", &self.epoch)];
        let position = position.into_iter().filter(|(_, value)| !value.is_empty()).collect::<Vec<_>>();
        let request = self.client.api(Method::GET, &["events", self.stream]);
        let response = self.client.send(request.query(&self.filters).query(&position)).await?;
        *was_connected = true;
        let mut body = response.bytes_stream();
        let mut pending = Vec::new();
        while let Some(chunk) = body.next().await {
            pending.extend_from_slice(&chunk.map_err(|error| self.client.unreachable(&error))?);
            while let Some(end) = pending.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = pending.drain(..=end).collect();
                self.line(&line)?;
            }
            if pending.len() > LINE_BYTES_MAX {
                return Err(Failed::new(Exit::Other, "the server sent a line without an end"));
            }
        }
        self.line(&pending)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Failed> {
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
        let bookmark = recorded.get("bookmark");
        self.context.output.document(&recorded);
        if bookmark.is_none() {
            self.context.output.line(human(&recorded));
        }
        if let Some(seq) = bookmark.or_else(|| recorded.get("seq")).and_then(Value::as_u64) {
            self.from = (seq + 1).to_string();
        }
        self.epoch = text(&recorded, "epoch");
        self.pause = FIRST_PAUSE;
        Ok(())
    }
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
