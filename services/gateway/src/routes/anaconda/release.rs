//! `/api/release/…` and `/api/dist/…`: the versions of a package and their files. A version is there while a file of it
//! is, so what makes or changes one records nothing.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use proto::catalog::v1::{Place, RemoveArtifactsRequest};
use readmodel::ArtifactRow;
use serde::Deserialize;
use serde_json::{Value, json};

use super::files::{basename, document, of_package};
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::routes::reach;
use crate::routes::rest::file::sent;
use crate::routes::rest::json::Json;
use crate::routes::upload::pending;
use crate::upstream;

/// Files in one call; catalog's own limit.
const PART: usize = 1000;

/// A version of a package.
#[derive(Debug, Deserialize)]
pub(crate) struct Release {
    channel: String,
    package: String,
    version: String,
}

async fn of_release(given: &Given<Release>) -> Result<Vec<ArtifactRow>, Problem> {
    let mut rows = of_package(given, &given.path.package).await?;
    rows.retain(|row| row.version == given.path.version);
    match rows.is_empty() {
        true => Err(Problem::not_found("there is no such version of this package")),
        false => Ok(rows),
    }
}

/// `GET /api/release/<owner>/<name>/<version>`.
pub(crate) async fn show(given: Given<Release>) -> Result<Response, Problem> {
    let rows = of_release(&given).await?;
    let Release { channel, package, version } = &given.path;
    let files: Vec<_> = rows.iter().map(|row| document(channel, row)).collect();
    let full_name = format!("{channel}/{package}/{version}");
    Ok(axum::Json(json!({
        "version": version, "full_name": full_name, "distributions": files, "public_attrs": { "description": null },
    }))
    .into_response())
}

/// `POST` and `PATCH /api/release/…`.
pub(crate) async fn accept(_given: Given<Release>, Json(_attributes): Json<Value>) -> Response {
    axum::Json(json!({})).into_response()
}

/// `DELETE /api/release/…`: removes its files.
pub(crate) async fn remove(given: Given<Release>) -> Result<Response, Problem> {
    let rows = of_release(&given).await?;
    remove_all(&given, &rows).await?;
    Ok((StatusCode::CREATED, axum::Json(json!(null))).into_response())
}

pub(super) async fn remove_all<P>(given: &Given<P>, rows: &[ArtifactRow]) -> Result<(), Problem> {
    let (mut seq, mut silent) = (0, Vec::new());
    for part in rows.chunks(PART) {
        let place = |row: &ArtifactRow| Place {
            kind: stored_kind(row.kind).into(),
            subdir: row.subdir.clone(),
            filename: row.filename.clone(),
        };
        let channel = given.admitted.room().name.to_string();
        let message = RemoveArtifactsRequest { channel, files: part.iter().map(place).collect() };
        let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
        let reply = given.app.upstreams.catalog().remove_artifacts(request).await?.into_inner();
        (seq, silent) = (reply.catalog_seq.max(seq), reply.silent);
    }
    // These clients ask for the file again at once.
    pending(&given.app, seq, &silent).await;
    Ok(())
}

/// A file of a version; conda's are called by their subdir too.
#[derive(Debug, Deserialize)]
pub(crate) struct Dist {
    pub(super) channel: String,
    pub(super) package: String,
    pub(super) version: String,
    pub(super) basename: String,
}

async fn found(given: &Given<Dist>) -> Result<ArtifactRow, Problem> {
    let Dist { package, version, basename: wanted, .. } = &given.path;
    let rows = of_package(given, package).await?;
    let by_id = wanted.strip_prefix("-/");
    let is = |row: &ArtifactRow| match by_id {
        Some(id) => row.artifact_id.to_string() == id,
        None => basename(row) == *wanted,
    };
    let row = rows.into_iter().find(|row| row.version == *version && is(row));
    row.ok_or_else(|| Problem::not_found("there is no such file of this package"))
}

/// `GET /api/dist/<owner>/<name>/<version>/<basename…>`.
pub(crate) async fn dist(given: Given<Dist>) -> Result<Response, Problem> {
    let row = found(&given).await?;
    Ok(axum::Json(document(&given.path.channel, &row)).into_response())
}

/// `DELETE /api/dist/…`.
pub(crate) async fn remove_dist(given: Given<Dist>) -> Result<Response, Problem> {
    let row = found(&given).await?;
    remove_all(&given, &[row]).await?;
    Ok(axum::Json(json!(null)).into_response())
}

/// `GET /api/download/…`: the bytes, without a detour.
pub(crate) async fn download(given: Given<Dist>) -> Result<Response, Problem> {
    let row = found(&given).await?;
    reach::check(&given, reach::download(row.kind), (row.kind, row.name.as_str()))?;
    sent(given.asked(), &row).await
}
