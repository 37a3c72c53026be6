//! `/api/channels/{channel}/history`: what happened in a channel, the newest first.

use std::collections::HashMap;

use axum::response::{IntoResponse, Response};
use names::PackageKind;
use readmodel::{HistoryFilter, HistoryRow};
use serde::Deserialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::artifact::Place;
use super::family::{place_of, word_of};
use super::window::Window;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::rest::history::actors;
use crate::routes::rest::json::query;
use crate::state::unread;

#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    limit: Option<u64>,
    /// Only events of this type.
    #[serde(default)]
    event_type: Option<String>,
}

/// `GET …/history`.
pub(crate) async fn list(given: Given<Place>) -> Result<Response, Problem> {
    let listing: Listing = query(&given.uri)?;
    let window = Window { offset: listing.offset, limit: listing.limit };
    let filter = HistoryFilter { event: listing.event_type, actor: None };
    given.app.caught_up_on_access().await?;
    let (reader, id) = (&given.app.reader, given.admitted.room().id);
    let total = reader.count_history(id, &filter).await.map_err(unread)?;
    let rows = reader.history_window(id, &filter, (window.offset, window.limit())).await.map_err(unread)?;
    let logins = actors(&given, &rows).await?;
    let items: Vec<_> = rows.iter().map(|row| item(row, &logins)).collect();
    Ok(axum::Json(json!({ "items": items, "total_count": total })).into_response())
}

fn item(row: &HistoryRow, logins: &HashMap<String, String>) -> Value {
    let account = row.actor_account.map(|id| id.to_string());
    let user = account.map(|account| logins.get(&account).cloned().unwrap_or(account));
    let changed = serde_json::from_str::<Value>(&row.summary_json).unwrap_or_default();
    let mut data = changed.clone();
    // What an artifact is called is the same before and after.
    let facts = changed.get("after").or_else(|| changed.get("before"));
    if let Some((kind, ckey)) = facts.and_then(named) {
        data["ckey"] = json!(ckey);
        data["artifact_family"] = json!(word_of(kind));
    }
    json!({
        "event_id": format!("{}-{}-{}", row.stream, row.seq, row.part),
        "event_type": row.event,
        "created": row.at.format(&Rfc3339).unwrap_or_default(),
        // A login, or an id where the caller may not look accounts up.
        "user": user,
        "token_id": row.actor_token.map(|id| id.to_string()),
        "data": data,
    })
}

/// A file's kind and ckey by its place: conda's subdirs and plain files' places are told apart by their form.
fn named(facts: &Value) -> Option<(PackageKind, String)> {
    let text = |key: &str| facts.get(key).and_then(Value::as_str);
    Some(place_of(text("subdir")?, text("name")?, text("filename")?))
}
