//! `/api/channels/{channel}/artifacts` and `/api/artifacts`: packages of every kind, and their files.

use access::Action;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use names::{ChannelId, PackageKind};
use proto::catalog::v1::PackageRequest;
use readmodel::{ArtifactRow, ListedPackage, Order, Wanted};
use serde::Deserialize;
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::family::{absent, ckey, kind_of, package, word_of};
use super::unprocessable;
use super::window::Window;
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::routes::reach;
use crate::routes::rest::Confirmed;
use crate::routes::rest::json::query;
use crate::routes::rest::search::summary;
use crate::state::unread;
use crate::upstream;

/// Which packages are wanted; what is not said is any.
#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default)]
    offset: u64,
    #[serde(default)]
    limit: Option<u64>,
    /// A part of the name.
    #[serde(default)]
    q: String,
    #[serde(default)]
    family: String,
    /// A conda subdir.
    #[serde(default)]
    subdir: String,
    #[serde(default)]
    sort: String,
}

impl Listing {
    fn wanted(&self) -> Result<Wanted, Problem> {
        let unknown = || unprocessable(format!("{:?} is no family of artifacts", self.family));
        let kind = match self.family.as_str() {
            "" => None,
            word => Some(kind_of(word).ok_or_else(unknown)?),
        };
        let subdir = Some(self.subdir.clone()).filter(|subdir| !subdir.is_empty());
        Ok(Wanted { text: self.q.to_ascii_lowercase(), kind, subdir })
    }

    /// Downloads are not counted, so by their count all packages are alike.
    fn order(&self) -> Result<Order, Problem> {
        match self.sort.as_str() {
            "" | "name" | "download_count" | "-download_count" => Ok(Order::Name),
            "-name" => Ok(Order::Backwards),
            "updated" => Ok(Order::Oldest),
            "-updated" => Ok(Order::Newest),
            _ => Err(unprocessable(
                "sort by name, updated or download_count, or by one of them with a - before it",
            )),
        }
    }

    fn window(&self) -> Window {
        Window { offset: self.offset, limit: self.limit }
    }
}

/// What the address names; the gate has found it.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {}

/// `GET /api/channels/{channel}/artifacts`.
pub(crate) async fn list(given: Given<Place>) -> Result<Response, Problem> {
    let channel = given.admitted.room().id;
    listed(&given, vec![channel]).await
}

/// `GET /api/artifacts`: of every channel that the caller may list.
pub(crate) async fn search(given: Given<()>) -> Result<Response, Problem> {
    let seen = reach::channels(&given.app, &given.admitted.caller);
    listed(&given, seen.into_iter().map(|channel| channel.id).collect()).await
}

async fn listed<P>(given: &Given<P>, channels: Vec<ChannelId>) -> Result<Response, Problem> {
    let listing: Listing = query(&given.uri)?;
    let (wanted, order, window) = (listing.wanted()?, listing.order()?, listing.window());
    given.app.caught_up().await?;
    let caller = &given.admitted.caller;
    let shelves = given.app.view.read(|table| reach::shelves(table, caller, channels));
    let reader = &given.app.reader;
    let total = reader.count_shelved(&shelves, &wanted).await.map_err(unread)?;
    let page = (window.offset, window.limit());
    let packages = reader.shelved(&shelves, &wanted, order, page).await.map_err(unread)?;
    let items: Vec<_> = packages.iter().map(|package| item(given, package)).collect();
    Ok(axum::Json(json!({ "items": items, "total_count": total })).into_response())
}

fn item<P>(given: &Given<P>, package: &ListedPackage) -> Value {
    let name =
        given.app.view.read(|table| table.channel(package.channel_id).map(|channel| channel.name.clone()));
    let name = name.unwrap_or_default();
    let (channel, subchannel) =
        name.split_once('/').map_or((&*name, None), |(above, name)| (above, Some(name)));
    let told = serde_json::from_str::<Value>(&package.channeldata_json).unwrap_or_default();
    let text = |key: &str| told.get(key).and_then(Value::as_str).unwrap_or_default();
    let subdirs = if package.kind == PackageKind::Conda { &package.subdirs[..] } else { &[] };
    let summary = summary(package);
    let description = if text("description").is_empty() { &summary } else { text("description") };
    json!({
        "id": package.package_id.to_string(),
        "name": package.name,
        "family": word_of(package.kind),
        "channel": channel,
        "subchannel": subchannel,
        "file_count": package.files,
        "download_count": 0,
        "created": package.created_at.format(&Rfc3339).unwrap_or_default(),
        "updated": package.updated_at.format(&Rfc3339).unwrap_or_default(),
        "metadata": {
            "version": package.latest_version,
            "versions": package.versions,
            "license": text("license"),
            "subdirs": subdirs,
            "summary": summary,
            "description": description,
        },
    })
}

