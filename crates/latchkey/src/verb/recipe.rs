//! What to type next with a fresh token, and what a change reports of who has heard of it.

use reqwest::Url;
use serde_json::Value;

use crate::output::{list, text};

/// Ready-made lines for conda, pip and uv, for one channel; with upload lines where the token may write.
pub(crate) fn lines(base: &Url, token: &str, channel: &str, writes: bool) -> Vec<String> {
    let root = base.as_str().trim_end_matches('/');
    let conda = format!("{root}/t/{token}/{channel}");
    let python = with_user_info(base, token, &format!("pypi/{channel}/simple/"));
    let mut lines = vec![
        format!("conda  conda config --add channels {conda}"),
        format!("       conda install -c {conda} PACKAGE"),
        format!("pip    pip install --index-url {python} PACKAGE"),
        format!("       pip install --index-url {root}/t/{token}/pypi/{channel}/simple/ PACKAGE"),
        format!("uv     uv pip install --index-url {python} PACKAGE"),
    ];
    if writes {
        let upload = format!("{root}/pypi/{channel}/");
        lines.push(format!("twine  TWINE_USERNAME=__token__ TWINE_PASSWORD={token} twine upload --repository-url {upload} FILE…"));
        lines.push(format!(
            "upload LATCHKEY_URL={root} LATCHKEY_TOKEN={token} latchkey upload {channel} FILE…"
        ));
    }
    lines
}

/// Basic credentials in the address: pip and uv mask these in what they print, a token in the path they do not.
fn with_user_info(base: &Url, token: &str, path: &str) -> String {
    let root = base.as_str().trim_end_matches('/');
    match root.split_once("://") {
        Some((scheme, rest)) => format!("{scheme}://__token__:{token}@{rest}/{path}"),
        None => format!("{root}/{path}"),
    }
}

/// A line per process that has applied a restricting change, with its time, and per process that has not; then the sum.
pub(crate) fn receipt_lines(answer: &Value) -> Vec<String> {
    let Some(receipt) = answer.get("receipt").filter(|receipt| !receipt.is_null()) else {
        return Vec::new();
    };
    let names = |key| list(receipt, key).iter().filter_map(Value::as_str).collect::<Vec<_>>();
    let (confirmed, lapsed, silent) = (list(receipt, "confirmed"), names("lapsed"), names("silent"));
    let mut lines = Vec::new();
    for confirmation in confirmed {
        let after_us = confirmation.get("after_us").and_then(Value::as_u64).unwrap_or(0);
        lines.push(format!("  applied by {} after {}", text(confirmation, "gateway"), millis(after_us)));
    }
    lines.extend(lapsed.iter().map(|name| {
        format!("  no word from {name}: its lease has ended, so it lets nobody in until it has heard of this")
    }));
    lines.extend(silent.iter().map(|name| format!("  no word from {name} yet")));
    let waited = millis(receipt.get("waited_us").and_then(Value::as_u64).unwrap_or(0));
    let all = confirmed.len() + lapsed.len() + silent.len();
    let by = text(receipt, "effective_by");
    lines.push(match (by.is_empty(), all) {
        (true, 0) => "  nobody had to be told: it holds everywhere".to_owned(),
        (true, all) => {
            format!("  it holds everywhere: {} of {all} confirmed, after {waited}", confirmed.len())
        }
        (false, all) => format!(
            "  recorded; {} of {all} confirmed after {waited}; it holds everywhere by {by} at the latest",
            confirmed.len()
        ),
    });
    lines
}

/// A line per process that does not know yet what was just given, and may refuse it meanwhile.
pub(crate) fn unheard_lines(answer: &Value) -> Vec<String> {
    let Some(receipt) = answer.get("receipt") else { return Vec::new() };
    let unheard = ["lapsed", "silent"].into_iter().flat_map(|key| list(receipt, key));
    let line = |name: &str| format!("no word from {name} yet: it may refuse this until it has heard of it");
    unheard.filter_map(Value::as_str).map(line).collect()
}

fn millis(us: u64) -> String {
    format!("{}.{} ms", us / 1000, us % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_basic_form_of_pip_comes_before_the_path_form() {
        let base = Url::parse("http://h:8080").unwrap();
        let lines = lines(&base, "lkr-T", "acme", false);
        let pip: Vec<&String> =
            lines.iter().filter(|line| line.contains("pip install --index-url")).collect();
        assert!(pip[0].contains("http://__token__:lkr-T@h:8080/pypi/acme/simple/"), "{lines:?}");
        assert!(pip[1].contains("http://h:8080/t/lkr-T/pypi/acme/simple/"), "{lines:?}");
    }

    #[test]
    fn a_receipt_names_each_gateway_with_its_time_and_then_the_sum() {
        let answer = json!({ "receipt": {
            "confirmed": [{ "gateway": "g1", "after_us": 2350 }], "silent": [], "lapsed": [],
            "waited_us": 2_400, "effective_by": "",
        } });
        let lines = receipt_lines(&answer);
        assert_eq!(lines[0], "  applied by g1 after 2.3 ms");
        assert_eq!(lines[1], "  it holds everywhere: 1 of 1 confirmed, after 2.4 ms");
    }

    #[test]
    fn a_receipt_says_who_gave_no_word_and_by_when_it_holds_all_the_same() {
        let answer = json!({ "receipt": {
            "confirmed": [], "silent": ["g2"], "lapsed": [], "waited_us": 2_000_000,
            "effective_by": "2026-11-25T01:00:00Z",
        } });
        let lines = receipt_lines(&answer);
        assert_eq!(lines[0], "  no word from g2 yet");
        assert!(lines[1].contains("by 2026-11-25T01:00:00Z"), "{lines:?}");
        let answer = json!({ "receipt": {
            "confirmed": [], "silent": [], "lapsed": ["g3"], "waited_us": 15_045_000, "effective_by": "",
        } });
        let lines = receipt_lines(&answer);
        assert!(lines[0].contains("no word from g3: its lease has ended"), "{lines:?}");
        assert!(lines[1].contains("it holds everywhere: 0 of 1"), "{lines:?}");
    }

    #[test]
    fn whoever_does_not_know_a_fresh_token_yet_is_named() {
        let answer = json!({ "receipt": {
            "confirmed": [{ "gateway": "g1", "after_us": 2350 }], "silent": ["g2"], "lapsed": ["g3"],
        } });
        let lines = unheard_lines(&answer);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines[0].starts_with("no word from g3 yet"), "{lines:?}");
        assert!(lines[1].starts_with("no word from g2 yet"), "{lines:?}");
        assert!(unheard_lines(&json!({ "receipt": null })).is_empty());
    }
}
