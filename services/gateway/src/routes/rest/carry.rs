//! `/api/v1/channels/{channel}/artifacts/copy`, `move` and `remove`: many files, all of them or none.
//!
//! Files are named by their places, as the list of artifacts shows them, so that a repeat means the same files: what has
//! been moved or removed already is done.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use names::{ChannelPath, LabelName, PackageKind};
use proto::catalog::v1::{CopyArtifactsRequest, CopyConflict, Place};
use serde::Deserialize;
use serde_json::{Value, json};

use super::channel::Named;
use super::json;
use crate::limits::MAX_BULK_BYTES;
use crate::problem::Problem;
use crate::routes::bulk::{self, FILES};
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::routes::upload::{PENDING, pending};

/// A file by its place. What else a list says of it is not looked at.
#[derive(Debug, Deserialize)]
struct File {
    kind: String,
    /// Python's files have none.
    #[serde(default)]
    subdir: String,
    filename: String,
}

impl File {
    fn place(self) -> Result<Place, Problem> {
        let kind = self.kind.parse::<PackageKind>().map_err(|error| Problem::invalid(error.to_string()))?;
        Ok(Place { kind: stored_kind(kind).into(), subdir: self.subdir, filename: self.filename })
    }
}

/// Which files are to go.
#[derive(Debug, Deserialize)]
struct Which {
    files: Vec<File>,
}

/// Which files, and where to.
#[derive(Debug, Deserialize)]
struct Wish {
    files: Vec<File>,
    /// A channel, or a subchannel as `channel/subchannel`.
    to: String,
    /// What they bear there; unsaid, what they bear here.
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    conflict: Conflict,
}

/// What becomes of a file that is there with other bytes.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Conflict {
    #[default]
    Refuse,
    Replace,
    Skip,
}

impl From<Conflict> for CopyConflict {
    fn from(conflict: Conflict) -> Self {
        match conflict {
            Conflict::Refuse => Self::Refuse,
            Conflict::Replace => Self::Replace,
            Conflict::Skip => Self::Skip,
        }
    }
}

/// `POST …/artifacts/copy`.
pub(crate) async fn copy(given: Given<Named>, body: Body) -> Result<Response, Problem> {
    carried(&given, body, false).await
}

/// `POST …/artifacts/move`.
pub(crate) async fn relocate(given: Given<Named>, body: Body) -> Result<Response, Problem> {
    carried(&given, body, true).await
}

/// `POST …/artifacts/remove`.
pub(crate) async fn remove(given: Given<Named>, body: Body) -> Result<Response, Problem> {
    let Which { files } = json::read(body, MAX_BULK_BYTES).await?;
    let files = places(files)?;
    let reply = bulk::remove(&given, files.clone()).await?;
    answer(&given, &files, reply.catalog_seq, &reply.silent).await
}

async fn carried(given: &Given<Named>, body: Body, moves: bool) -> Result<Response, Problem> {
    let wish: Wish = json::read(body, MAX_BULK_BYTES).await?;
    let target = ChannelPath::parse(&wish.to).map_err(|error| Problem::invalid(error.to_string()))?;
    for label in &wish.labels {
        LabelName::parse(label).map_err(|error| Problem::invalid(error.to_string()))?;
    }
    let message = CopyArtifactsRequest {
        files: places(wish.files)?,
        target: target.to_string(),
        labels: wish.labels,
        conflict: CopyConflict::from(wish.conflict).into(),
        r#move: moves,
        ..CopyArtifactsRequest::default()
    };
    let reply = bulk::copy(given, message).await?;
    answer(given, &reply.files, reply.catalog_seq, &reply.silent).await
}

fn places(files: Vec<File>) -> Result<Vec<Place>, Problem> {
    match files.len() {
        0 => Err(Problem::invalid("say which files: the list is empty")),
        1..=FILES => files.into_iter().map(File::place).collect(),
        _ => Err(Problem::invalid(format!("at most {FILES} files at once: send them in parts"))),
    }
}

/// The files that are, because of this, where they were to be.
async fn answer(
    given: &Given<Named>,
    files: &[Place],
    seq: u64,
    silent: &[String],
) -> Result<Response, Problem> {
    let behind = pending(&given.app, seq, silent).await;
    let document = |file: &Place| {
        let kind = file.kind().as_str_name().to_ascii_lowercase();
        json!({ "kind": kind, "subdir": file.subdir, "filename": file.filename })
    };
    let files: Vec<Value> = files.iter().map(document).collect();
    let mut response =
        axum::Json(json!({ "files": files, "catalog_seq": seq, "silent": silent })).into_response();
    if behind {
        response.headers_mut().insert(PENDING, HeaderValue::from(seq));
    }
    Ok(response)
}
