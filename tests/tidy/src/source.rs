//! A Rust file as rules see it: its code without comments and strings, and where its tests begin.

/// The part that is built into programs: everything before the file's test module.
pub(crate) fn production(text: &str) -> &str {
    let start = text.find("\n#[cfg(test)]\nmod ").unwrap_or(text.len());
    &text[..start]
}

/// The code alone, with a space for each comment and string.
pub(crate) fn code(text: &str) -> String {
    split(text).0
}

/// The string literals alone, one per line.
pub(crate) fn strings(text: &str) -> String {
    split(text).1
}

/// The identifiers of a piece of code.
pub(crate) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

fn split(text: &str) -> (String, String) {
    let (mut code, mut strings) = (String::new(), String::new());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("//") {
            rest = &rest[rest.find('\n').unwrap_or(rest.len())..];
        } else if let Some((content, after)) = raw_string(rest).or_else(|| string(rest)) {
            code.push(' ');
            strings.push_str(content);
            strings.push('\n');
            rest = after;
        } else if let Some(after) = character(rest) {
            code.push(' ');
            rest = after;
        } else {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    (code, strings)
}

fn string(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_prefix('"')?;
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some((&body[..at], &body[at + 1..])),
            _ => {}
        }
    }
    Some((body, ""))
}

fn raw_string(text: &str) -> Option<(&str, &str)> {
    let hashed = text.strip_prefix('r')?;
    let body = hashed.trim_start_matches('#');
    let end = format!("\"{}", "#".repeat(hashed.len() - body.len()));
    let body = body.strip_prefix('"')?;
    Some(body.split_once(end.as_str()).unwrap_or((body, "")))
}

/// A character literal, told from a lifetime by its closing quote; `'"'` would else open a string.
fn character(text: &str) -> Option<&str> {
    let body = text.strip_prefix('\'')?;
    if let Some(escape) = body.strip_prefix('\\') {
        let end = escape.char_indices().skip(1).find(|(_, c)| *c == '\'')?.0;
        return Some(&escape[end + 1..]);
    }
    let mut chars = body.chars();
    chars.next()?;
    chars.as_str().strip_prefix('\'')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_not_code() {
        let text = "use a; // tokio\nlet b = \"sqlx \\\" axum\"; let c = r#\"tonic \" x\"#; let d = '\"'; fn e<'f>() {}";
        let code = code(text);
        let found: Vec<_> = words(&code).collect();
        assert_eq!(found, ["use", "a", "let", "b", "let", "c", "let", "d", "fn", "e", "f"]);
        assert_eq!(strings(text), "sqlx \\\" axum\ntonic \" x\n");
    }

    #[test]
    fn the_test_module_is_not_production() {
        let text = "use a;\n\n#[cfg(test)]\nmod tests {\n    use b;\n}\n";
        assert_eq!(production(text), "use a;\n");
    }
}
