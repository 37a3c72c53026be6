//! The HTML form (PEP 503, frozen at 1.4 by PEP 833). Everything that came from a package is escaped.

use std::fmt::Write;

use crate::render::simple::{API_VERSION, Project, PythonFile};

pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut body = String::new();
    for name in names {
        // A normal name holds only a-z, 0-9 and '-': it needs no escape.
        writeln!(body, "<a href=\"{name}/\">{name}</a><br>").expect("a String takes everything");
    }
    document("Simple index", "", &body)
}

pub(super) fn page(project: &Project) -> Vec<u8> {
    let mut body = format!("<h1>Links for {}</h1>\n", escape(project.name()));
    for file in project.files() {
        anchor(&mut body, file);
    }
    let status = "<meta name=\"pypi:project-status\" content=\"active\">\n";
    document(&format!("Links for {}", escape(project.name())), status, &body)
}

fn anchor(body: &mut String, file: &PythonFile) {
    write!(body, "<a href=\"{}#sha256={}\"", escape(&file.href()), hex::encode(file.sha256))
        .expect("a String takes everything");
    if !file.requires_python.is_empty() {
        write!(body, " data-requires-python=\"{}\"", escape(&file.requires_python))
            .expect("a String takes everything");
    }
    if let Some(sha256) = &file.metadata_sha256 {
        // PEP 714: the new name, and PEP 658's own for clients from before it.
        for name in ["data-core-metadata", "data-dist-info-metadata"] {
            write!(body, " {name}=\"sha256={}\"", hex::encode(sha256)).expect("a String takes everything");
        }
    }
    writeln!(body, ">{}</a><br>", escape(&file.filename)).expect("a String takes everything");
}

fn document(title: &str, head: &str, body: &str) -> Vec<u8> {
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"pypi:repository-version\" content=\"{API_VERSION}\">\n{head}\
         <title>{title}</title>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
    .into_bytes()
}

/// As it can stand in HTML, between tags and in quoted values.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