/// A package in the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    family: String,
    name: String,
}

/// `GET /api/channels/{channel}/artifacts/{family}/{name}`.
pub(crate) async fn show(given: Given<Named>) -> Result<Response, Problem> {
    let (kind, name) = seen(&given)?;
    given.app.caught_up().await?;
    let (caller, room) = (&given.admitted.caller, given.admitted.room());
    let shelves = given.app.view.read(|table| reach::shelves(table, caller, [room.id]));
    let wanted = Wanted { text: name.clone(), kind: Some(kind), subdir: None };
    let found = given.app.reader.shelved(&shelves, &wanted, Order::Name, (0, super::window::MOST));
    let found = found.await.map_err(unread)?.into_iter().find(|package| package.name == name);
    let package = found.ok_or_else(absent)?;
    Ok(axum::Json(item(&given, &package)).into_response())
}

/// `GET /api/channels/{channel}/artifacts/{family}/{name}/files`.
pub(crate) async fn files(given: Given<Named>) -> Result<Response, Problem> {
    let window: Window = query(&given.uri)?;
    let rows = rows(&given, seen(&given)?).await?;
    if rows.is_empty() {
        return Err(absent());
    }
    let total = rows.len();
    let items: Vec<_> = window.of(rows).iter().map(file).collect();
    Ok(axum::Json(json!({ "items": items, "total_count": total })).into_response())
}

/// The package of the address, if the caller may list it.
fn seen(given: &Given<Named>) -> Result<(PackageKind, String), Problem> {
    let (kind, name) = package(&given.path.family, &given.path.name)?;
    let (caller, room) = (&given.admitted.caller, given.admitted.room());
    let action = Action::ArtifactView;
    let may = given.app.view.read(|table| reach::may(table, caller, action, room.id, (kind, &name)));
    may.then_some((kind, name)).ok_or_else(absent)
}

/// The files of a package that the caller may list, oldest first.
pub(super) async fn rows<P>(
    given: &Given<P>,
    (kind, name): (PackageKind, String),
) -> Result<Vec<ArtifactRow>, Problem> {
    given.app.caught_up().await?;
    let found = given.app.reader.artifacts_named(given.admitted.room().id, kind, &name).await;
    let mut rows = reach::listed(&given.app, &given.admitted, found.map_err(unread)?.1);
    rows.sort_by_key(|row| row.seq);
    Ok(rows)
}

/// A file. The clients take its version and name from where the products keep them.
fn file(row: &ArtifactRow) -> Value {
    let metadata = match row.kind {
        PackageKind::Conda => {
            let mut record = serde_json::from_str(&row.record_json).unwrap_or_else(|_| json!({}));
            record["fn"] = json!(row.filename);
            record["subdir"] = json!(row.subdir);
            record["version"] = json!(row.version);
            record["size"] = json!(row.size);
            record["sha256"] = json!(hex::encode(row.sha256));
            record["md5"] = json!(hex::encode(row.md5));
            json!({ "repodata_record.json": record })
        }
        PackageKind::Pypi => json!({
            "version": row.version, "fn": row.filename, "requires_python": row.requires_python,
            "packagetype": row.filetype.map(readmodel::FileType::as_str),
        }),
        PackageKind::Notebook | PackageKind::Environment | PackageKind::File => {
            json!({ "version": row.version, "fn": row.filename })
        }
    };
    json!({
        "id": row.artifact_id.to_string(),
        "name": row.name,
        "family": word_of(row.kind),
        "ckey": ckey(row),
        "size": row.size,
        "sha256": hex::encode(row.sha256),
        "md5": hex::encode(row.md5),
        "download_count": 0,
        "created": row.uploaded_at.format(&Rfc3339).unwrap_or_default(),
        "labels": row.labels.iter().map(names::LabelName::as_str).collect::<Vec<_>>(),
        "metadata": metadata,
    })
}

/// `DELETE /api/channels/{channel}/artifacts/{family}/{name}`: the package with all its files.
pub(crate) async fn remove(given: Given<Named>) -> Result<Response, Problem> {
    let (kind, name) = package(&given.path.family, &given.path.name)?;
    let message = PackageRequest {
        channel: given.admitted.room().name.to_string(),
        kind: stored_kind(kind).into(),
        name,
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().delete_package(request).await?.into_inner();
    let document = json!({ "authz_seq": reply.authz_seq, "receipt": reply.receipt.map(Confirmed::from) });
    Ok((StatusCode::ACCEPTED, axum::Json(document)).into_response())
}
