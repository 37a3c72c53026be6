//! The pages of signing in by browser. They need no script and load nothing; everything that came from outside is escaped.

use std::fmt::Write;
use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use crate::render::simple::escape;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:4rem auto;padding:0 1rem;\
color:#1b1f24;background:#fff}label{display:block;margin-top:1rem;font-weight:600}\
input{box-sizing:border-box;width:100%;padding:.5rem;font:inherit;border:1px solid #767676;border-radius:.25rem}\
button{margin:1.5rem .5rem 0 0;padding:.5rem 1rem;font:inherit;cursor:pointer}\
code{overflow-wrap:anywhere}[role=alert]{padding:.5rem .75rem;border-left:.25rem solid #b3261e;background:#fdecea}\
@media(prefers-color-scheme:dark){body{color:#e6e6e6;background:#16181d}input{color:inherit;background:#23262d}\
[role=alert]{background:#3b1d1b}}";

/// The style's hash, by which alone the policy lets it in.
static STYLE_HASH: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(STYLE))));

pub(crate) enum Page<'a> {
    Form(Form<'a>),
    /// The request cannot be answered, and why.
    Unusable(&'a str),
    /// The program has what it asked for.
    Done,
    /// It has not.
    Failed,
}

pub(crate) struct Form<'a> {
    /// Where it is sent.
    pub(crate) action: &'a str,
    /// Who asks, by its own word.
    pub(crate) program: &'a str,
    /// The origin that the browser is sent to after it.
    pub(crate) answers_to: &'a str,
    pub(crate) hidden: &'a [(&'a str, &'a str)],
    /// As it was typed before.
    pub(crate) login: &'a str,
    /// What was wrong before.
    pub(crate) words: Option<&'a str>,
}

/// The page with its headers: it runs nothing, is framed by nobody, tells nobody its address, and its form can be sent
/// here only, from where the browser may go on to the program.
pub(crate) fn answer(status: StatusCode, page: &Page<'_>) -> Response {
    let mut response = (status, html(page)).into_response();
    let headers = response.headers_mut();
    let policy =
        HeaderValue::try_from(policy(page)).expect("a policy of ours and a checked origin are ASCII");
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn policy(page: &Page<'_>) -> String {
    let form = match page {
        // Some browsers hold what a form leads to against it too; none can name an address of IPv6 there.
        Page::Form(form) if form.answers_to.contains('[') => "'self' http:".to_owned(),
        Page::Form(form) => format!("'self' {}", form.answers_to),
        Page::Unusable(_) | Page::Done | Page::Failed => "'none'".to_owned(),
    };
    let style = &*STYLE_HASH;
    format!(
        "default-src 'none'; style-src {style}; form-action {form}; base-uri 'none'; frame-ancestors 'none'"
    )
}

fn html(page: &Page<'_>) -> String {
    let (title, body) = match page {
        Page::Form(form) => ("Sign in to Latchkey", fields(form)),
        Page::Unusable(words) => (
            "This sign-in cannot go on",
            format!(
                "<p role=\"alert\">{}</p>\n<p>Close this page and start again from the program that opened it.</p>\n",
                escape(words)
            ),
        ),
        Page::Done => (
            "You are signed in",
            "<p>The program has what it asked for. You can close this page and go back to it.</p>\n".into(),
        ),
        Page::Failed => (
            "You are not signed in",
            "<p>The program did not get what it asked for; it says why. You can close this page.</p>\n"
                .into(),
        ),
    };
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}</main>\n</body>\n</html>\n"
    )
}

fn fields(form: &Form<'_>) -> String {
    let mut body = String::new();
    if let Some(words) = form.words {
        writeln!(body, "<p role=\"alert\">{}</p>", escape(words)).expect("a String takes everything");
    }
    writeln!(
        body,
        "<p>A program on this computer, <code>{}</code>, wants to act as you. It gets a session of one hour, with which \
         it can do whatever you may do, and make tokens.</p>\n\
         <p>If you have not just started it, close this page.</p>\n\
         <form method=\"post\" action=\"{}\">",
        escape(form.program),
        escape(form.action),
    )
    .expect("a String takes everything");
    for (name, value) in form.hidden {
        writeln!(body, "<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
            .expect("a String takes everything");
    }
    writeln!(
        body,
        "<label for=\"login\">Login</label>\n\
         <input id=\"login\" name=\"login\" autocomplete=\"username\" autocapitalize=\"none\" spellcheck=\"false\" \
         required autofocus value=\"{}\">\n\
         <label for=\"password\">Password</label>\n\
         <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>\n\
         <button type=\"submit\">Sign in</button>\n\
         <button type=\"submit\" name=\"answer\" value=\"cancel\" formnovalidate>Cancel</button>\n</form>",
        escape(form.login),
    )
    .expect("a String takes everything");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form<'a>(program: &'a str, answers_to: &'a str) -> Page<'a> {
        let hidden = &[("state", "\"><script>alert(1)</script>")];
        Page::Form(Form { action: "/a", program, answers_to, hidden, login: "a'b", words: Some("<b>") })
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let page = html(&form("<img src=x onerror=alert(1)>", "http://127.0.0.1:8000"));
        assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("<b>"), "{page}");
        assert!(page.contains("value=\"a&#39;b\""), "{page}");
    }

    #[test]
    fn the_policy_lets_the_form_go_here_and_to_the_program_and_runs_nothing() {
        let policy = policy(&form("p", "http://127.0.0.1:8000"));
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("form-action 'self' http://127.0.0.1:8000;"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("script-src"), "{policy}");
        assert!(super::policy(&form("p", "http://[::1]:1")).contains("form-action 'self' http:;"));
        assert!(super::policy(&Page::Done).contains("form-action 'none'"));
    }
}
