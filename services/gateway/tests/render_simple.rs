//! The simple pages for Python, in both forms, and which form a client gets.

use gateway::render::negotiate::{Format, negotiate};
use gateway::render::simple::{Project, PythonFile, projects};
use proptest::prelude::*;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

const UPLOADED: OffsetDateTime = datetime!(2026-11-01 12:00:00.25 UTC);

fn file(filename: &str, version: &str) -> PythonFile {
    PythonFile {
        filename: filename.into(),
        version: version.into(),
        sha256: [0xab; 32],
        size_bytes: 7,
        requires_python: "".into(),
        metadata_sha256: None,
        metadata_size_bytes: 10,
        uploaded_at: UPLOADED,
    }
}

fn leaf() -> Project {
    let wheel = PythonFile {
        requires_python: ">=3.8, <4".into(),
        metadata_sha256: Some([0xcd; 32]),
        metadata_size_bytes: 10,
        ..file("leaf_pkg-1.10+local.1-py3-none-any.whl", "1.10+local.1")
    };
    Project::new("leaf-pkg", vec![wheel, file("leaf_pkg-1.9.tar.gz", "1.9")])
}

#[test]
fn a_project_page_in_json() {
    let page = leaf().page(Format::Json);
    let (file, metadata) = ("ab".repeat(32), "cd".repeat(32));
    let expected = json!({
        "meta": {"api-version": "1.4"},
        "name": "leaf-pkg",
        "project-status": {"status": "active"},
        "versions": ["1.9", "1.10+local.1"],
        "files": [
            {"filename": "leaf_pkg-1.9.tar.gz", "url": "leaf_pkg-1.9.tar.gz", "hashes": {"sha256": file},
             "core-metadata": false, "size": 7, "upload-time": "2026-11-01T12:00:00.250000Z", "yanked": false},
            {"filename": "leaf_pkg-1.10+local.1-py3-none-any.whl",
             "url": "leaf_pkg-1.10+local.1-py3-none-any.whl", "hashes": {"sha256": file},
             "core-metadata": {"sha256": metadata}, "requires-python": ">=3.8, <4", "size": 7,
             "upload-time": "2026-11-01T12:00:00.250000Z", "yanked": false},
        ],
    });
    assert_eq!(serde_json::from_slice::<Value>(&page.bytes).unwrap(), expected);
    assert_eq!(page.content_type, "application/vnd.pypi.simple.v1+json");
    assert_eq!(page.last_modified, Some(UPLOADED));
}

#[test]
fn a_project_page_in_html() {
    let page = leaf().page(Format::TextHtml);
    let (file, metadata) = ("ab".repeat(32), "cd".repeat(32));
    let expected = format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="pypi:repository-version" content="1.4">
<meta name="pypi:project-status" content="active">
<title>Links for leaf-pkg</title>
</head>
<body>
<h1>Links for leaf-pkg</h1>
<a href="leaf_pkg-1.9.tar.gz#sha256={file}">leaf_pkg-1.9.tar.gz</a><br>
<a href="leaf_pkg-1.10+local.1-py3-none-any.whl#sha256={file}" data-requires-python="&gt;=3.8, &lt;4" data-core-metadata="sha256={metadata}" data-dist-info-metadata="sha256={metadata}">leaf_pkg-1.10+local.1-py3-none-any.whl</a><br>
</body>
</html>
"#
    );
    assert_eq!(std::str::from_utf8(&page.bytes).unwrap(), expected);
}

#[test]
fn the_list_of_projects_in_both_forms() {
    let json = projects(["a", "b-c"], Some(UPLOADED), Format::Json);
    let expected = json!({"meta": {"api-version": "1.4"}, "projects": [{"name": "a"}, {"name": "b-c"}]});
    assert_eq!(serde_json::from_slice::<Value>(&json.bytes).unwrap(), expected);
    let html = projects(["a", "b-c"], Some(UPLOADED), Format::Html);
    let text = std::str::from_utf8(&html.bytes).unwrap();
    assert!(text.contains("<a href=\"a/\">a</a><br>\n<a href=\"b-c/\">b-c</a><br>\n"), "{text}");
}

