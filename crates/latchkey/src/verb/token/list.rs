//! Listing and showing, with a word before a token ends by itself.

use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::which::{Owner, Which};
use crate::client::Client;
use crate::failed::Failed;
use crate::output::{list, text};
use crate::verb::Context;

/// How long before its end a token is warned of.
const WARNED: Duration = Duration::days(14);

/// `latchkey token list`
pub(super) async fn tokens(
    context: &Context,
    client: &Client,
    sessions: bool,
    owner: &Owner,
) -> Result<(), Failed> {
    let mut query = owner.query();
    query.push(("sessions", if sessions { "true" } else { "false" }));
    let tokens = client.all(&["tokens"], &query, "tokens").await?;
    let row = |token: &Value| {
        let mut row = ["name", "state", "expires_at"].map(|field| text(token, field)).to_vec();
        row.push(last_use(token));
        row.push(opens(token));
        row.push(text(token, "id"));
        row
    };
    let rows: Vec<Vec<String>> = tokens.iter().map(row).collect();
    if rows.is_empty() {
        context
            .output
            .line("no tokens yet: make one with `latchkey token create NAME --resource CHANNEL:read`");
    } else {
        context.output.table(&["TOKEN", "STATE", "EXPIRES", "LAST USE", "OPENS", "ID"], &rows);
    }
    let now = context.ambient.clock.now();
    let warnings: Vec<Value> = tokens.iter().filter_map(|token| warning(token, now)).collect();
    for warning in &warnings {
        context.output.line(format!("warning: {}", text(warning, "words")));
    }
    for token in tokens.iter().filter(|token| !text(token, "overlap_ends_at").is_empty()) {
        context.output.line(format!("{:?}: {}", text(token, "name"), overlap_words(token)));
        context.output.line(format!("  its last use: {}", use_words(token, "older_last_use")));
    }
    context.output.document(&json!({ "tokens": tokens, "warnings": warnings }));
    Ok(())
}

/// `latchkey token show`
pub(super) async fn show(context: &Context, client: &Client, which: &Which) -> Result<(), Failed> {
    let answer = client.json(which.request(client, reqwest::Method::GET, &[])).await?;
    for field in
        ["name", "id", "kind", "owner", "state", "issued_at", "expires_at", "revoked_at", "description"]
    {
        let value = text(&answer, field);
        if !value.is_empty() {
            context.output.line(format!("{field:<12} {value}"));
        }
    }
    context.output.line(format!("{:<12} {}", "opens", opens(&answer)));
    if !text(&answer, "overlap_ends_at").is_empty() {
        context.output.line(format!("{:<12} {}", "overlap", overlap_words(&answer)));
        context.output.line(format!("{:<12} {}", "older used", use_words(&answer, "older_last_use")));
    }
    context.output.line(format!("{:<12} {}", "last used", use_words(&answer, "last_use")));
    if answer.get("dead_last_use").is_some_and(Value::is_object) {
        context.output.line(format!("{:<12} {}", "dead, shown", use_words(&answer, "dead_last_use")));
    }
    context.output.document(&answer);
    Ok(())
}

/// Until when a reissued token's older string works, and how to end that.
pub(super) fn overlap_words(token: &Value) -> String {
    let (until, id) = (text(token, "overlap_ends_at"), text(token, "id"));
    format!("the older string works until {until}; to end it now: latchkey token end-overlap {id}")
}

/// When a token was last used, for a column.
pub(super) fn last_use(token: &Value) -> String {
    match token.get("last_use").filter(|used| used.is_object()) {
        Some(used) => text(used, "at"),
        None => no_use(token).to_owned(),
    }
}

/// The same with from where and by what.
fn use_words(token: &Value, field: &str) -> String {
    let Some(used) = token.get(field).filter(|used| used.is_object()) else {
        return no_use(token).to_owned();
    };
    let mut words = text(used, "at");
    for (before, field) in [("from", "address"), ("by", "client")] {
        let value = text(used, field);
        if !value.is_empty() {
            words += &format!(" {before} {value}");
        }
    }
    words + &format!(" ({}, {})", text(used, "family"), text(used, "outcome"))
}

/// A server that cannot say just now has not said never.
fn no_use(token: &Value) -> &'static str {
    match token.get("uses_known").and_then(Value::as_bool) {
        Some(true) => "never",
        Some(false) | None => "unknown",
    }
}

