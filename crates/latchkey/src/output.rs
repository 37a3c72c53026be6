//! What a command prints: lines for a person, or one JSON document for a script. A closed pipe is no error.

use std::io::Write as _;

use serde_json::Value;

/// Where results go.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// One document, instead of lines.
    pub json: bool,
}

impl Output {
    /// A line for a person; left out in JSON.
    pub fn line(self, text: impl AsRef<str>) {
        if !self.json {
            print(text.as_ref());
        }
    }

    /// The document for a script; left out for a person.
    pub fn document(self, document: &Value) {
        if self.json {
            print(&document.to_string());
        }
    }

    /// Rows under their headings, each column as wide as its widest cell.
    pub fn table(self, headings: &[&str], rows: &[Vec<String>]) {
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([headings[column].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..headings.len()).map(width).collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<String> = cells.zip(&widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
            self.line(padded.join("  ").trim_end());
        };
        line(&mut headings.iter().copied());
        for row in rows {
            line(&mut row.iter().map(String::as_str));
        }
    }
}

/// Text that is neither line nor document: a completion script, a help text.
pub(crate) fn print(line: &str) {
    // `latchkey token list | head -1` closes the pipe early; nothing is wrong then.
    let _closed = writeln!(std::io::stdout().lock(), "{line}");
}

/// A field of a document as text; numbers and booleans as they are written, null and absent as nothing.
pub fn text(document: &Value, field: &str) -> String {
    match document.get(field) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))) => {
            other.to_string()
        }
    }
}

/// How many, in words: `1 file`, `2 files`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    let many = if count == 1 { "" } else { "s" };
    format!("{count} {what}{many}")
}

/// The entries of an array field; none if it is absent.
pub fn list<'a>(document: &'a Value, field: &str) -> &'a [Value] {
    document.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
