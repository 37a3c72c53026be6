//! `/api/channels/<owner>…`: labels, which these clients call channels.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use names::LabelName;
use proto::catalog::v1::LockLabelRequest;
use readmodel::ArtifactRow;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::files::{basename, of_package};
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::{Selection, change};
use crate::routes::reach;
use crate::routes::rest::json::Json;
use crate::routes::rest::label::of_channel;
use crate::routes::upload::pending;
use crate::state::unread;
use crate::upstream;

/// An owner.
#[derive(Debug, Deserialize)]
pub(crate) struct Owner {}

/// `GET /api/channels/<owner>`.
pub(crate) async fn list(given: Given<Owner>) -> Result<Response, Problem> {
    let labels = of_channel(&given).await?.into_iter();
    let document = |(label, (_, locked))| (label, json!({ "is_locked": locked }));
    Ok(axum::Json(Value::Object(labels.map(document).collect::<Map<_, _>>())).into_response())
}

/// A label of an owner.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    channel: String,
    label: String,
}

fn read(label: &str) -> Result<LabelName, Problem> {
    LabelName::parse(label).map_err(|error| Problem::invalid(error.to_string()))
}

/// `GET /api/channels/<owner>/<label>`.
pub(crate) async fn show(given: Given<Named>) -> Result<Response, Problem> {
    let label = read(&given.path.label)?;
    let labels = of_channel(&given).await?;
    let absent = || Problem::not_found("no file bears this label");
    let (_, locked) = *labels.get(label.as_str()).ok_or_else(absent)?;
    let id = given.admitted.room().id;
    let rows = given.app.reader.artifacts_labelled(id, &label).await.map_err(unread)?.1;
    let owner = &given.path.channel;
    let name = |row: &ArtifactRow| json!({ "full_name": format!("{owner}/{}/{}/{}", row.name, row.version, basename(row)) });
    let files: Vec<_> = reach::listed(&given.app, &given.admitted, rows).iter().map(name).collect();
    Ok(axum::Json(json!({ "is_locked": locked, "files": files })).into_response())
}

/// Which files; what is null is any.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Which {
    #[serde(default)]
    package: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    basename: Option<String>,
}

impl Which {
    fn is(&self, row: &ArtifactRow) -> bool {
        self.version.as_ref().is_none_or(|version| *version == row.version)
            && self.basename.as_ref().is_none_or(|wanted| *wanted == basename(row) || *wanted == row.filename)
    }
}

/// `POST /api/channels/<owner>/<label>`: gives the label to files.
pub(crate) async fn add(given: Given<Named>, Json(which): Json<Which>) -> Result<Response, Problem> {
    let label = read(&given.path.label)?;
    let package = which.package.as_deref();
    let package = package.ok_or_else(|| Problem::invalid("say which package is to bear the label"))?;
    let mut rows = of_package(&given, package).await?;
    rows.retain(|row| which.is(row));
    relabel(&given, rows, &[&label], &[]).await
}

/// `DELETE /api/channels/<owner>/<label>`: takes the label from files, or from all that bear it.
pub(crate) async fn remove(given: Given<Named>, Json(which): Json<Which>) -> Result<Response, Problem> {
    let label = read(&given.path.label)?;
    let selection = Selection { name: which.package.clone(), ..Selection::default() };
    let id = given.admitted.room().id;
    let rows = selection.matching(&given.app, id, Some(&label)).await?;
    let mut rows = reach::listed(&given.app, &given.admitted, rows);
    rows.retain(|row| which.is(row));
    relabel(&given, rows, &[], &[&label]).await
}

/// From one label to another.
#[derive(Debug, Deserialize)]
pub(crate) struct Onto {
    label: String,
    to: String,
}

/// `POST /api/channels/<owner>/<label>/copy/<to>`: gives another label to all that bear this one.
pub(crate) async fn copy(given: Given<Onto>) -> Result<Response, Problem> {
    let (label, to) = (read(&given.path.label)?, read(&given.path.to)?);
    let id = given.admitted.room().id;
    let rows = Selection::default().matching(&given.app, id, Some(&label)).await?;
    let rows = reach::listed(&given.app, &given.admitted, rows);
    relabel(&given, rows, &[&to], &[]).await
}

async fn relabel<P>(
    given: &Given<P>,
    rows: Vec<ArtifactRow>,
    add: &[&LabelName],
    take: &[&LabelName],
) -> Result<Response, Problem> {
    if rows.is_empty() {
        return Err(Problem::not_found("there is no such file"));
    }
    let done = change(given, &rows, add, take).await?;
    pending(&given.app, done.catalog_seq, &done.silent).await;
    Ok(done_with())
}

/// Where these clients want 201.
fn done_with() -> Response {
    (StatusCode::CREATED, axum::Json(json!(null))).into_response()
}

/// `POST /api/channels/<owner>/<label>/lock`.
pub(crate) async fn lock(given: Given<Named>) -> Result<Response, Problem> {
    set(&given, true).await
}

/// `DELETE /api/channels/<owner>/<label>/lock`.
pub(crate) async fn unlock(given: Given<Named>) -> Result<Response, Problem> {
    set(&given, false).await
}

async fn set(given: &Given<Named>, locked: bool) -> Result<Response, Problem> {
    let Named { channel, label } = &given.path;
    let message = LockLabelRequest { channel: channel.clone(), label: label.clone(), locked };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let seq = given.app.upstreams.catalog().lock_label(request).await?.into_inner().authz_seq;
    given.app.view.wait_for(seq, WRITE_CALL).await.ok();
    Ok(done_with())
}
