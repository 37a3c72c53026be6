//! `copy` and `move`: files into another channel, of the same bytes, all of them or none.

use std::collections::HashSet;

use clap::Args;
use names::{ChannelPath, LabelName};
use reqwest::Method;
use serde_json::{Value, json};

use super::spec::found;
use super::spec::{Narrow, Spec};
use crate::client::Client;
use crate::failed::{Exit, Failed};
use crate::output::{counted, list, text};
use crate::verb::Context;
use crate::verb::artifact::place;

/// Files that can go at once; the server's own limit.
pub(crate) const FILES_MAX: usize = 1_000;

/// `latchkey copy` and `latchkey move`
#[derive(Debug, Args)]
#[command(after_help = "\
All of the files go, or none: one that is refused leaves the others where they are.

Examples:
  latchkey copy dev/demo/1.0 prod                    version 1.0 of demo, every build of it
  latchkey move dev/stage::demo prod --to-label rc   all of demo, out of a subchannel, under another label
  latchkey copy dev prod --label tested              whatever bears that label")]
pub struct Carry {
    /// What: CHANNEL/PACKAGE[/VERSION[/FILE]], or CHANNEL/SUBCHANNEL::PACKAGE[/VERSION[/FILE]]
    #[arg(required = true, value_name = "SPEC")]
    from: Vec<Spec>,
    /// Into which channel: CHANNEL, or CHANNEL/SUBCHANNEL
    #[arg(value_name = "DEST")]
    to: ChannelPath,
    #[command(flatten)]
    narrow: Narrow,
    /// What the files bear there; can be given several times [default: what they bear here]
    #[arg(long, value_name = "LABEL")]
    to_label: Vec<LabelName>,
    /// Replace files that are there with other bytes (Python's never are)
    #[arg(long)]
    force: bool,
    /// Leave files alone that are there with other bytes
    #[arg(long, conflicts_with = "force")]
    skip_existing: bool,
    /// Show what would go, and do nothing
    #[arg(long)]
    dry_run: bool,
}

/// Which of the two verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Copy,
    Move,
}

impl Way {
    fn verb(self) -> &'static str {
        match self {
            Self::Copy => "copy",
            Self::Move => "move",
        }
    }

    fn done(self) -> &'static str {
        match self {
            Self::Copy => "copied",
            Self::Move => "moved",
        }
    }
}

impl Carry {
    pub(crate) async fn run(self, context: &Context, way: Way) -> Result<(), Failed> {
        let channel = found::channel(&self.from)?.clone();
        self.check(&channel, way)?;
        let client = Client::open(&context.global)?;
        let files = match found::files(&client, &self.from, &self.narrow).await {
            Err(failed) if way == Way::Move && failed.exit == Exit::NotFound => {
                return Err(self.moved_already(&client, failed).await);
            }
            files => files?,
        };
        at_once(&files)?;
        if self.dry_run {
            self.only_look(context, &channel, &files, way);
            return Ok(());
        }
        let request = client.api(Method::POST, &["channels", channel.as_str(), "artifacts", way.verb()]);
        let answer = client.json(request.json(&self.wish(&files))).await?;
        self.report(context, &channel, files, &answer, way);
        Ok(())
    }

    fn only_look(&self, context: &Context, channel: &ChannelPath, files: &[Value], way: Way) {
        for file in files {
            context.output.line(format!("would {} {}", way.verb(), place(file)));
        }
        let count = counted(files.len(), "file");
        context.output.line(format!("{count} from {channel} to {}; nothing was done", self.to));
        context.output.document(&self.document(channel, files, &[], None));
    }

    fn wish(&self, files: &[Value]) -> Value {
        let labels: Vec<&str> = self.to_label.iter().map(LabelName::as_str).collect();
        json!({
            "files": places(files), "to": self.to.as_str(), "labels": labels, "conflict": self.conflict(),
        })
    }

    fn report(&self, context: &Context, channel: &ChannelPath, files: Vec<Value>, answer: &Value, way: Way) {
        let arrived: HashSet<String> = list(answer, "files").iter().map(place).collect();
        let (there, left): (Vec<Value>, Vec<Value>) =
            files.into_iter().partition(|file| arrived.contains(&place(file)));
        for file in &there {
            context.output.line(format!("{} {}", way.done(), place(file)));
        }
        for file in &left {
            context.output.line(format!("left {}: {} has other bytes of that name", place(file), self.to));
        }
        let count = counted(there.len(), "file");
        context.output.line(format!("{count} {} from {channel} to {}", way.done(), self.to));
        context.output.document(&self.document(channel, &there, &left, Some(answer)));
    }

    /// What makes no sense, before anything is asked.
    fn check(&self, channel: &ChannelPath, way: Way) -> Result<(), Failed> {
        match (way, *channel == self.to, self.to_label.is_empty()) {
            (Way::Move, true, _) => Err(Failed::usage(format_args!("the files are in {channel} already"))
                .hint(format!(
                    "`latchkey label move {channel} FROM TO PACKAGE` moves them from one label to another"
                ))),
            (Way::Copy, true, true) => Err(Failed::usage(format_args!("the files are in {channel} already"))
                .hint("with --to-label LABEL they bear that one too")),
            (Way::Copy | Way::Move, _, _) => Ok(()),
        }
    }

    fn conflict(&self) -> &'static str {
        match (self.force, self.skip_existing) {
            (true, _) => "replace",
            (_, true) => "skip",
            (false, false) => "refuse",
        }
    }

    /// Whoever repeats a move whose answer was lost finds nothing to move.
    async fn moved_already(&self, client: &Client, failed: Failed) -> Failed {
        let there: Vec<Spec> =
            self.from.iter().map(|spec| Spec { channel: self.to.clone(), ..spec.clone() }).collect();
        let narrow = Narrow { label: None, ..self.narrow.clone() };
        match self.from.iter().all(|spec| spec.wanted.is_some())
            && found::files(client, &there, &narrow).await.is_ok()
        {
            true => failed.hint(format!("it is in {}: it may have been moved already", self.to)),
            false => failed,
        }
    }

    fn document(&self, from: &ChannelPath, files: &[Value], left: &[Value], answer: Option<&Value>) -> Value {
        json!({
            "from": from.as_str(), "to": self.to.as_str(), "files": files, "left": left, "dry_run": answer.is_none(),
            "catalog_seq": answer.map(|answer| answer["catalog_seq"].clone()),
        })
    }
}

/// Refuses more than can be changed at once.
pub(crate) fn at_once(files: &[Value]) -> Result<(), Failed> {
    match files.len() > FILES_MAX {
        true => Err(Failed::usage(format_args!(
            "these are {} files, and {FILES_MAX} can go at once",
            files.len()
        ))
        .hint("name a version, or a part of them by --kind or --label")),
        false => Ok(()),
    }
}

/// The files by their places, for the server.
pub(crate) fn places(files: &[Value]) -> Vec<Value> {
    let place = |file: &Value| {
        let [kind, subdir, filename] = ["kind", "subdir", "filename"].map(|field| text(file, field));
        json!({ "kind": kind, "subdir": subdir, "filename": filename })
    };
    files.iter().map(place).collect()
}