/// What a token opens: its scopes, or its channels with their levels.
fn opens(token: &Value) -> String {
    let word = |grant: &Value| match text(grant, "channel") {
        // A deleted channel's name is empty: the grant opens nothing any more.
        name if name.is_empty() => "(deleted)".to_owned(),
        name => format!("{name}:{}", text(grant, "level")),
    };
    let scopes = list(token, "scopes").iter().filter_map(Value::as_str).map(str::to_owned);
    scopes.chain(list(token, "grants").iter().map(word)).collect::<Vec<_>>().join(" ")
}

/// A live token that ends soon; a session's end troubles nobody.
fn warning(token: &Value, now: OffsetDateTime) -> Option<Value> {
    let ends_at = OffsetDateTime::parse(&text(token, "expires_at"), &Rfc3339).ok()?;
    let left = ends_at - now;
    if text(token, "state") != "live" || text(token, "kind") == "session" || left > WARNED {
        return None;
    }
    let (name, id) = (text(token, "name"), text(token, "id"));
    let left = match (left.whole_days(), left.whole_hours()) {
        (..=0, ..=0) => "within the hour".to_owned(),
        (..=0, hours) => format!("in {hours} h"),
        (1, _) => "in 1 day".to_owned(),
        (days, _) => format!("in {days} days"),
    };
    let words = format!("{name:?} ends {left}; to keep it: latchkey token edit {id} --expires 1y");
    Some(json!({ "token": id, "expires_at": token.get("expires_at"), "words": words }))
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    fn words(expires_at: &str, kind: &str, state: &str) -> Option<String> {
        let token =
            json!({ "name": "ci", "id": "7", "kind": kind, "state": state, "expires_at": expires_at });
        warning(&token, datetime!(2026-11-21 12:00 UTC)).map(|warning| text(&warning, "words"))
    }

    #[test]
    fn a_token_that_ends_within_fourteen_days_is_warned_of_and_the_others_are_not() {
        for (ends, left) in [
            ("2026-12-05T12:00:00Z", "in 14 days"),
            ("2026-11-23T00:00:00Z", "in 1 day"),
            ("2026-11-21T15:30:00Z", "in 3 h"),
            ("2026-11-21T12:00:01Z", "within the hour"),
        ] {
            assert!(words(ends, "resource", "live").unwrap().contains(left), "{ends}");
        }
        assert_eq!(words("2026-12-05T12:00:01Z", "scoped", "live"), None);
        assert_eq!(words("2026-11-23T00:00:00Z", "scoped", "revoked"), None);
        assert_eq!(words("2026-11-23T00:00:00Z", "session", "live"), None);
    }

    #[test]
    fn a_last_use_is_told_with_what_is_known_of_it() {
        let used = json!({ "at": "2026-11-21T12:00:00Z", "address": "192.0.2.1", "client": "pip/24.0",
            "family": "python", "outcome": "served" });
        let token = json!({ "uses_known": true, "last_use": used, "older_last_use": null });
        let words = "2026-11-21T12:00:00Z from 192.0.2.1 by pip/24.0 (python, served)";
        assert_eq!(use_words(&token, "last_use"), words);
        assert_eq!(last_use(&token), "2026-11-21T12:00:00Z");
        assert_eq!(use_words(&token, "older_last_use"), "never");
        let old = json!({ "at": "2026-01-21T12:00:00Z", "address": null, "client": null, "family": "api",
            "outcome": "refused" });
        let token = json!({ "uses_known": true, "last_use": old });
        assert_eq!(use_words(&token, "last_use"), "2026-01-21T12:00:00Z (api, refused)");
        for unknown in [json!({ "uses_known": false, "last_use": null }), json!({})] {
            assert_eq!(
                (last_use(&unknown).as_str(), use_words(&unknown, "last_use").as_str()),
                ("unknown", "unknown")
            );
        }
    }

    #[test]
    fn a_token_opens_its_scopes_or_its_channels() {
        assert_eq!(
            opens(&json!({ "scopes": ["repos", "conda:download"], "grants": [] })),
            "repos conda:download"
        );
        let grants =
            json!({ "grants": [{ "channel": "acme", "level": "read" }, { "channel": "", "level": "read" }] });
        assert_eq!(opens(&grants), "acme:read (deleted)");
    }
}
