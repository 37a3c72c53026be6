//! One log line: time, level, where, what, its fields, and the request and trace it belongs to.

use std::fmt;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::LogFormat;
use super::ids::SpanIds;
use crate::{Clock, SystemClock};

const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

pub(super) struct Line(LogFormat);

impl Line {
    pub(super) fn new(format: LogFormat) -> Self {
        Self(format)
    }
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let ids = ids(context, event);
        let (level, target) = (*event.metadata().level(), event.metadata().target());
        let now = text(SystemClock.now());
        match self.0 {
            LogFormat::Human => human(&mut line, &format!("{now} {level:>5} {target}"), &fields, &ids),
            LogFormat::Json => {
                let mut object = fields.values;
                // The line's own names win over a field that happens to share one.
                object.insert("time".into(), now.into());
                object.insert("level".into(), level.as_str().to_lowercase().into());
                object.insert("target".into(), target.into());
                object.insert("message".into(), fields.message.into());
                object.extend(ids.request.map(|id| ("request_id".into(), id.into())));
                object.extend(ids.trace.map(|id| ("trace_id".into(), id.into())));
                writeln!(line, "{}", Value::Object(object))
            }
        }
    }
}

fn human(line: &mut Writer<'_>, head: &str, fields: &Fields, ids: &SpanIds) -> fmt::Result {
    write!(line, "{head}: {}", escape(&fields.message))?;
    for (name, value) in &fields.values {
        match value {
            Value::String(text) if text.is_empty() => {}
            Value::String(text) => write!(line, " {name}={text:?}")?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                write!(line, " {name}={value}")?;
            }
        }
    }
    if let Some(id) = &ids.request {
        write!(line, " request={id}")?;
    }
    if let Some(id) = &ids.trace {
        write!(line, " trace={id}")?;
    }
    writeln!(line)
}

/// A message is one line, whatever it quotes.
fn escape(message: &str) -> String {
    message
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

/// The nearest span that knows its request, and the nearest that knows its trace.
fn ids<S, N>(context: &FmtContext<'_, S, N>, event: &Event<'_>) -> SpanIds
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    let mut found = SpanIds::default();
    let parent = event.parent().and_then(|id| context.span(id)).or_else(|| context.lookup_current());
    for span in parent.iter().flat_map(|span| span.scope()) {
        if let Some(ids) = span.extensions().get::<SpanIds>() {
            found.request = found.request.or_else(|| ids.request.clone());
            found.trace = found.trace.or_else(|| ids.trace.clone());
        }
    }
    found
}

fn text(time: OffsetDateTime) -> String {
    time.format(TIME).expect("a UTC time has all these parts")
}

#[derive(Default)]
struct Fields {
    message: String,
    values: Map<String, Value>,
}

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.values.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        match field.name() {
            "message" => self.message = text,
            // What the log crate's events repeat about where they come from.
            name if name.starts_with("log.") => {}
            _ => self.set(field, text),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            name if name.starts_with("log.") => {}
            _ => self.set(field, value),
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.set(field, crate::failure::chain(Some(value)));
    }
}
