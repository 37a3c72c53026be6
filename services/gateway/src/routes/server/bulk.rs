//! `PUT /api/channels/{channel}/artifacts/bulk`: many files copied, moved or removed, all of them or none.
//!
//! These clients take a 400 for a frozen channel whatever it says, so what is wrong with a request is a 422 here. A repeat
//! of what has been done is done: its files are where they were to be.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode};
use names::PackageKind;
use proto::catalog::v1::{CopyArtifactsRequest, Place};
use runtime::{Code, Failure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::artifact::{Place as Address, rows};
use super::family::{absent, package, place};
use super::unprocessable;
use crate::limits::MAX_BULK_BYTES;
use crate::problem::Problem;
use crate::routes::bulk::{self as carried, FILES};
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::routes::reach;
use crate::routes::rest::json::text;
use crate::routes::upload::{PENDING, pending};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Copy,
    Move,
    #[serde(alias = "remove")]
    Delete,
}

/// What is to be done with what.
#[derive(Debug, Deserialize)]
struct Bulk {
    action: Action,
    items: Vec<Item>,
    #[serde(default)]
    target_channel: Option<String>,
    #[serde(default)]
    target_subchannel: Option<String>,
}

/// A file, or a package with all its files.
#[derive(Debug, Deserialize)]
struct Item {
    name: String,
    family: String,
    #[serde(default)]
    ckey: Option<String>,
}

impl Bulk {
    fn target(&self) -> Result<String, Problem> {
        let channel = self.target_channel.as_deref().filter(|channel| !channel.is_empty());
        let channel = channel.ok_or_else(|| {
            unprocessable("say where to: target_channel, and target_subchannel if it is one")
        })?;
        Ok(match self.target_subchannel.as_deref().filter(|below| !below.is_empty()) {
            Some(below) => format!("{channel}/{below}"),
            None => channel.to_owned(),
        })
    }
}

/// `PUT /api/channels/{channel}/artifacts/bulk`.
pub(crate) async fn change(given: Given<Address>, body: Body) -> Result<Response, Problem> {
    let body = text(body, MAX_BULK_BYTES).await?;
    let bulk: Bulk = serde_json::from_slice(&body).map_err(|_unreadable| {
        unprocessable(
            "expected {action: copy, move or delete, items: [{name, family, ckey?}], target_channel?}",
        )
    })?;
    let target = (bulk.action != Action::Delete).then(|| bulk.target()).transpose()?;
    let channels = [target.clone(), Some(given.admitted.room().name.to_string())];
    let places = places(&given, &bulk.items).await?;
    let files = places.len();
    let done = match (places.is_empty(), target) {
        // Whole packages of which nothing is left: a repeat.
        (true, _) => Ok((0, Vec::new())),
        (false, None) => remove(&given, places).await,
        (false, Some(target)) => copy(&given, places, target, bulk.action == Action::Move).await,
    };
    let (seq, silent) = done.map_err(|status| refused(&given, &channels, Failure::from_status(status)))?;
    let behind = pending(&given.app, seq, &silent).await;
    let document = json!({ "files": files, "catalog_seq": seq, "silent": silent });
    let mut response = (StatusCode::ACCEPTED, axum::Json::<Value>(document)).into_response();
    if behind {
        response.headers_mut().insert(PENDING, HeaderValue::from(seq));
    }
    Ok(response)
}

fn refused(given: &Given<Address>, channels: &[Option<String>], failure: Failure) -> Problem {
    let code = failure.code;
    let frozen = || {
        given.app.view.read(|table| {
            let channels = channels.iter().flatten().filter_map(|name| table.channel_named(name));
            channels.into_iter().any(|channel| channel.frozen)
        })
    };
    let problem = Problem::from(failure);
    if code == Code::Invalid {
        return problem.with_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    if code == Code::Forbidden && frozen() { problem.with_status(StatusCode::BAD_REQUEST) } else { problem }
}

async fn remove(given: &Given<Address>, files: Vec<Place>) -> Result<(u64, Vec<String>), tonic::Status> {
    let reply = carried::remove(given, files).await?;
    Ok((reply.catalog_seq, reply.silent))
}

async fn copy(
    given: &Given<Address>,
    files: Vec<Place>,
    target: String,
    moves: bool,
) -> Result<(u64, Vec<String>), tonic::Status> {
    let wish = CopyArtifactsRequest { files, target, r#move: moves, ..CopyArtifactsRequest::default() };
    let reply = carried::copy(given, wish).await?;
    Ok((reply.catalog_seq, reply.silent))
}

/// The files that are meant, each once. What has no files any more is there while its package is.
async fn places(given: &Given<Address>, items: &[Item]) -> Result<Vec<Place>, Problem> {
    if items.is_empty() {
        return Err(unprocessable("say which artifacts: the list of items is empty"));
    }
    if items.len() > FILES {
        return Err(unprocessable(format!("at most {FILES} items at once: send them in parts")));
    }
    let mut places = Vec::new();
    for item in items {
        let named = package(&item.family, &item.name)?;
        match &item.ckey {
            Some(ckey) => places.push(one(named, ckey)?),
            None => places.extend(all(given, named).await?),
        }
        if places.len() > FILES {
            return Err(unprocessable(format!("these are more than {FILES} files: send them in parts")));
        }
    }
    let key = |place: &Place| (place.kind, place.subdir.clone(), place.filename.clone());
    places.sort_by_key(key);
    places.dedup_by_key(|place| key(place));
    Ok(places)
}

fn one((kind, name): (PackageKind, String), ckey: &str) -> Result<Place, Problem> {
    let of_another =
        || unprocessable(format!("{ckey:?} is no ckey of a file of {name}: take it from its list of files"));
    let (subdir, filename) = place(kind, &name, ckey).ok_or_else(of_another)?;
    Ok(Place { kind: stored_kind(kind).into(), subdir, filename })
}

async fn all(given: &Given<Address>, (kind, name): (PackageKind, String)) -> Result<Vec<Place>, Problem> {
    let (caller, room) = (&given.admitted.caller, given.admitted.room());
    let view = access::Action::ArtifactView;
    let sees = given.app.view.read(|table| reach::may(table, caller, view, room.id, (kind, &name)));
    let rows = rows(given, (kind, name)).await?;
    if rows.is_empty() && !sees { Err(absent()) } else { Ok(rows.iter().map(carried::place).collect()) }
}
