//! Uploads: three forms for conda, one for Python and one for any kind, over one way in. The gate has let the caller in before a byte is
//! read; the bytes stream into the file store while they are hashed; catalog reads the archive and decides again on the
//! name it finds inside.

mod digest;
mod fields;
mod form;
mod spoken;

pub(crate) use form::{any, broken_form, open_form, prefix, python, server, ticket_text};

use axum::BoxError;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use blobs::Written;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{Stream, StreamExt};
use http::{HeaderName, HeaderValue, StatusCode};
use names::LabelName;
use proto::catalog::v1::{ExpectedDigests, PublishReply, PublishRequest};
use proto::event::v1::PackageKind;
use readmodel::Stream as Log;
use runtime::Code;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits::{PENDING_LIMIT, PUBLISH_CALL, STALL_LIMIT};
use crate::problem::Problem;
use crate::routes::given::Given;
use crate::routes::labelling::stored_kind;
use crate::routes::rest::file::plain_kind;
use crate::routes::rest::json::query;
use crate::state::{App, unstored};
use crate::upstream;
use digest::Expected;

/// The sequence from which on every gateway shows the file, where not all have said so in time.
pub(crate) const PENDING: HeaderName = HeaderName::from_static("latchkey-pending");

/// Longest file name, in bytes; what most file systems take.
const MAX_FILENAME_BYTES: usize = 255;

/// What is said of a file besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Claim {
    kind: PackageKind,
    filename: String,
    /// conda: the address's subdir, empty if it names none.
    subdir: String,
    expected: Expected,
    force: bool,
    /// Python: what the form says.
    name: String,
    version: String,
}

impl Claim {
    fn conda(filename: String, expected: Expected, force: bool) -> Self {
        let (subdir, name, version) = Default::default();
        Self { kind: PackageKind::Conda, filename, subdir, expected, force, name, version }
    }
}

/// Where a raw body goes; which parts are there is the route's doing.
#[derive(Debug, Deserialize)]
pub(crate) struct Place {
    #[serde(default)]
    subdir: String,
    #[serde(default)]
    file: String,
}

/// `PUT /<channel>/<subdir>/<file>` and quetz's `POST /api/channels/<channel>/upload/<file>`: the body is the file.
pub(crate) async fn raw(given: Given<Place>, body: Body) -> Result<Response, Problem> {
    let filename = checked_filename(&given.path.file)?;
    if !given.path.subdir.is_empty() {
        names::Subdir::parse(&given.path.subdir).map_err(|error| Problem::invalid(error.to_string()))?;
    }
    let query = given.uri.query().unwrap_or_default();
    let expected = digest::of_headers(&given.headers)?.or(digest::of_query(query)?);
    let claim =
        Claim { subdir: given.path.subdir.clone(), ..Claim::conda(filename, expected, forced(query)) };
    let written = receive(&given.app, body.into_data_stream()).await?;
    publish(&given, claim, written).await
}

/// Where a notebook, an environment or a plain file goes.
#[derive(Debug, Deserialize)]
pub(crate) struct PlainPlace {
    kind: String,
    file: String,
}

/// What is said of it in the query; what the file tells itself need not be.
#[derive(Debug, Deserialize)]
struct PlainQuery {
    #[serde(default)]
    name: String,
    #[serde(default)]
    version: String,
}

/// `PUT …/artifacts/{kind}/{file}`: the body is the file.
pub(crate) async fn plain(given: Given<PlainPlace>, body: Body) -> Result<Response, Problem> {
    let filename = checked_filename(&given.path.file)?;
    let kind = stored_kind(plain_kind(&given.path.kind)?);
    let PlainQuery { name, version } = query(&given.uri)?;
    let text = given.uri.query().unwrap_or_default();
    let expected = digest::of_headers(&given.headers)?.or(digest::of_query(text)?);
    let claim = Claim { kind, name, version, ..Claim::conda(filename, expected, forced(text)) };
    let written = receive(&given.app, body.into_data_stream()).await?;
    publish(&given, claim, written).await
}

/// Whether the query asks to replace what is there.
fn forced(query: &str) -> bool {
    query.split('&').any(|pair| pair == "force=true")
}

