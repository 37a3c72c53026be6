//! `/api/v1/channels/{channel}/history`: who did what in a channel, with which token, and what was before and after.

use std::collections::HashMap;

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use names::{AccountId, ChannelId};
use readmodel::{HistoryFilter, HistoryRow, PAGE_LIMIT};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::channel::Named;
use super::json::query;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::logins;
use crate::state::unread;

/// Lines in one page if the caller does not say.
const PAGE: u32 = 100;

#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default)]
    page_size: u32,
    #[serde(default)]
    page_token: String,
    /// Only events of this type, as `access_changed`.
    event: Option<String>,
    /// Only what this account did.
    account_id: Option<String>,
}

impl Listing {
    fn filter(&self) -> Result<HistoryFilter, Problem> {
        let account = self.account_id.as_deref().map(str::parse::<AccountId>).transpose();
        Ok(HistoryFilter {
            event: self.event.clone(),
            actor: account.map_err(|error| Problem::invalid(error.to_string()))?,
        })
    }
}

/// A position in a listing. It is the caller's own: another caller's or another channel's is refused.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    channel: uuid::Uuid,
    caller: Option<uuid::Uuid>,
    at_ns: i128,
    stream: String,
    seq: u64,
    part: i32,
}

/// `GET …/history`, the newest first.
pub(crate) async fn list(given: Given<Named>) -> Result<Response, Problem> {
    let listing: Listing = query(&given.uri)?;
    let (room, filter) = (given.admitted.room(), listing.filter()?);
    let caller = given.admitted.caller.token().map(|token| token.0);
    let before = read(&listing.page_token, room.id, caller)?;
    let limit = if listing.page_size == 0 { PAGE } else { listing.page_size.min(PAGE_LIMIT) };
    given.app.caught_up_on_access().await?;
    let rows = given.app.reader.history(room.id, &filter, before.as_ref(), limit).await.map_err(unread)?;
    let full = rows.len() >= limit as usize;
    let next = rows.last().filter(|_| full).map(|row| written(row, caller));
    let logins = actors(&given, &rows).await?;
    let lines: Vec<Value> = rows.iter().map(|row| line(row, &logins)).collect();
    Ok(axum::Json(json!({ "history": lines, "next_page_token": next })).into_response())
}

fn line(row: &HistoryRow, logins: &HashMap<String, String>) -> Value {
    let account = row.actor_account.map(|id| id.to_string());
    let login = account.as_ref().and_then(|account| logins.get(account));
    json!({
        "at": row.at.format(&Rfc3339).unwrap_or_default(),
        "stream": row.stream,
        "seq": row.seq,
        "part": row.part,
        "event": row.event,
        "account_id": account,
        // Where the caller may look accounts up.
        "login": login,
        "token_id": row.actor_token.map(|id| id.to_string()),
        "system": Some(&row.actor_system).filter(|system| !system.is_empty()),
        "change": serde_json::from_str::<Value>(&row.summary_json).unwrap_or_default(),
    })
}

/// The logins of those who acted.
pub(crate) async fn actors<P>(
    given: &Given<P>,
    rows: &[HistoryRow],
) -> Result<HashMap<String, String>, Problem> {
    logins::known(given, rows.iter().filter_map(|row| row.actor_account).map(|id| id.to_string())).await
}

fn written(row: &HistoryRow, caller: Option<uuid::Uuid>) -> String {
    let place = Place {
        channel: row.channel_id.0,
        caller,
        at_ns: row.at.unix_timestamp_nanos(),
        stream: row.stream.clone(),
        seq: row.seq,
        part: row.part,
    };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&place).expect("texts, numbers and ids are JSON"))
}

fn read(token: &str, channel: ChannelId, caller: Option<uuid::Uuid>) -> Result<Option<HistoryRow>, Problem> {
    if token.is_empty() {
        return Ok(None);
    }
    let place: Option<Place> =
        URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let own = place.filter(|place| place.channel == channel.0 && place.caller == caller);
    let row = own.and_then(|place| {
        Some(HistoryRow {
            channel_id: channel,
            stream: place.stream,
            seq: place.seq,
            part: place.part,
            at: OffsetDateTime::from_unix_timestamp_nanos(place.at_ns).ok()?,
            actor_account: None,
            actor_token: None,
            actor_system: String::new(),
            event: String::new(),
            summary_json: String::new(),
        })
    });
    let wrong = || Problem::invalid("this page_token is not of this list: start again without one");
    row.map(Some).ok_or_else(wrong)
}
