//! YAML as far as recipes need it: one document, as JSON. Aliases are expanded under a budget, so that nine lines
//! cannot become a billion values.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Most values one document may expand to.
const VALUES: usize = 200_000;
/// Tags of the core schema (YAML 1.2, 10.3).
const CORE_TAGS: [&str; 7] = ["map", "seq", "str", "null", "bool", "int", "float"];
/// Deepest nesting.
const DEPTH: usize = 64;

/// Reads the document; nothing if it is no YAML, has a key twice, or is too large.
pub(super) fn document(text: &str) -> Option<Value> {
    let mut reader = Reader { parser: Parser::new_from_str(text), anchors: HashMap::new(), values: 0 };
    let mut document = None;
    loop {
        match reader.next()? {
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart(_) if document.is_some() => return None,
            Event::DocumentStart(_) => {
                let first = reader.next()?;
                document = Some(reader.value(first, 0)?);
            }
            Event::StreamEnd => return Some(document.unwrap_or(Value::Null)),
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::SequenceEnd
            | Event::MappingStart(..)
            | Event::MappingEnd => return None,
        }
    }
}

struct Reader<'t> {
    parser: Parser<'t, saphyr_parser::StrInput<'t>>,
    /// What an anchor stands for, with the number of values in it.
    anchors: HashMap<usize, (Value, usize)>,
    values: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Option<Event<'t>> {
        Some(self.parser.next()?.ok()?.0)
    }

    fn value(&mut self, event: Event<'t>, depth: usize) -> Option<Value> {
        self.spend(1)?;
        let before = self.values;
        if depth > DEPTH {
            return None;
        }
        let tag = match &event {
            Event::Scalar(.., tag) | Event::SequenceStart(_, tag) | Event::MappingStart(_, tag) => {
                tag.as_ref()
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::Alias(_)
            | Event::SequenceEnd
            | Event::MappingEnd => None,
        };
        // A safe loader makes nothing of a language's own objects, and so refuses the document.
        if tag.is_some_and(|tag| !(tag.is_yaml_core_schema() && CORE_TAGS.contains(&tag.suffix.as_str()))) {
            return None;
        }
        let (anchor, value) = match event {
            Event::Alias(anchor) => {
                let (value, size) = self.anchors.get(&anchor)?.clone();
                self.spend(size)?;
                return Some(value);
            }
            Event::Scalar(text, ScalarStyle::Plain, anchor, None) => (anchor, plain(&text)),
            Event::Scalar(text, _, anchor, _) => (anchor, Value::String(text.into_owned())),
            Event::SequenceStart(anchor, _) => (anchor, self.sequence(depth)?),
            Event::MappingStart(anchor, _) => (anchor, self.mapping(depth)?),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return None,
        };
        if anchor != 0 {
            self.spend(self.values - before)?;
            self.anchors.insert(anchor, (value.clone(), self.values - before));
        }
        Some(value)
    }

    fn sequence(&mut self, depth: usize) -> Option<Value> {
        let mut values = Vec::new();
        loop {
            let event = self.next()?;
            if event == Event::SequenceEnd {
                return Some(Value::Array(values));
            }
            values.push(self.value(event, depth + 1)?);
        }
    }

    fn mapping(&mut self, depth: usize) -> Option<Value> {
        let mut object = Map::new();
        loop {
            let event = self.next()?;
            if event == Event::MappingEnd {
                return Some(Value::Object(object));
            }
            let key = match self.value(event, depth + 1)? {
                Value::String(key) => key,
                Value::Array(_) | Value::Object(_) => return None,
                scalar @ (Value::Null | Value::Bool(_) | Value::Number(_)) => scalar.to_string(),
            };
            let event = self.next()?;
            let value = self.value(event, depth + 1)?;
            if object.insert(key, value).is_some() {
                return None;
            }
        }
    }

    fn spend(&mut self, values: usize) -> Option<()> {
        self.values += values;
        (self.values <= VALUES).then_some(())
    }
}

/// A plain scalar by YAML 1.2's core schema (10.3.2), as far as JSON can say it.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        text => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    }
}

fn number(text: &str) -> Option<Value> {
    let digits = text.trim_start_matches(['-', '+']);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    match text.parse::<i64>() {
        Ok(integer) => Some(integer.into()),
        Err(_) => serde_json::Number::from_f64(text.parse().ok()?).map(Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_recipe_becomes_json() {
        let text = "package: {name: a, version: '1.0'}\nsource:\n  url: &u\n    - https://x/a.tar.gz\n  again: *u\nextra: ~\n";
        assert_eq!(
            document(text).unwrap(),
            json!({"package": {"name": "a", "version": "1.0"}, "extra": null,
                   "source": {"url": ["https://x/a.tar.gz"], "again": ["https://x/a.tar.gz"]}}),
        );
    }

    #[test]
    fn what_is_not_one_document_is_nothing() {
        for text in
            ["a: 1\na: 2", "--- 1\n--- 2", "{", "a: *b", "a: !!python/object:os.X {}", "{% set x = 1 %}"]
        {
            assert_eq!(document(text), None, "{text}");
        }
    }

    #[test]
    fn a_billion_laughs_are_nothing() {
        let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
        for level in 1..12 {
            let item = format!("*a{}", level - 1);
            text += &format!("a{level}: &a{level} [{}]\n", vec![item; 9].join(", "));
        }
        assert_eq!(document(&text), None);
        assert_eq!(document(&"[".repeat(5000)), None);
    }
}
