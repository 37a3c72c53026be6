//! `/api/copy/package/…`: files of a version into another owner's channel, or under another label of the same.

use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use names::LabelName;
use proto::catalog::v1::{CopyArtifactsRequest, CopyConflict};
use readmodel::ArtifactRow;
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::caller;
use super::files::{basename, document, of_package};
use crate::problem::Problem;
use crate::routes::bulk::{self, place};
use crate::routes::given::Given;
use crate::routes::rest::json::Json;
use crate::routes::upload::{explained, pending};

/// Which files: all of the version where the address names none.
#[derive(Debug, Deserialize)]
pub(crate) struct Which {
    package: String,
    version: String,
    #[serde(default)]
    basename: String,
}

/// Where to.
#[derive(Debug, Deserialize)]
pub(crate) struct Wish {
    /// Null is the caller.
    #[serde(default)]
    to_owner: Option<String>,
    #[serde(default)]
    from_channel: Option<String>,
    #[serde(default)]
    to_channel: Option<String>,
}

/// `POST` refuses what is there with other bytes, `PUT` replaces it, `PATCH` leaves it as it is.
pub(crate) async fn copy(given: Given<Which>, Json(wish): Json<Wish>) -> Result<Response, Problem> {
    let label = |word: &Option<String>| {
        let parsed = word.as_deref().map(LabelName::parse).transpose();
        parsed
            .map(|label| label.unwrap_or_else(LabelName::main))
            .map_err(|error| Problem::invalid(error.to_string()))
    };
    let (from, to) = (label(&wish.from_channel)?, label(&wish.to_channel)?);
    let Which { package, version, basename: wanted } = &given.path;
    let is = |row: &ArtifactRow| {
        let named = wanted.is_empty() || basename(row) == *wanted || row.filename == *wanted;
        row.version == *version && row.labels.contains(&from) && named
    };
    let mut rows = of_package(&given, package).await?;
    rows.retain(is);
    if rows.is_empty() {
        return Ok(axum::Json(Vec::<Value>::new()).into_response());
    }
    let target = match wish.to_owner {
        Some(owner) => owner,
        None => caller(&given).await?.login,
    };
    let conflict = match given.method {
        Method::PUT => CopyConflict::Replace,
        Method::PATCH => CopyConflict::Skip,
        _ => CopyConflict::Refuse,
    };
    let wish = CopyArtifactsRequest {
        files: rows.iter().map(place).collect(),
        target: target.clone(),
        labels: vec![to.to_string()],
        conflict: conflict.into(),
        ..CopyArtifactsRequest::default()
    };
    let reply = bulk::copy(&given, wish).await;
    let reply = reply.map_err(|status| explained(runtime::Failure::from_status(status)))?;
    pending(&given.app, reply.catalog_seq, &reply.silent).await;
    let copied = |row: &&ArtifactRow| reply.files.contains(&place(row));
    let documents: Vec<_> = rows.iter().filter(copied).map(|row| document(&target, row)).collect();
    Ok((StatusCode::OK, axum::Json(json!(documents))).into_response())
}
