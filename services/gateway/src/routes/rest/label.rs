//! `/api/v1/channels/{channel}/labels`: what files are found under.

use std::collections::BTreeMap;

use access::{Action, Caller, Object, Table, Verdict};
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use names::{ChannelId, LabelName};
use proto::catalog::v1::LockLabelRequest;
use serde::Deserialize;
use serde_json::json;

use super::channel::{Named, changed};
use super::json::Json;
use crate::limits::WRITE_CALL;
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::{self, Changed, Selection};
use crate::routes::reach;
use crate::routes::upload::{PENDING, pending};
use crate::state::unread;
use crate::upstream;

/// `GET …/labels`: the labels that files bear, and those that are locked.
pub(crate) async fn list(given: Given<Named>) -> Result<Response, Problem> {
    let document = |(label, (files, locked)): (String, (u64, bool))| json!({ "label": label, "files": files, "locked": locked });
    let labels: Vec<_> = of_channel(&given).await?.into_iter().map(document).collect();
    Ok(axum::Json(json!({ "labels": labels })).into_response())
}

/// A channel's labels: how many files bear each, and whether it is locked. `main` is always there.
pub(crate) async fn of_channel<P>(given: &Given<P>) -> Result<BTreeMap<String, (u64, bool)>, Problem> {
    let id = given.admitted.room().id;
    given.app.caught_up().await?;
    let packages = given.app.view.read(|table| reach::listable(table, &given.admitted.caller, id));
    let (_, borne) = given.app.reader.labels(id, &packages).await.map_err(unread)?;
    let mut labels = BTreeMap::from([(LabelName::main().to_string(), (0, false))]);
    labels.extend(borne.into_iter().map(|(label, files)| (label, (files, false))));
    given.app.view.read(|table| add_locks(table, &given.admitted.caller, id, &mut labels));
    Ok(labels)
}

/// Says which labels are locked. One that no file bears as far as the caller sees is told to those who could unlock it:
/// all that bear it may be hidden, and then it is too.
pub(crate) fn add_locks(
    table: &Table,
    caller: &Caller,
    id: ChannelId,
    labels: &mut BTreeMap<String, (u64, bool)>,
) {
    let unlocks =
        matches!(table.decide(caller, Action::LabelLock, &Object::Channel(id)), Verdict::Allowed(_));
    for label in table.channel(id).into_iter().flat_map(|channel| &channel.locked_labels) {
        match labels.get_mut(&**label) {
            Some((_, locked)) => *locked = true,
            None if unlocks => drop(labels.insert(label.to_string(), (0, true))),
            None => {}
        }
    }
}

/// A label of a channel.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    channel: String,
    label: String,
}

impl Place {
    fn label(&self) -> Result<LabelName, Problem> {
        read(&self.label)
    }
}

fn read(label: &str) -> Result<LabelName, Problem> {
    LabelName::parse(label).map_err(|error| Problem::invalid(error.to_string()))
}

/// `POST …/labels/{label}/files`: gives the label to a package's files.
pub(crate) async fn add(given: Given<Place>, Json(files): Json<Selection>) -> Result<Response, Problem> {
    let label = given.path.label()?;
    let rows = files.rows(&given.app, given.admitted.room().id, None).await?;
    let done = labelling::change(&given, &rows, &[&label], &[]).await?;
    answer(&given, rows.len(), done).await
}

/// `DELETE …/labels/{label}/files`: takes the label from files, or from all that bear it.
pub(crate) async fn remove(given: Given<Place>, Json(files): Json<Selection>) -> Result<Response, Problem> {
    let label = given.path.label()?;
    let rows = files.rows(&given.app, given.admitted.room().id, Some(&label)).await?;
    let done = labelling::change(&given, &rows, &[], &[&label]).await?;
    answer(&given, rows.len(), done).await
}

/// Another label, and which files of the first are meant.
#[derive(Debug, Deserialize)]
pub(crate) struct Onto {
    to: String,
    #[serde(flatten)]
    files: Selection,
}

/// `POST …/labels/{label}/copy`: gives another label to the files that bear this one.
pub(crate) async fn copy(given: Given<Place>, Json(onto): Json<Onto>) -> Result<Response, Problem> {
    let (label, to) = (given.path.label()?, read(&onto.to)?);
    let rows = onto.files.rows(&given.app, given.admitted.room().id, Some(&label)).await?;
    let done = labelling::change(&given, &rows, &[&to], &[]).await?;
    answer(&given, rows.len(), done).await
}

/// `POST …/labels/{label}/move`: gives another label in the place of this one, at once.
pub(crate) async fn relocate(given: Given<Place>, Json(onto): Json<Onto>) -> Result<Response, Problem> {
    let (label, to) = (given.path.label()?, read(&onto.to)?);
    if label == to {
        return Err(Problem::invalid("a label cannot be moved onto itself"));
    }
    let rows = onto.files.rows(&given.app, given.admitted.room().id, Some(&label)).await?;
    let done = labelling::change(&given, &rows, &[&to], &[&label]).await?;
    answer(&given, rows.len(), done).await
}

async fn answer(given: &Given<Place>, files: usize, done: Changed) -> Result<Response, Problem> {
    let seq = done.catalog_seq;
    let behind = pending(&given.app, seq, &done.silent).await;
    let document =
        json!({ "files": files, "changed": done.changed, "catalog_seq": seq, "silent": done.silent });
    let mut response = axum::Json(document).into_response();
    if behind {
        response.headers_mut().insert(PENDING, HeaderValue::from(seq));
    }
    Ok(response)
}

/// `PUT …/labels/{label}/lock`: from now on nothing that the label shows changes.
pub(crate) async fn lock(given: Given<Place>) -> Result<Response, Problem> {
    set(&given, true).await
}

/// `DELETE …/labels/{label}/lock`.
pub(crate) async fn unlock(given: Given<Place>) -> Result<Response, Problem> {
    set(&given, false).await
}

async fn set(given: &Given<Place>, locked: bool) -> Result<Response, Problem> {
    let Place { channel, label } = &given.path;
    let message = LockLabelRequest { channel: channel.clone(), label: label.clone(), locked };
    let request = upstream::request(&given.admitted.presented, message, WRITE_CALL);
    let reply = given.app.upstreams.catalog().lock_label(request).await?.into_inner();
    Ok(changed(reply).into_response())
}