#[test]
fn one_page_under_two_types_has_two_etags() {
    let pages = [Format::Html, Format::TextHtml].map(|format| leaf().page(format));
    assert_eq!(pages[0].bytes, pages[1].bytes);
    assert_ne!(pages[0].etag, pages[1].etag);
}

#[test]
fn a_file_name_that_would_be_markup_or_another_address_is_neither() {
    let page = Project::new("a", vec![file("http://x?<b>\"'&.tar.gz", "1")]).page(Format::TextHtml);
    let text = std::str::from_utf8(&page.bytes).unwrap();
    assert!(text.contains("<a href=\"http%3A%2F%2Fx%3F%3Cb%3E%22%27%26.tar.gz#sha256="), "{text}");
    assert!(text.contains(">http://x?&lt;b&gt;&quot;&#39;&amp;.tar.gz</a>"), "{text}");
}

#[test]
fn versions_are_in_their_own_order_and_what_is_none_comes_first() {
    let spellings = ["2!0.1", "1.0", "1.0rc1", "1.10", "1.9", "no-version"];
    let files = spellings.map(|version| file(&format!("a-{version}.tar.gz"), version));
    let page: Value =
        serde_json::from_slice(&Project::new("a", files.into()).page(Format::Json).bytes).unwrap();
    assert_eq!(page["versions"], json!(["no-version", "1.0rc1", "1.0", "1.9", "1.10", "2!0.1"]));
}

#[test]
fn clients_get_the_form_they_ask_for() {
    use Format::{Html, Json, TextHtml};
    for (accept, expected) in [
        // pip, uv, poetry, hatch, a browser.
        (
            "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
            Some(Json),
        ),
        (
            "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01",
            Some(Json),
        ),
        ("application/vnd.pypi.simple.v1+json, */*;q=0.1", Some(Json)),
        ("*/*", Some(TextHtml)),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(TextHtml)),
        // The highest quality wins, JSON on a tie.
        ("application/vnd.pypi.simple.v1+html, application/vnd.pypi.simple.v1+json", Some(Json)),
        ("application/vnd.pypi.simple.v1+html, application/vnd.pypi.simple.v1+json;q=0.9", Some(Html)),
        ("text/html;q=0.5, application/vnd.pypi.simple.v1+html;q=0.5", Some(Html)),
        ("application/vnd.pypi.simple.latest+json", Some(Json)),
        ("application/vnd.pypi.simple.latest+html", Some(Html)),
        ("APPLICATION/VND.PYPI.SIMPLE.V1+JSON; Q=1.000", Some(Json)),
        ("text/*", Some(TextHtml)),
        ("text/html;q=0, */*", Some(Json)),
        ("text/html;q=0.1, */*;q=0.9", Some(Json)),
        ("application/*", Some(Json)),
        ("application/vnd.pypi.simple.v1+json;q=0.5, */*;q=0.5", Some(Json)),
        // Nothing that is there.
        ("application/vnd.pypi.simple.v2+json", None),
        ("application/vnd.pypi.simple.v1+json;q=0", None),
        ("image/png", None),
        // No wish at all.
        ("", Some(TextHtml)),
        ("nonsense", Some(TextHtml)),
        ("text/html;q=7", Some(TextHtml)),
    ] {
        assert_eq!(negotiate(Some(accept)), expected, "{accept:?}");
    }
    assert_eq!(negotiate(None), Some(TextHtml));
}

proptest! {
    #[test]
    fn no_accept_header_breaks_the_negotiation(accept in "\\PC{0,64}") {
        let _ = negotiate(Some(&accept));
    }

    #[test]
    fn nothing_an_author_writes_ends_an_attribute(text in "\\PC{0,24}") {
        let project = Project::new("a", vec![PythonFile { requires_python: text.into(), ..file("a-1.tar.gz", "1") }]);
        let page = project.page(Format::Html);
        let html = std::str::from_utf8(&page.bytes).unwrap();
        let anchor = html.lines().find(|line| line.starts_with("<a ")).unwrap();
        prop_assert_eq!(anchor.matches('<').count(), 3);
        prop_assert!(anchor.ends_with(">a-1.tar.gz</a><br>"));
    }
}