/// The labels that the query asks for, each as `label=<name>`.
fn labels(query: &str) -> Result<Vec<String>, Problem> {
    let names = query.split('&').filter_map(|pair| pair.strip_prefix("label="));
    let read = |name| LabelName::parse(name).map(|label| label.to_string());
    names.map(read).collect::<Result<_, _>>().map_err(|error| Problem::invalid(error.to_string()))
}

/// Whether the query asks for a package that is private on its own: `private=true`, or `private=false` for one that is not.
fn privacy(query: &str) -> Result<Option<bool>, Problem> {
    let said = query.split('&').filter_map(|pair| pair.strip_prefix("private=")).next_back();
    match said {
        None => Ok(None),
        Some("true") => Ok(Some(true)),
        Some("false") => Ok(Some(false)),
        Some(_) => Err(Problem::invalid("private is true or false")),
    }
}

/// A file's name as the client says it; it is looked up and shown, never used as a path.
pub(crate) fn checked_filename(name: &str) -> Result<String, Problem> {
    let odd = |c: char| c.is_control() || c == '/' || c == '\\';
    if name.is_empty() || name.len() > MAX_FILENAME_BYTES || name.starts_with('.') || name.contains(odd) {
        return Err(Problem::invalid(
            "the file's name is not acceptable: 1 to 255 bytes, no slashes, no control characters, no leading dot",
        ));
    }
    Ok(name.to_owned())
}

/// Streams a body into the file store. Nothing stays behind when it ends early or is too large.
async fn receive<S, E>(app: &App, chunks: S) -> Result<Written, Problem>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<BoxError> + Send,
{
    receive_as(app, None, chunks).await
}

/// The same to a place that was announced, if one was.
pub(crate) async fn receive_as<S, E>(app: &App, id: Option<Uuid>, chunks: S) -> Result<Written, Problem>
where
    S: Stream<Item = Result<Bytes, E>> + Send,
    E: Into<BoxError> + Send,
{
    let _place = app
        .uploads
        .try_acquire()
        .map_err(|_full| Problem::unavailable("too many uploads are under way; try again in a moment"))?;
    let chunks = tokio_stream::StreamExt::timeout(chunks, STALL_LIMIT).map(|chunk| match chunk {
        Ok(chunk) => chunk.map_err(Into::into),
        Err(stalled) => Err(Box::from(stalled)),
    });
    let chunks: BoxStream<'_, Result<Bytes, BoxError>> = chunks.boxed();
    let written = match id {
        Some(id) => app.blobs.put_stream_as(id, chunks, app.max_upload_bytes).await,
        None => app.blobs.put_stream(chunks, app.max_upload_bytes).await,
    };
    written.map_err(|error| match error {
        blobs::Error::TooLarge { limit_bytes } => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            format!("the file is too large: this server takes up to {limit_bytes} bytes"),
        ),
        blobs::Error::BrokenOff(source) => form::broken_off(source.as_ref()),
        blobs::Error::NotFound { .. }
        | blobs::Error::InvalidKey(_)
        | blobs::Error::RangeBeyondEnd { .. }
        | blobs::Error::Unavailable(_) => unstored(error),
    })
}

/// Has catalog read and record what was received.
async fn publish<P>(given: &Given<P>, claim: Claim, written: Written) -> Result<Response, Problem> {
    let asked = given.uri.query().unwrap_or_default();
    let checked = check(&claim, &written).and_then(|()| Ok((labels(asked)?, privacy(asked)?)));
    let (labels, private) = match checked {
        Ok(checked) => checked,
        Err(problem) => {
            forget(&given.app, &written).await;
            return Err(problem);
        }
    };
    let python = claim.kind == PackageKind::Pypi;
    let message = PublishRequest {
        channel: given.admitted.room().name.to_string(),
        kind: claim.kind.into(),
        upload: written.key.clone(),
        filename: claim.filename,
        expected: Some(ExpectedDigests {
            sha256: claim.expected.sha256.map(Vec::from).unwrap_or_default(),
            md5: claim.expected.md5.map(Vec::from).unwrap_or_default(),
            blake2_256: claim.expected.blake2_256.map(Vec::from).unwrap_or_default(),
        }),
        force: claim.force,
        subdir: claim.subdir,
        form_name: claim.name,
        form_version: claim.version,
        labels,
        private,
    };
    let request = upstream::request(&given.admitted.presented, message, PUBLISH_CALL);
    match given.app.upstreams.catalog().publish(request).await {
        Ok(reply) => Ok(answer(&given.app, reply.into_inner(), python).await),
        Err(status) => {
            let failure = runtime::Failure::from_status(status);
            // Whether catalog is still at work on it is not known after a lost answer: then the sweep takes it.
            if failure.code != Code::Unavailable {
                forget(&given.app, &written).await;
            }
            Err(explained(failure))
        }
    }
}

