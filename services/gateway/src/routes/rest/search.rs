//! `/api/v1/search`: packages of every channel that the caller may list.

use std::collections::HashMap;

use axum::response::{IntoResponse, Response};
use names::{ChannelId, PackageKind};
use readmodel::{ListedPackage, PAGE_LIMIT, PackageKey, Wanted};
use serde::Deserialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::json::query;
use crate::problem::Problem;
use crate::routes::cursor;
use crate::routes::given::Given;
use crate::routes::reach::{self, Seen};

/// Packages in one page if the caller does not say.
const PAGE: u32 = 100;

#[derive(Debug, Deserialize)]
struct Search {
    /// A part of the name.
    #[serde(default)]
    q: String,
    #[serde(default)]
    kind: Option<String>,
    /// A conda subdir.
    #[serde(default)]
    platform: Option<String>,
    #[serde(default)]
    channel: Option<String>,
    #[serde(default)]
    page_size: u32,
    #[serde(default)]
    page_token: String,
}

/// `GET /api/v1/search`.
pub(crate) async fn search(given: Given<()>) -> Result<Response, Problem> {
    let search: Search = query(&given.uri)?;
    let kind = search.kind.as_deref().filter(|kind| !kind.is_empty()).map(str::parse::<PackageKind>);
    let wanted = Wanted {
        text: search.q.to_ascii_lowercase(),
        kind: kind.transpose().map_err(|error| Problem::invalid(error.to_string()))?,
        subdir: search.platform.filter(|platform| !platform.is_empty()),
    };
    let asked = format!("{wanted:?} {:?}", search.channel);
    let after: Option<(String, String, uuid::Uuid)> =
        cursor::open(&given.admitted, &asked, &search.page_token)?;
    let after = after.and_then(|(name, kind, channel)| {
        Some(PackageKey { name, kind: kind.parse().ok()?, channel_id: ChannelId(channel) })
    });
    let limit = if search.page_size == 0 { PAGE } else { search.page_size.min(PAGE_LIMIT) };
    let mut seen = reach::channels(&given.app, &given.admitted.caller);
    seen.retain(|channel| search.channel.as_deref().is_none_or(|name| *channel.name == *name));
    let ids: Vec<_> = seen.iter().map(|channel| channel.id).collect();
    let seen: HashMap<_, _> = seen.into_iter().map(|channel| (channel.id, channel)).collect();
    let found = reach::packages(&given.app, &given.admitted.caller, &ids, &wanted, (after, limit)).await?;
    let full = found.len() >= limit as usize;
    let next = found.last().filter(|_| full).map(|last| {
        let key = last.key();
        cursor::seal(&given.admitted, &asked, (key.name, key.kind.as_str(), key.channel_id.0))
    });
    let packages: Vec<_> =
        found.iter().filter_map(|package| Some(document(package, seen.get(&package.channel_id)?))).collect();
    Ok(axum::Json(json!({ "packages": packages, "next_page_token": next })).into_response())
}

fn document(package: &ListedPackage, channel: &Seen) -> Value {
    let subdirs = if package.kind == PackageKind::Conda { &package.subdirs[..] } else { &[] };
    json!({
        "channel": channel.name,
        "kind": package.kind.as_str(),
        "name": package.name,
        "latest_version": package.latest_version,
        "versions": package.versions,
        "subdirs": subdirs,
        "files": package.files,
        "updated_at": package.updated_at.format(&Rfc3339).unwrap_or_default(),
        "summary": summary(package),
    })
}

/// What the newest file says of the package.
pub(crate) fn summary(package: &ListedPackage) -> String {
    let told = serde_json::from_str::<Value>(&package.channeldata_json).ok();
    let told = told.as_ref().and_then(|told| told.get("summary")).and_then(Value::as_str);
    told.map_or_else(|| package.summary.clone(), str::to_owned)
}
