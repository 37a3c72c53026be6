//! `/api/v1/channels/{channel}/artifacts/…`: the bytes of files, of whatever kind, by the places that listings tell.

use std::borrow::Cow;

use axum::response::Response;
use http::HeaderValue;
use http::header::CONTENT_DISPOSITION;
use names::{PackageKind, Subdir};
use readmodel::ArtifactRow;
use serde::Deserialize;

use super::artifact::{CondaFile, PythonFile, remove};
use crate::file::{Asked, Stored};
use crate::gate::Sent;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::routes::reach;
use crate::state::unread;

/// `GET …/artifacts/conda/{subdir}/{file}`.
pub(crate) async fn conda(given: Given<CondaFile>) -> Result<Response, Problem> {
    let CondaFile { subdir, file } = &given.path;
    Subdir::parse(subdir).map_err(|error| Problem::invalid(error.to_string()))?;
    let row = found(&given, PackageKind::Conda, subdir, file).await?;
    sent(given.asked(), &row).await
}

/// `GET …/artifacts/pypi/{file}`.
pub(crate) async fn python(given: Given<PythonFile>) -> Result<Response, Problem> {
    let row = found(&given, PackageKind::Pypi, "", &given.path.file).await?;
    sent(given.asked(), &row).await
}

/// The place of a notebook, an environment or a plain file.
#[derive(Debug, Deserialize)]
pub(crate) struct PlainFile {
    kind: String,
    name: String,
    version: String,
    file: String,
}

impl PlainFile {
    fn kind(&self) -> Result<PackageKind, Problem> {
        plain_kind(&self.kind)
    }

    fn subdir(&self) -> String {
        format!("{}/{}", self.name, self.version)
    }
}

/// A kind that stands in an address for files of no index.
pub(crate) fn plain_kind(word: &str) -> Result<PackageKind, Problem> {
    let kind = word.parse::<PackageKind>().ok().filter(|kind| kind.is_plain());
    kind.ok_or_else(|| Problem::not_found("the kinds at this address are notebook, environment and file"))
}

/// `GET …/artifacts/{kind}/{name}/{version}/{file}`.
pub(crate) async fn plain(given: Given<PlainFile>) -> Result<Response, Problem> {
    let kind = given.path.kind()?;
    let row = found(&given, kind, &given.path.subdir(), &given.path.file).await?;
    sent(given.asked(), &row).await
}

/// `DELETE …/artifacts/{kind}/{name}/{version}/{file}`.
pub(crate) async fn remove_plain(given: Given<PlainFile>) -> Result<Response, Problem> {
    let kind = given.path.kind()?;
    remove(&given, stored_kind(kind), &given.path.subdir(), &given.path.file).await
}

async fn found<P>(
    given: &Given<P>,
    kind: PackageKind,
    subdir: &str,
    file: &str,
) -> Result<ArtifactRow, Problem> {
    let (app, room) = (&given.app, given.admitted.room());
    app.caught_up().await?;
    let (_, row) = app.reader.artifact_file(room.id, kind, Some(subdir), file).await.map_err(unread)?;
    let absent = || Problem::not_found("there is no such file in this channel");
    let row = row.ok_or_else(absent)?;
    let action = reach::download(kind);
    let seen = app
        .view
        .read(|table| reach::may(table, &given.admitted.caller, action, room.id, (kind, row.name.as_str())));
    seen.then_some(row).ok_or_else(absent)
}

/// Answers with a file's bytes.
pub(crate) async fn sent(asked: Asked<'_>, row: &ArtifactRow) -> Result<Response, Problem> {
    let stored = Stored {
        sha256: row.sha256,
        size_bytes: row.size,
        modified: row.uploaded_at,
        sent: Sent::Package(row.kind, Cow::Borrowed(row.name.as_str()), row.package_id),
    };
    let mut response = asked.blob(stored).await?;
    // Whatever it holds, a browser saves it and does not run it.
    let saved = format!("attachment; filename=\"{}\"", row.filename.replace(['"', '\\'], "_"));
    if let Ok(saved) = HeaderValue::from_str(&saved) {
        response.headers_mut().insert(CONTENT_DISPOSITION, saved);
    }
    Ok(response)
}
