//! `/api/v1/channels/{channel}/artifacts`: list and remove files.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use names::{LabelName, PackageKind, Subdir, TokenId};
use proto::catalog::v1::RemoveArtifactRequest;
use proto::event::v1 as stored;
use readmodel::{ArtifactRow, FileKey, PAGE_LIMIT};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::channel::Named;
use super::json::query;
use crate::gate::Admitted;
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::Selection;
use crate::routes::reach;
use crate::routes::upload::{PENDING, pending};
use crate::state::unread;
use crate::upstream;

/// Files in one page if the caller does not say.
const PAGE: u32 = 200;

#[derive(Debug, Deserialize)]
struct Listing {
    #[serde(default)]
    page_size: u32,
    #[serde(default)]
    page_token: String,
    /// Only this package's.
    #[serde(default)]
    name: Option<String>,
    /// Only this kind's.
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    version: Option<String>,
    /// Only those that bear it.
    #[serde(default)]
    label: Option<String>,
}

#[derive(Debug, Serialize)]
struct ArtifactDocument {
    artifact_id: String,
    kind: &'static str,
    name: String,
    version: String,
    build: String,
    subdir: String,
    filename: String,
    size_bytes: u64,
    sha256: String,
    md5: String,
    uploaded_at: String,
    summary: String,
    labels: Vec<String>,
}

impl From<ArtifactRow> for ArtifactDocument {
    fn from(row: ArtifactRow) -> Self {
        Self {
            artifact_id: row.artifact_id.to_string(),
            kind: row.kind.as_str(),
            name: row.name,
            version: row.version,
            build: row.build,
            subdir: row.subdir,
            filename: row.filename,
            size_bytes: row.size,
            sha256: hex::encode(row.sha256),
            md5: hex::encode(row.md5),
            uploaded_at: row.uploaded_at.format(&Rfc3339).unwrap_or_default(),
            summary: row.summary,
            labels: row.labels.iter().map(ToString::to_string).collect(),
        }
    }
}

/// `GET …/artifacts`.
pub(crate) async fn list(given: Given<Named>) -> Result<Response, Problem> {
    let listing: Listing = query(&given.uri)?;
    if listing.name.is_some() || listing.label.is_some() {
        return selected(&given, listing).await;
    }
    let room = given.admitted.room();
    let after = Place::read(&listing.page_token, &given.admitted)?;
    let limit = if listing.page_size == 0 { PAGE } else { listing.page_size.min(PAGE_LIMIT) };
    given.app.caught_up().await?;
    let (reader, packages) = (&given.app.reader, given.packages());
    let (_, rows) = reader.list_artifacts(room.id, &packages, after.as_ref(), limit).await.map_err(unread)?;
    let (_, total) = reader.count_artifacts(room.id, &packages).await.map_err(unread)?;
    let full = rows.len() >= limit as usize;
    let next = rows.last().filter(|_| full).map(|row| Place::of(&row.key(), &given.admitted).written());
    let artifacts: Vec<_> = rows.into_iter().map(ArtifactDocument::from).collect();
    Ok(axum::Json(json!({ "artifacts": artifacts, "next_page_token": next, "total": total })).into_response())
}

/// The files of one package or label, all of them on one page.
async fn selected(given: &Given<Named>, listing: Listing) -> Result<Response, Problem> {
    let label = listing.label.as_deref().map(LabelName::parse).transpose();
    let label = label.map_err(|error| Problem::invalid(error.to_string()))?;
    let Listing { name, kind, version, .. } = listing;
    let selection = Selection { kind, name, version, ..Selection::default() };
    let rows = selection.matching(&given.app, given.admitted.room().id, label.as_ref()).await?;
    let rows = reach::listed(&given.app, &given.admitted, rows);
    let total = rows.len();
    let artifacts: Vec<_> = rows.into_iter().map(ArtifactDocument::from).collect();
    let next = Option::<String>::None;
    Ok(axum::Json(json!({ "artifacts": artifacts, "next_page_token": next, "total": total })).into_response())
}

/// A position in a listing. It is the caller's own: another caller's or another channel's is refused.
#[derive(Debug, Serialize, Deserialize)]
struct Place {
    channel: uuid::Uuid,
    caller: Option<uuid::Uuid>,
    kind: String,
    subdir: String,
    filename: String,
}

impl Place {
    fn of(key: &FileKey, admitted: &Admitted) -> Self {
        Self {
            channel: key.channel_id.0,
            caller: admitted.caller.token().map(|TokenId(id)| id),
            kind: key.kind.as_str().to_owned(),
            subdir: key.subdir.clone(),
            filename: key.filename.clone(),
        }
    }

    fn written(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).expect("texts and ids are JSON"))
    }

    fn read(token: &str, admitted: &Admitted) -> Result<Option<FileKey>, Problem> {
        if token.is_empty() {
            return Ok(None);
        }
        let place: Option<Self> =
            URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let caller = admitted.caller.token().map(|TokenId(id)| id);
        let own = place.filter(|place| place.channel == admitted.room().id.0 && place.caller == caller);
        let key = own.and_then(|place| {
            let kind = place.kind.parse::<PackageKind>().ok()?;
            Some(FileKey {
                channel_id: admitted.room().id,
                kind,
                subdir: place.subdir,
                filename: place.filename,
            })
        });
        let wrong = || Problem::invalid("this page_token is not of this list: start again without one");
        key.map(Some).ok_or_else(wrong)
    }
}

/// A conda file of a channel.
#[derive(Debug, Deserialize)]
pub(crate) struct CondaFile {
    pub(super) subdir: String,
    pub(super) file: String,
}

/// `DELETE …/artifacts/conda/{subdir}/{file}`.
pub(crate) async fn remove_conda(given: Given<CondaFile>) -> Result<Response, Problem> {
    let CondaFile { subdir, file } = &given.path;
    Subdir::parse(subdir).map_err(|error| Problem::invalid(error.to_string()))?;
    remove(&given, stored::PackageKind::Conda, subdir, file).await
}

/// A Python file of a channel.
#[derive(Debug, Deserialize)]
pub(crate) struct PythonFile {
    pub(super) file: String,
}

/// `DELETE …/artifacts/pypi/{file}`.
pub(crate) async fn remove_python(given: Given<PythonFile>) -> Result<Response, Problem> {
    remove(&given, stored::PackageKind::Pypi, "", &given.path.file).await
}

pub(super) async fn remove<P>(
    given: &Given<P>,
    kind: stored::PackageKind,
    subdir: &str,
    filename: &str,
) -> Result<Response, Problem> {
    let message = RemoveArtifactRequest {
        channel: given.admitted.room().name.to_string(),
        kind: kind.into(),
        subdir: subdir.to_owned(),
        filename: filename.to_owned(),
    };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().remove_artifact(request).await?.into_inner();
    let seq = reply.catalog_seq;
    let behind = pending(&given.app, seq, &reply.silent).await;
    let mut response = axum::Json(json!({ "catalog_seq": seq, "silent": reply.silent })).into_response();
    if behind {
        response.headers_mut().insert(PENDING, HeaderValue::from(seq));
    }
    Ok(response)
}