fn check(claim: &Claim, written: &Written) -> Result<(), Problem> {
    if written.size == 0 {
        return Err(Problem::invalid("the file is empty"));
    }
    claim.expected.check(written)
}

pub(crate) async fn forget(app: &App, written: &Written) {
    if let Err(error) = app.blobs.delete_tmp(&written.key).await {
        tracing::warn!(%error, "a refused upload stays in the file store until the sweep");
    }
}

/// Clients look for these words when a file is there with other bytes.
pub(crate) fn explained(mut failure: runtime::Failure) -> Problem {
    const WORDS: &str = "File already exists";
    if failure.code == Code::Exists && !failure.message.contains(WORDS) {
        failure.message = format!("{WORDS}: {}", failure.message);
    }
    failure.into()
}

#[derive(Serialize)]
struct Stored {
    artifact_id: String,
    name: String,
    version: String,
    subdir: String,
    filename: String,
    sha256: String,
    size_bytes: u64,
    catalog_seq: u64,
    authz_seq: u64,
    created: bool,
    warnings: Vec<String>,
}

/// Answers once the next read through any gateway shows the file, or says from which sequence on it will.
async fn answer(app: &App, reply: PublishReply, python: bool) -> Response {
    let seq = reply.catalog_seq;
    let pending = pending(app, seq, &reply.silent).await;
    // poetry takes nothing but 200.
    let status = if reply.created && !python { StatusCode::CREATED } else { StatusCode::OK };
    let stored = Stored {
        artifact_id: reply.artifact_id,
        name: reply.name,
        version: reply.version,
        subdir: reply.subdir,
        filename: reply.filename,
        sha256: hex::encode(reply.sha256),
        size_bytes: reply.size_bytes,
        catalog_seq: seq,
        authz_seq: reply.authz_seq,
        created: reply.created,
        warnings: reply.warnings,
    };
    let mut response = (status, axum::Json(stored)).into_response();
    if pending {
        response.headers_mut().insert(PENDING, HeaderValue::from(seq));
    }
    response
}

/// Whether somebody may still show the state before `seq` when the limit has passed.
pub(crate) async fn pending(app: &App, seq: u64, silent: &[String]) -> bool {
    let (shown, heard) = tokio::join!(
        app.reader.wait_checkpoint(Log::Catalog, seq, PENDING_LIMIT),
        app.content.wait_for(seq, PENDING_LIMIT)
    );
    shown.is_err() || heard.is_err() || !silent.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filename_is_no_path() {
        for name in ["", ".hidden", "../x.conda", "a/b.whl", "a\\b.whl", "a\nb.whl", &"x".repeat(256)] {
            assert!(checked_filename(name).is_err(), "{name:?}");
        }
        assert!(checked_filename("torch-2.1+cu118-cp311-cp311-linux_x86_64.whl").is_ok());
    }

    #[test]
    fn force_is_said_in_the_query() {
        assert!(forced("force=true&sha256=ab") && forced("sha256=ab&force=true"));
        assert!(!forced("force=false") && !forced("") && !forced("enforce=true"));
    }

    #[test]
    fn labels_are_said_in_the_query() {
        assert_eq!(labels("label=Dev&force=true&label=rc1").unwrap(), ["dev", "rc1"]);
        assert!(labels("force=true").unwrap().is_empty() && labels("").unwrap().is_empty());
        assert!(labels("label=noarch").is_err() && labels("label=").is_err());
    }

    #[test]
    fn a_conflict_says_what_clients_look_for() {
        let failure = runtime::Failure::new(Code::Exists, "a-1.whl has other bytes");
        let response = explained(failure).into_response();
        let reason = response.extensions().get::<hyper::ext::ReasonPhrase>().unwrap();
        assert_eq!(reason.as_bytes(), b"File already exists: a-1.whl has other bytes");
    }
}
